"""Confidence intervals of shares."""

from __future__ import annotations

import math

# Two-sided 95 % quantile of the standard normal distribution.
_Z = 1.959963984540054


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Returns the 95 % score interval of a binomial share (Wilson, 1927), within [0, 1].

    Unlike the normal approximation it stays sensible at shares of 0 and 1 and for few trials;
    without trials it is [0, 1].
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    denominator = 1 + _Z**2 / trials
    centre = (share + _Z**2 / (2 * trials)) / denominator
    spread = _Z * math.sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2)) / denominator
    # At shares of 0 and 1 the ends are these numbers, which rounding would miss.
    low = 0.0 if successes == 0 else centre - spread
    high = 1.0 if successes == trials else centre + spread
    return low, high
