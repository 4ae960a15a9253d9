from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.data.packing import pack


def reference_best_fit_decreasing(lengths: list[int], capacity: int) -> list[int]:
    """How full each row is, by trying all rows for every item."""
    rows: list[int] = []
    for length in sorted(lengths, reverse=True):
        fitting = [number for number, full in enumerate(rows) if full + length <= capacity]
        if fitting:
            rows[max(fitting, key=lambda number: rows[number])] += length
        else:
            rows.append(length)
    return rows


@given(st.integers(1, 60).flatmap(lambda c: st.tuples(st.just(c), st.lists(st.integers(1, c)))))
def test_is_best_fit_decreasing(case):
    capacity, lengths = case
    rows, num_rows = pack(np.array(lengths, np.uint32), capacity)
    full = np.bincount(rows, weights=lengths, minlength=num_rows)
    assert len(full) == num_rows
    assert full.max(initial=0) <= capacity
    assert sorted(full.tolist()) == sorted(reference_best_fit_decreasing(lengths, capacity))


def lognormal(random, mean, spread, size):
    return random.lognormal(np.log(mean) - spread**2 / 2, spread, size)


DISTRIBUTIONS = {
    "a third, uniform": lambda r, s, n: r.uniform(1, 0.65 * s, n),
    "a third, skewed": lambda r, s, n: lognormal(r, s / 3.3, 0.8, n),
    "a quarter, very skewed": lambda r, s, n: lognormal(r, s / 4, 1.5, n),
    "short": lambda r, s, n: lognormal(r, s / 20, 0.7, n),
    "a few full rows": lambda r, s, n: np.where(
        r.random(n) < 0.15, r.uniform(0.8 * s, s, n), r.uniform(0.01 * s, 0.3 * s, n)
    ),
    # Name detection, calls, dialogues with function libraries: three humps far apart.
    "three humps": lambda r, s, n: np.choose(
        r.integers(0, 3, n),
        [lognormal(r, s / 30, 0.4, n), lognormal(r, s / 8, 0.5, n), lognormal(r, s / 1.8, 0.2, n)],
    ),
}


@pytest.mark.parametrize("capacity", [512, 2048, 8192])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_window_of_short_enough_examples_fills_its_rows(name, capacity):
    random = np.random.default_rng(capacity)
    lengths = np.clip(DISTRIBUTIONS[name](random, capacity, 8192), 1, capacity).astype(np.int64)
    assert lengths.mean() <= capacity / 3
    _, num_rows = pack(lengths, capacity)
    assert lengths.sum() / (num_rows * capacity) >= 0.98


def test_nothing_to_pack():
    rows, num_rows = pack(np.array([], np.uint32), 8)
    assert len(rows) == num_rows == 0
