"""Two models on the same questions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from granite_fc.evaluation.aggregate import CountTable
from granite_fc.evaluation.bootstrap import (
    RESAMPLES,
    is_point,
    percentile_interval,
    resampled_sums,
)
from granite_fc.evaluation.intervals import wilson_interval
from granite_fc.evaluation.judgement import Judgement
from granite_fc.evaluation.metrics import METRICS


@dataclasses.dataclass(frozen=True)
class McNemar:
    """The exact test of two paired shares (McNemar, 1947).

    Attributes:
        only_first: Questions on which the first model alone counts 1.
        only_second: Those on which the second alone does.
        p_value: Two-sided: the chance of a split as uneven as this one, were each of these
            questions as likely to fall to either.
    """

    only_first: int
    only_second: int
    p_value: float


@dataclasses.dataclass(frozen=True)
class PairedDifference:
    """A metric of the second model less that of the first.

    Attributes:
        first: Value of the first.
        second: Value of the second.
        difference: `second - first`.
        low: Lower end of the 95 % interval of the difference, by the paired bootstrap. Where models
            differ and it is a point, as it is where one is right and the other wrong throughout or
            where there is one question, the interval has room for other questions: as many as
            Wilson's interval of none among those that both answer, each with any difference.
        high: Upper end.
        p_value: Two-sided, by the same samples: twice the share of those in which the difference is
            0 or has the other sign, the sample at hand counted among them (Davison and Hinkley,
            1997, section 4.2); at most 1, and no less than that of n questions that all fall to one
            side, n being those that are answered differently.
        mcnemar: For shares of answers on which the metric has something to say for both; None for
            other metrics.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float
    mcnemar: McNemar | None


def compare_paired(
    first: Sequence[Judgement],
    second: Sequence[Judgement],
    *,
    num_resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, PairedDifference]:
    """Compares two models metric by metric.

    Questions are resampled, each with the answers of both models, so that what makes a question
    hard for both does not blur the difference (Koehn, 2004).

    Args:
        first: Judgements of the first model's answers.
        second: Those of the second's, question by question in the same order.
        num_resamples: Samples of the bootstrap.
        seed: Decides them.

    Returns:
        Metric to difference, of the metrics that both have.

    Raises:
        ValueError: They are not as many.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} answers are compared with {len(second)}")
    tables = CountTable.of(first), CountTable.of(second)
    if not first or not all(table.names for table in tables):
        return {}
    columns = [part for table in tables for part in (table.numerators, table.denominators)]
    both = np.concatenate(columns, axis=1)
    ends = np.cumsum([part.shape[1] for part in columns])[:-1]
    sums = np.concatenate(
        [both.sum(axis=0)[None], resampled_sums(both, num_resamples=num_resamples, seed=seed)]
    )
    parts = np.split(sums, ends, axis=1)
    values = tables[0].values(*parts[:2]), tables[1].values(*parts[2:])
    names = [name for name in (*METRICS, *values[0]) if name in values[0] and name in values[1]]
    return {
        name: _difference(values[0][name], values[1][name], _Pairs.of(name, *tables))
        for name in dict.fromkeys(names)
    }


def mcnemar_test(only_first: int, only_second: int) -> McNemar:
    """Returns the exact test, by the binomial distribution of n questions at one half each."""
    number, fewer = only_first + only_second, min(only_first, only_second)
    term = tail = 1
    for k in range(fewer):
        term = term * (number - k) // (k + 1)
        tail += term
    return McNemar(only_first, only_second, min(1.0, 2 * tail / 2**number))


class _Pairs(NamedTuple):
    """What is known of a metric question by question.

    Attributes:
        num_both: Number of questions on which it has something to say for both.
        num_different: Number of questions on which it counts otherwise for the second.
        is_bounded: Whether its values are from 0 to 1.
        mcnemar: See `PairedDifference`.
    """

    num_both: int
    num_different: int
    is_bounded: bool
    mcnemar: McNemar | None

    @classmethod
    def of(cls, name: str, first: CountTable, second: CountTable) -> _Pairs:
        both, different = np.zeros((2, len(first.applies)), bool)
        for part in METRICS[name].components if name not in first.names else (name,):
            (says, counts), (also, others) = first.of_metric(part), second.of_metric(part)
            both |= says & also
            different |= (counts != others).any(axis=1)
        return cls(
            int(both.sum()),
            int(different.sum()),
            all(table.is_bounded(name) for table in (first, second)),
            _mcnemar(name, first, second),
        )


def _difference(first: np.ndarray, second: np.ndarray, pairs: _Pairs) -> PairedDifference:
    differences = second - first
    difference, samples = float(differences[0]), differences[1:]
    samples = samples[~np.isnan(samples)]
    against = (samples <= 0).sum() if difference > 0 else (samples >= 0).sum()
    p_value = 1.0
    if difference:
        p_value = min(1.0, 2 * (1 + float(against)) / (1 + len(samples)))
        p_value = max(p_value, mcnemar_test(pairs.num_different, 0).p_value)
    low, high = percentile_interval(samples)
    if difference and pairs.is_bounded and is_point(low, high):
        share = wilson_interval(0, pairs.num_both)[1]
        low, high = (difference + share * (end - difference) for end in (-1, 1))
    return PairedDifference(
        float(first[0]), float(second[0]), difference, low, high, p_value, pairs.mcnemar
    )


def _mcnemar(name: str, first: CountTable, second: CountTable) -> McNemar | None:
    if any(name not in table.names or not table.is_share(name) for table in (first, second)):
        return None
    a, b = first.names.index(name), second.names.index(name)
    both = first.applies[:, a] & second.applies[:, b]
    ours, theirs = first.numerators[both, a] > 0, second.numerators[both, b] > 0
    return mcnemar_test(int((ours & ~theirs).sum()), int((theirs & ~ours).sum()))
