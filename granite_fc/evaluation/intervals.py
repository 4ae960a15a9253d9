"""Confidence intervals of shares."""

from __future__ import annotations

import math

# Two-sided 95 % quantile of the standard normal distribution.
_Z = 1.959963984540054


def wilson_interval(successes: float, trials: int) -> tuple[float, float]:
    """Returns the 95 % score interval of a binomial share (Wilson, 1927), within [0, 1].

    Unlike the normal approximation it stays sensible at shares of 0 and 1 and for few trials;
    without trials it is [0, 1].

    Args:
        successes: How many trials count 1; or the sum of amounts from 0 to 1, one a trial. Of all
            such amounts with the same mean those that are 0 or 1 vary most, so that the interval of
            others is rather too wide than too narrow.
        trials: How many there are.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    denominator = 1 + _Z**2 / trials
    centre = (share + _Z**2 / (2 * trials)) / denominator
    spread = _Z * math.sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2)) / denominator
    # At shares of 0 and 1, or close by, an end is the share, which rounding would miss.
    return max(0.0, min(share, centre - spread)), min(1.0, max(share, centre + spread))
