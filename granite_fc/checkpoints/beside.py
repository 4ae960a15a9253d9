"""Folders that are there whole or not at all."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from granite_fc.errors import ConfigurationError


@contextlib.contextmanager
def written_beside(to: Path, *, key: str = "--to") -> Iterator[Path]:
    """Gives a folder to write to, which gets its name when all is written.

    Args:
        to: What it is to be called; not there yet, or an empty folder.
        key: What the user calls it.

    Raises:
        ConfigurationError: There is something already.
    """
    check_free(to, key=key)
    to.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: two that write the same do not write into each other's, and what was left
    # by one that was killed is not in the way.
    beside = to.with_name(f".{to.name}.{secrets.token_hex(4)}")
    beside.mkdir()
    try:
        yield beside
        if to.is_dir():
            to.rmdir()
        beside.rename(to)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def check_free(to: Path, *, key: str = "--to") -> None:
    """Checks that nothing is in the way.

    Raises:
        ConfigurationError: Something is.
    """
    if to.exists() and not (to.is_dir() and not any(to.iterdir())):
        raise ConfigurationError(
            key, found=f"{to}, which is there", expected="a folder that is not there yet"
        )
