"""The Berkeley leaderboard's package, which is data to these tests and is not installed."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import pytest

from tests.downloads import wheel_of

_PACKAGE = "bfcl-eval==2026.3.23"


@pytest.fixture(scope="session")
def bfcl_package(request):
    """The folder `bfcl_eval`: of the installed package, or of its wheel in pytest's cache."""
    installed = importlib.util.find_spec("bfcl_eval")
    if installed is not None and installed.submodule_search_locations:
        return Path(installed.submodule_search_locations[0])
    folder = Path(request.config.cache.mkdir("bfcl-eval"))
    if not (folder / "bfcl_eval" / "data").is_dir():
        wheel = wheel_of(_PACKAGE, folder)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "unpacking")
        (folder / "unpacking" / "bfcl_eval").rename(folder / "bfcl_eval")
    return folder / "bfcl_eval"


@pytest.fixture(scope="session")
def bfcl(bfcl_package):
    from granite_fc.evaluation.suites.bfcl.suite import Bfcl

    return Bfcl.load(bfcl_package)
