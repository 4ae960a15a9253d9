"""Choices that depend on a key alone: not on the process, the order of calls or earlier choices."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def keyed_hash(*key: object) -> int:
    """A 64-bit hash of the key; equal on every machine and in every process."""
    # Lengths keep ("a", "bc") and ("ab", "c") apart, whatever the parts contain.
    parts = [str(part) for part in key]
    text = "\x1f".join((*(str(len(part)) for part in parts), *parts))
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def keyed_choice(options: Sequence[T], *key: object) -> T:
    """One of `options`, each equally often over many keys."""
    return options[keyed_hash(*key) % len(options)]


def keyed_fraction(*key: object) -> float:
    """A number in [0, 1), uniform over many keys."""
    return (keyed_hash(*key) >> 11) / (1 << 53)
