"""Many judgements as one table: every metric with its interval, and the kinds of mistakes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from granite_fc.evaluation.bootstrap import (
    RESAMPLES,
    is_point,
    percentile_interval,
    ratio,
    resampled_sums,
)
from granite_fc.evaluation.error_kinds import KINDS
from granite_fc.evaluation.intervals import wilson_interval
from granite_fc.evaluation.judgement import ErrorKind, Judgement
from granite_fc.evaluation.metrics import METRICS, Metric


@dataclasses.dataclass(frozen=True)
class MetricValue:
    """A metric of many answers.

    Attributes:
        value: Sum of numerators over sum of denominators; of a derived metric, what it derives.
        low: Lower end of the 95 % interval.
        high: Upper end.
        num_answers: Number of answers on which it has something to say.
        numerator: The sum of the numerators; NaN of a derived metric.
        denominator: The sum of the denominators; NaN of a derived metric.
    """

    value: float
    low: float
    high: float
    num_answers: int
    numerator: float
    denominator: float


@dataclasses.dataclass(frozen=True)
class Aggregate:
    """Many answers together.

    Attributes:
        num_answers: Number of answers.
        num_exact: Number of those that are exact.
        metrics: Metric to value, in the order of `METRICS`; only those with something to say.
        error_kinds: Number of answers that make each kind of mistake, in the order of `KINDS`.
    """

    num_answers: int
    num_exact: int
    metrics: Mapping[str, MetricValue]
    error_kinds: Mapping[ErrorKind, int]


@dataclasses.dataclass(frozen=True)
class CountTable:
    """The counts of many answers as arrays.

    Attributes:
        names: The metrics, none of them derived.
        numerators: float64 `[answers, metrics]`; 0 where a metric has nothing to say.
        denominators: Likewise.
        applies: bool `[answers, metrics]`: whether it has something to say.
    """

    names: tuple[str, ...]
    numerators: np.ndarray
    denominators: np.ndarray
    applies: np.ndarray

    @classmethod
    def of(cls, judgements: Sequence[Judgement]) -> CountTable:
        """Lays out the counts of judgements; metrics that `METRICS` does not have come last."""
        found = dict.fromkeys(name for judgement in judgements for name in judgement.counts)
        names = (
            *(name for name in METRICS if name in found),
            *sorted(found.keys() - METRICS.keys()),
        )
        column = {name: index for index, name in enumerate(names)}
        shape = len(judgements), len(names)
        numerators, denominators = np.zeros(shape), np.zeros(shape)
        applies = np.zeros(shape, bool)
        for row, judgement in enumerate(judgements):
            for name, (numerator, denominator) in judgement.counts.items():
                numerators[row, column[name]] = numerator
                denominators[row, column[name]] = denominator
                applies[row, column[name]] = True
        return cls(names, numerators, denominators, applies)

    def of_metric(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns where a metric applies, bool `[answers]`, and its counts, `[answers, 2]`."""
        if name not in self.names:
            return np.zeros(len(self.applies), bool), np.zeros((len(self.applies), 2))
        column = self.names.index(name)
        counts = self.numerators[:, column], self.denominators[:, column]
        return self.applies[:, column], np.stack(counts, axis=1)

    def is_share(self, name: str) -> bool:
        """Whether each answer counts 0 or 1 of 1; of a suite's own metric its answers tell."""
        if name in METRICS:
            return METRICS[name].is_share
        column = self.names.index(name)
        applies = self.applies[:, column]
        tops, belows = self.numerators[applies, column], self.denominators[applies, column]
        return bool(np.isin(tops, (0.0, 1.0)).all() and (belows == 1.0).all())

    def is_bounded(self, name: str) -> bool:
        """Whether values are from 0 to 1; of a suite's own metric its answers tell."""
        if name in METRICS:
            return METRICS[name].is_bounded
        column = self.names.index(name)
        tops, belows = self.numerators[:, column], self.denominators[:, column]
        return bool(((tops >= 0) & (tops <= belows)).all())

    @property
    def derived(self) -> list[Metric]:
        """The metrics that can be derived from these."""
        return [
            metric
            for metric in METRICS.values()
            if metric.components and any(name in self.names for name in metric.components)
        ]

    def values(self, numerators: np.ndarray, denominators: np.ndarray) -> dict[str, np.ndarray]:
        """Returns metric to values, derived ones included.

        Args:
            numerators: Sums over answers, float64 `[..., metrics]`.
            denominators: Likewise.
        """
        shares = ratio(numerators, denominators)
        found = {name: shares[..., column] for column, name in enumerate(self.names)}
        for metric in self.derived:
            assert metric.derive is not None
            columns = [
                self.names.index(name) if name in self.names else None for name in metric.components
            ]
            derived = [
                metric.derive(
                    [(0.0, 0.0) if c is None else (float(top[c]), float(below[c])) for c in columns]
                )
                for top, below in zip(
                    numerators.reshape(-1, len(self.names)),
                    denominators.reshape(-1, len(self.names)),
                    strict=True,
                )
            ]
            found[metric.name] = np.array(derived).reshape(numerators.shape[:-1])
        return found


