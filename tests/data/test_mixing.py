from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from granite_fc.data.mixing import MixingRates

RATES = st.lists(
    st.one_of(st.integers(1, 50), st.floats(1e-6, 1e3), st.sampled_from([0.1, 0.2, 1 / 3])),
    min_size=1,
    max_size=12,
)


@given(RATES, st.integers(1, 40), st.integers(1, 60))
def test_cumulative_counts_are_the_exact_share_rounded_down_or_up(rates, draws, windows):
    exact = [Fraction(repr(float(rate))) for rate in rates]
    drawn = [0] * len(rates)
    mixing = MixingRates(rates)
    for window in range(windows):
        quotas = mixing.quotas(window, draws, drawn)
        assert sum(quotas) == draws
        assert min(quotas) >= 0
        drawn = [had + more for had, more in zip(drawn, quotas, strict=True)]
        for count, rate in zip(drawn, exact, strict=True):
            share = rate / sum(exact) * draws * (window + 1)
            assert math.floor(share) <= count <= math.ceil(share)


def test_a_hard_case_for_the_largest_remainder():
    # Many rare tasks beside common ones: handing the spare draws to the largest remainders would
    # let counts drift more than one example from their share.
    rates = [1.0] * 30 + [7.0] * 3 + [49.0]
    mixing, drawn = MixingRates(rates), [0] * 34
    for window in range(400):
        quotas = mixing.quotas(window, 1, drawn)
        drawn = [had + more for had, more in zip(drawn, quotas, strict=True)]
        for count, rate in zip(drawn, rates, strict=True):
            assert abs(count - rate / 100 * (window + 1)) < 1


def test_only_ratios_matter():
    assert MixingRates([0.1, 0.3]).numerators == MixingRates([1, 3]).numerators == (1, 3)


def test_shares_after_100_000_draws():
    rates = [0.5, 0.3, 0.15, 0.04, 0.01]
    mixing, drawn = MixingRates(rates), [0] * 5
    for window in range(13):
        quotas = mixing.quotas(window, 8192, drawn)
        drawn = [had + more for had, more in zip(drawn, quotas, strict=True)]
    for count, rate in zip(drawn, rates, strict=True):
        assert abs(count / sum(drawn) - rate) < 1e-4
