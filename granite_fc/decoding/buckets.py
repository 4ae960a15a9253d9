"""Lengths that share a compiled shape."""

from __future__ import annotations

_SHORTEST = 64


def bucket_length(length: int) -> int:
    """Returns the least of 64, 96, 128, 192, 256, ... that holds `length`: two shapes an octave."""
    bucket = _SHORTEST
    while bucket < length:
        if bucket * 3 // 2 >= length:
            return bucket * 3 // 2
        bucket *= 2
    return bucket
