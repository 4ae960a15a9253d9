from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from granite_fc.evaluation.intervals import wilson_interval


@pytest.mark.parametrize(("successes", "trials"), [(0, 7), (3, 7), (7, 7), (95, 100), (1, 1000)])
def test_agrees_with_scipy(successes, trials):
    expected = stats.binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, trials) == pytest.approx((expected.low, expected.high))


def test_a_share_of_0_or_1_is_an_end_of_its_interval():
    for trials in range(1, 200):
        assert wilson_interval(0, trials)[0] == 0 and wilson_interval(trials, trials)[1] == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_amounts_have_an_interval_around_their_mean(amounts):
    low, high = wilson_interval(sum(amounts), len(amounts))
    assert 0 <= low <= sum(amounts) / len(amounts) <= high <= 1


def test_without_trials_nothing_is_known():
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_refuses_more_successes_than_trials():
    with pytest.raises(ValueError, match="3 successes in 2 trials"):
        wilson_interval(3, 2)
