"""Few lengths hold all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from granite_fc.decoding.buckets import bucket_length, reading_length


@given(st.integers(1, 1 << 20))
def test_a_bucket_holds_its_length_and_wastes_at_most_a_half(length: int) -> None:
    bucket = bucket_length(length)
    assert bucket >= length
    assert bucket == 64 or bucket < 1.5 * length
    assert bucket <= reading_length(length) < 2 * max(length, 33)


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
    assert {reading_length(n) for n in range(1, 1025)} == {64, 128, 256, 512, 768, 1024}
