"""Choices that look random and are the same on every machine: functions of a hash of the record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
_RANGE = 2**64


def hashed(*parts: object) -> int:
    """Returns a number from 0 to 2^64 - 1 that depends on all the parts."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def chance(probability: float, *parts: object) -> bool:
    """Whether the parts belong to a share of everything that is `probability` large."""
    return hashed(*parts) < probability * _RANGE


def shuffled(items: Iterable[Item], key: Callable[[Item], object], *parts: object) -> list[Item]:
    """Returns the items in an order that depends on their keys and the parts alone."""
    return sorted(items, key=lambda item: hashed(*parts, key(item)))


def is_validation(text: str, share: float) -> bool:
    """Whether a text belongs to the validation split.

    Letter case and spacing make no difference, so that near-copies of a text stay on one side.
    """
    return chance(share, "validation", " ".join(text.casefold().split()))
