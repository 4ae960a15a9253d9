"""The longest common subsequence of two sequences."""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def lcs_length(first: Sequence[Hashable], second: Sequence[Hashable]) -> int:
    """Returns the length of the longest common subsequence.

    Computed on bit vectors, a bit for each item of the shorter sequence (Hyyrö, "Bit-parallel LCS-
    length computation revisited", 2004): time grows with the longer sequence times the 64-bit words
    of the shorter.
    """
    shorter, longer = sorted((first, second), key=len)
    masks: dict[Hashable, int] = {}
    for position, item in enumerate(shorter):
        masks[item] = masks.get(item, 0) | 1 << position
    all_bits = (1 << len(shorter)) - 1
    row = all_bits
    for item in longer:
        matches = row & masks.get(item, 0)
        if matches:
            row = ((row + matches) | (row - matches)) & all_bits
    return len(shorter) - row.bit_count()
