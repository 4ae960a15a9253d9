"""Which code runs here: this package's source, and the packages that it computes with."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

# What turns a training step into a program.
COMPILERS = ("jax", "jaxlib", "libtpu")
ABSENT = "absent"


def versions(packages: Sequence[str] = COMPILERS) -> dict[str, str]:
    """Returns package to installed version, which is "absent" where it is not installed."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = ABSENT
    return found


@functools.cache
def source_digest() -> str:
    """Returns a digest of this package's own source files: names and content."""
    folder = Path(__file__).parent
    hashed = hashlib.blake2b(digest_size=8)
    for path in sorted(folder.rglob("*.py")):
        hashed.update(str(path.relative_to(folder)).encode() + b"\0")
        hashed.update(hashlib.blake2b(path.read_bytes()).digest())
    return hashed.hexdigest()
