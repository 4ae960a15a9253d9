from __future__ import annotations

from collections.abc import Iterator

import gin
import pytest


@pytest.fixture(autouse=True)
def clean_gin() -> Iterator[None]:
    """Leaves nothing of what a benchmark configures to other tests."""
    yield
    gin.clear_config()
