"""Differences between models, metric by metric."""

from __future__ import annotations

import math
from collections.abc import Sequence

from granite_fc.data.inspection import markup
from granite_fc.data.inspection.markup import Cell, escape
from granite_fc.evaluation.metrics import METRICS
from granite_fc.evaluation.paired import PairedDifference
from granite_fc.evaluation.results import Comparison
from granite_fc.visible_text import visible

_NOTE = (
    "<p>Differences in points, the second model less the first, on the same requests. The interval "
    "holds 95 %, by paired bootstrap over requests. p is that of McNemar's exact test for shares "
    "of answers and of the same bootstrap elsewhere, never less than that of as many requests as "
    "are answered differently, all falling to one side; not corrected for the number of rows. "
    "Coloured where the interval leaves 0 out.</p>"
)


def comparison_tables(comparisons: Sequence[Comparison]) -> str:
    """Returns a table for each comparison, a row for each group and metric."""
    return "".join(_table(comparison) for comparison in comparisons)


def _table(comparison: Comparison) -> str:
    rows = [
        _row(group, metric, found)
        for group, metrics in comparison.groups.items()
        for metric, found in metrics.items()
        if not math.isnan(found.difference)
    ]
    heads = (
        "group",
        "metric",
        visible(comparison.first),
        visible(comparison.second),
        "difference",
        "95 % interval",
        "p",
    )
    title = f"{visible(comparison.second)} beside {visible(comparison.first)}"
    return f"<h3>{escape(title)}</h3>{_NOTE}{markup.table(heads, rows, words=(0, 1))}"


def _row(group: str, metric: str, found: PairedDifference) -> list[Cell]:
    known = METRICS.get(metric)
    title = known.title if known is not None else markup.words(metric).capitalize()
    direction = True if known is None else known.higher_is_better
    text = f"{100 * found.difference:+.1f}"
    colour = ""
    if direction is not None and (found.low > 0 or found.high < 0):
        colour = "gain" if (found.difference > 0) == direction else "loss"
    p_value = found.p_value if found.mcnemar is None else found.mcnemar.p_value
    return [
        Cell(markup.words(visible(group))),
        Cell(title),
        Cell(f"{found.first:.1%}", found.first),
        Cell(f"{found.second:.1%}", found.second),
        Cell(text, found.difference, html=f'<span class="{colour}">{text}</span>'),
        Cell(f"{100 * found.low:+.1f} to {100 * found.high:+.1f}", found.low),
        Cell(f"{p_value:.3f}", p_value),
    ]
