from __future__ import annotations

from collections.abc import Iterator

import gin
import pytest


@pytest.fixture(autouse=True)
def clean_gin() -> Iterator[None]:
    """Leaves nothing of what a plan configures to the tests of other rooms."""
    yield
    gin.clear_config()
