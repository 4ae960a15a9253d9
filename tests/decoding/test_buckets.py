"""Prompts are grouped by length into few shapes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from granite_fc.decoding.buckets import batches_by_length, bucket_length


@given(st.integers(1, 1 << 20))
def test_a_bucket_holds_its_length_and_wastes_at_most_a_half(length: int) -> None:
    bucket = bucket_length(length)
    assert bucket >= length
    assert bucket == 64 or bucket < 1.5 * length


def test_few_shapes() -> None:
    assert {bucket_length(n) for n in range(1, 1025)} == {
        64,
        96,
        128,
        192,
        256,
        384,
        512,
        768,
        1024,
    }


@given(st.lists(st.integers(1, 500)), st.integers(1, 7))
def test_every_prompt_is_in_one_batch_that_holds_it(lengths: list[int], batch_size: int) -> None:
    batches = list(batches_by_length(lengths, batch_size))
    seen = [index for indices, _ in batches for index in indices]
    assert sorted(seen) == list(range(len(lengths)))
    for indices, length in batches:
        assert 1 <= len(indices) <= batch_size
        assert all(lengths[index] <= length for index in indices)
