"""Bars with intervals, side by side for several models, as inline SVG."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from granite_fc.data.inspection.markup import colour, escape

_GAP, _BAR = 14, 12
_LEFT, _WIDTH, _RIGHT = 210, 420, 150
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclasses.dataclass(frozen=True)
class Bar:
    """One value.

    Attributes:
        value: From 0 to 1; NaN where there is none.
        low: Lower end of its interval.
        high: Upper end.
        label: What stands beside it.
    """

    value: float
    low: float
    high: float
    label: str


def bar_chart(
    title: str, note: str, names: Sequence[str], groups: Sequence[tuple[str, Sequence[Bar]]]
) -> str:
    """Returns a `<figure>` with a group of bars for each thing measured, a bar for each model.

    Args:
        title: Heading.
        note: What is drawn, in a sentence.
        names: Names of the models, for the legend; none is drawn for one model.
        groups: Name of what was measured, and one bar a model.
    """
    per_group = max(1, len(names))
    height_of_group = per_group * (_BAR + 3) + _GAP
    height = 20 + len(groups) * height_of_group + 8
    width = _LEFT + _WIDTH + _RIGHT
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">']
    for tick in _TICKS:
        x = _LEFT + tick * _WIDTH
        parts.append(
            f'<path class="grid" d="M{x:.1f} 18V{height - 4}"/>'
            f'<text class="tick" x="{x:.1f}" y="12" text-anchor="middle">{tick:.0%}</text>'
        )
    for number, (name, bars) in enumerate(groups):
        top = 22 + number * height_of_group
        middle = top + per_group * (_BAR + 3) / 2
        parts.append(
            f'<text class="name" x="{_LEFT - 10}" y="{middle + 3:.1f}" text-anchor="end">'
            f"{escape(name)}</text>"
        )
        for place, bar in enumerate(bars):
            parts.append(_drawn(bar, top + place * (_BAR + 3), place))
    parts.append("</svg>")
    legend = ""
    if len(names) > 1:
        legend = "".join(
            f'<span><i style="background:{colour(place)}"></i>{escape(name)}</span>'
            for place, name in enumerate(names)
        )
        legend = f'<div class="legend">{legend}</div>'
    return (
        f'<figure class="chart bars"><figcaption><b>{escape(title)}</b> {escape(note)}</figcaption>'
        f"{legend}{''.join(parts)}</figure>"
    )


def _drawn(bar: Bar, top: float, place: int) -> str:
    if not math.isfinite(bar.value):
        return f'<text class="tick" x="{_LEFT + 6}" y="{top + 10:.1f}">none</text>'
    middle = top + _BAR / 2
    low, high = (_LEFT + min(max(end, 0.0), 1.0) * _WIDTH for end in (bar.low, bar.high))
    return (
        f'<rect x="{_LEFT}" y="{top:.1f}" width="{min(max(bar.value, 0), 1) * _WIDTH:.1f}" '
        f'height="{_BAR}" fill="{colour(place)}"/>'
        f'<path class="interval" d="M{low:.1f} {middle - 4:.1f}V{middle + 4:.1f}M{low:.1f} '
        f'{middle:.1f}H{high:.1f}M{high:.1f} {middle - 4:.1f}V{middle + 4:.1f}"/>'
        f'<text class="tick" x="{max(high, _LEFT) + 8:.1f}" y="{middle + 4:.1f}">'
        f"{escape(bar.label)}</text>"
    )
