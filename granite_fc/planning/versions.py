"""What a plan depends on beside its configuration: this package's source and its compilers."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
from pathlib import Path

_PACKAGES = ("jax", "jaxlib", "libtpu")


def versions() -> dict[str, str]:
    """Returns package to installed version."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "none"
    return found


@functools.cache
def source_hash() -> str:
    """Returns a hash of all of this package's modules."""
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
