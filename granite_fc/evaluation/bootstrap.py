"""Intervals by resampling answers.

Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13: answers are drawn with
replacement, as many as there are, and the metric is computed of each such sample; the interval goes
from the 2.5th to the 97.5th percentile of the values.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

RESAMPLES = 1_000
_LEVELS = (2.5, 97.5)
_CHUNK = 50
# Sums in another order differ by their rounding.
_POINT = 1e-9


def resampled_sums(
    amounts: np.ndarray, *, num_resamples: int = RESAMPLES, seed: int = 0
) -> np.ndarray:
    """Returns sums over resampled answers, the same answers for every column.

    Args:
        amounts: float `[answers, columns]`.
        num_resamples: How many samples are drawn.
        seed: Decides them.

    Returns:
        float64 `[num_resamples, columns]`.
    """
    amounts = np.ascontiguousarray(amounts, np.float64)
    sums = [weights @ amounts for weights in _weights(len(amounts), num_resamples, seed)]
    return np.concatenate(sums) if sums else np.zeros((0, amounts.shape[1]))


def percentile_interval(values: np.ndarray) -> tuple[float, float]:
    """Returns the central 95 % of values; samples without a value (NaN) are left out.

    NaN where no sample has one.
    """
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.percentile(values, _LEVELS)
    return float(low), float(high)


def is_point(low: float, high: float) -> bool:
    """Whether an interval is a point, but for rounding: resampling does not move the value."""
    return high - low < _POINT


def ratio(numerators: np.ndarray, denominators: np.ndarray) -> np.ndarray:
    """Returns numerators over denominators, NaN where a denominator is 0."""
    found = np.full(np.shape(numerators), np.nan)
    np.divide(numerators, denominators, out=found, where=np.asarray(denominators) != 0)
    return found


def _weights(num_answers: int, num_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yields how often each sample has each answer: float64 `[up to 50, num_answers]`."""
    generator = np.random.default_rng(seed)
    for start in range(0, num_resamples, _CHUNK):
        rows = min(_CHUNK, num_resamples - start)
        drawn = generator.integers(num_answers, size=(rows, num_answers))
        drawn += np.arange(rows)[:, None] * num_answers
        counted = np.bincount(drawn.ravel(), minlength=rows * num_answers)
        yield counted.reshape(rows, num_answers).astype(np.float64)