def aggregate(
    judgements: Sequence[Judgement], *, num_resamples: int = RESAMPLES, seed: int = 0
) -> Aggregate:
    """Sums up judgements.

    Intervals are percentile bootstrap intervals over answers (`granite_fc.evaluation.bootstrap`),
    but for shares of answers, where every answer counts 0 or 1: these have Wilson's score interval.
    So has any other metric from 0 to 1 whose bootstrap interval is a point, as it is where all
    answers are wholly right or wrong, or where there is one: the answers on which it has something
    to say are the trials, and its value is the share of successes. What the answers do not show,
    resampling them does not either, and a point would say that nothing is left open.

    Args:
        judgements: Of the answers to different questions; of several answers to one, the intervals
            say too little.
        num_resamples: Samples of the bootstrap.
        seed: Decides them.
    """
    table = CountTable.of(judgements)
    metrics: dict[str, MetricValue] = {}
    if judgements and table.names:
        both = np.concatenate([table.numerators, table.denominators], axis=1)
        top, below = np.split(both.sum(axis=0), 2)
        resampled = resampled_sums(both, num_resamples=num_resamples, seed=seed)
        values = table.values(top, below)
        samples = table.values(*np.split(resampled, 2, axis=1))
        for name, value in values.items():
            metrics[name] = _metric_value(name, table, float(value), samples[name])
    kinds = [{part.kind for part in judgement.wrong} for judgement in judgements]
    return Aggregate(
        num_answers=len(judgements),
        num_exact=sum(judgement.exact for judgement in judgements),
        metrics={name: metrics[name] for name in (*METRICS, *metrics) if name in metrics},
        error_kinds={kind: sum(kind in found for found in kinds) for kind in KINDS},
    )


def _metric_value(name: str, table: CountTable, value: float, samples: np.ndarray) -> MetricValue:
    metric = METRICS.get(name)
    if metric is not None and metric.components:
        columns = [table.names.index(part) for part in metric.components if part in table.names]
        number = int(table.applies[:, columns].any(axis=1).sum())
        low, high = _interval(value, samples, number)
        return MetricValue(value, low, high, number, math.nan, math.nan)
    column = table.names.index(name)
    top, below = table.numerators[:, column].sum(), table.denominators[:, column].sum()
    number = int(table.applies[:, column].sum())
    if table.is_share(name):
        low, high = wilson_interval(round(top), round(below))
    elif table.is_bounded(name):
        low, high = _interval(value, samples, number)
    else:
        low, high = percentile_interval(samples)
    return MetricValue(value, low, high, number, float(top), float(below))


def _interval(value: float, samples: np.ndarray, number: int) -> tuple[float, float]:
    """The interval of a metric from 0 to 1 of a number of answers."""
    low, high = percentile_interval(samples)
    if is_point(low, high):
        return wilson_interval(min(max(value, 0.0), 1.0) * number, number)
    return low, high
