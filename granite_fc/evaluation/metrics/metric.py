"""What a metric is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

# Metric to (numerator, denominator), of one answer or summed over many.
Counts = Mapping[str, tuple[float, float]]


@dataclasses.dataclass(frozen=True)
class Metric:
    """One number about many answers, and what it means.

    Its value is the sum of the numerators over the sum of the denominators of the answers on which
    it has something to say, unless it is derived from such sums of other metrics.

    Attributes:
        name: Its name in judgements and reports.
        title: A few words for a column.
        definition: What is divided by what, and how it is matched.
        source: Who defined it, or what this definition does about theirs.
        higher_is_better: Direction; False for rates of errors, None where neither more nor less is
            better.
        is_share: Whether each answer counts 0 or 1 of 1, so that the value is a share of answers.
        is_bounded: Whether values are from 0 to 1.
        components: The metrics that it is derived from; empty for the others.
        derive: The value from the (numerator, denominator) sums of the components, NaN where they
            say nothing.
    """

    name: str
    title: str
    definition: str
    source: str = "granite_fc"
    higher_is_better: bool | None = True
    is_share: bool = False
    is_bounded: bool = True
    components: tuple[str, ...] = ()
    derive: Callable[[Sequence[tuple[float, float]]], float] | None = None


def counts_of(**found: tuple[float, float]) -> dict[str, tuple[float, float]]:
    """Keeps the metrics whose denominator is not 0: the others have nothing to say."""
    return {
        name: (float(numerator), float(denominator))
        for name, (numerator, denominator) in found.items()
        if denominator
    }
