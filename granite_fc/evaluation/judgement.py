"""What is found out about one answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

ErrorKind = Literal[
    "parse",
    "name",
    "missing",
    "extra",
    "type",
    "value",
    "reference",
    "order",
    "count",
    "refusal",
    "needless_call",
]


@dataclasses.dataclass(frozen=True)
class WrongPart:
    """One thing that is wrong with an answer.

    Attributes:
        kind: What kind of mistake it is; `granite_fc.evaluation.error_kinds` defines them.
        detail: What was expected and found, in a few words.
    """

    kind: ErrorKind
    detail: str


@dataclasses.dataclass(frozen=True)
class Judgement:
    """How good one answer is.

    A metric of many answers is the sum of their numerators over the sum of their denominators. An
    answer on which a metric has nothing to say has no entry for it.

    Attributes:
        exact: Whether the answer means what the target means.
        counts: Metric to (numerator, denominator). Metrics are those of
            `granite_fc.evaluation.metrics.METRICS`.
        wrong: What is wrong with it; empty if and only if `exact`.
    """

    exact: bool
    counts: Mapping[str, tuple[float, float]]
    wrong: tuple[WrongPart, ...] = ()
