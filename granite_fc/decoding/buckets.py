"""Groups of prompts that share a compiled shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_SHORTEST = 64


def bucket_length(length: int) -> int:
    """Returns the least of 64, 96, 128, 192, 256, ... that holds `length`: two shapes an octave."""
    bucket = _SHORTEST
    while bucket < length:
        if bucket * 3 // 2 >= length:
            return bucket * 3 // 2
        bucket *= 2
    return bucket


def batches_by_length(lengths: Sequence[int], batch_size: int) -> Iterator[tuple[list[int], int]]:
    """Groups prompts of similar length.

    The longest come first, so that a batch that does not fit into memory fails at once.

    Args:
        lengths: Tokens of each prompt.
        batch_size: Most prompts in a group.

    Yields:
        Indices into `lengths`, at most `batch_size`, and the bucket that holds them all.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    for start in range(0, len(order), batch_size):
        indices = order[start : start + batch_size]
        yield indices, bucket_length(lengths[indices[0]])
