"""Lengths that share a compiled shape."""

from __future__ import annotations

_SHORTEST = 64
# Up to here reading a prompt is cheap, and half of it as padding too.
_CHEAP = 512


def bucket_length(length: int) -> int:
    """Returns the least of 64, 96, 128, 192, 256, ... that holds `length`: two shapes an octave."""
    bucket = _SHORTEST
    while bucket < length:
        if bucket * 3 // 2 >= length:
            return bucket * 3 // 2
        bucket *= 2
    return bucket


def reading_length(length: int) -> int:
    """Returns what a prompt of `length` is padded to while it is read.

    The shapes are those of `bucket_length` above 512, and one an octave below: reading compiles the
    whole decoder for each.
    """
    bucket = _SHORTEST
    while bucket < min(length, _CHEAP):
        bucket *= 2
    return bucket if bucket >= length else bucket_length(length)
