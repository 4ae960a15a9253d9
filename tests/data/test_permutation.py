from __future__ import annotations

import collections
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.data.permutation import key_of, mix64, permute, shuffled

MASK = (1 << 64) - 1


def reference_mix(value: int, key: int) -> int:
    """SplitMix64's finaliser on Python integers, which do not wrap around by themselves."""
    mixed = (value * 0x9E3779B97F4A7C15 + key) & MASK
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & MASK
    return mixed ^ (mixed >> 31)


def reference_permute(position: int, size: int, key: int) -> int:
    bits = 6
    while 1 << bits < size:
        bits += 1
    while True:
        widths = [bits // 2, bits - bits // 2]
        high, low = position >> widths[1], position & ((1 << widths[1]) - 1)
        for number in range(8):
            round_key = (key + (number + 1) * 0xD1342543DE82EF95) & MASK
            mixed = high ^ (reference_mix(low, round_key) >> 32) % (1 << widths[0])
            high, low, widths = low, mixed, widths[::-1]
        position = high << widths[1] | low
        if position < size:
            return position


@pytest.mark.parametrize("first", range(1, 301, 50))
def test_is_a_bijection_for_all_small_sizes(first):
    for size in range(first, first + 50):
        elements = permute(np.arange(size), size, key_of("test", size))
        assert sorted(elements.tolist()) == list(range(size))


@given(st.integers(1, 2**40), st.integers(0, MASK), st.data())
def test_equals_the_scalar_reference(size, key, data):
    position = data.draw(st.integers(0, size - 1))
    assert permute(np.array([position]), size, key) == [reference_permute(position, size, key)]


def test_a_key_for_each_position_looks_up_different_orders():
    keys = mix64(np.arange(5, dtype=np.uint64), 9)
    together = permute(np.tile(np.arange(70), 5), 70, np.repeat(keys, 70)).reshape(5, 70)
    for row, key in zip(together, keys.tolist(), strict=True):
        assert np.array_equal(row, permute(np.arange(70), 70, key))
    assert len({tuple(row) for row in together.tolist()}) == 5


@pytest.mark.parametrize("size", [3, 4])
def test_every_order_of_a_few_elements_is_about_equally_frequent(size):
    trials = 24_000
    keys = mix64(np.arange(trials, dtype=np.uint64), key_of("uniform"))
    orders = permute(np.tile(np.arange(size), trials), size, np.repeat(keys, size))
    frequency = collections.Counter(map(tuple, orders.reshape(trials, size).tolist()))
    expected = trials / len(list(itertools.permutations(range(size))))
    chi_square = sum(
        (frequency[order] - expected) ** 2 / expected
        for order in itertools.permutations(range(size))
    )
    # The 99.99th percentile with 23 degrees of freedom.
    assert chi_square < 58


def test_neighbours_are_torn_apart():
    order = permute(np.arange(100_000), 100_000, key_of("far"))
    # Two independent uniform places are a third of the range apart on average.
    assert abs(np.abs(np.diff(order)).mean() / 100_000 - 1 / 3) < 0.01
    assert abs(np.corrcoef(order, np.arange(100_000))[0, 1]) < 0.02


def test_orders_never_change_with_a_release():
    assert key_of(1, "order", "task") == 4695374312543091614
    assert shuffled(8, 7).tolist() == [2, 0, 6, 1, 5, 7, 4, 3]
    assert permute(np.arange(8), 8, 7).tolist() == [7, 2, 6, 1, 0, 3, 4, 5]


def test_shuffled_is_a_permutation():
    assert sorted(shuffled(1000, 3).tolist()) == list(range(1000))
    assert shuffled(0, 3).tolist() == []
