"""Line charts as inline SVG: no library, no network, readable in any browser and on paper."""

from __future__ import annotations

import dataclasses
import html
import json
import math
from collections.abc import Sequence

# Colours that stay apart for colour-blind readers (Okabe and Ito, 2008), darkest first.
COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#6b4c9a",
    "#8c6d31",
)
_WIDTH, _HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 12, 40


@dataclasses.dataclass(frozen=True)
class Series:
    """One named line.

    Attributes:
        name: What the legend says.
        points: (x, y) pairs in ascending x; pairs whose y is not finite are left out.
    """

    name: str
    points: Sequence[tuple[float, float]]

    def finite(self) -> list[tuple[float, float]]:
        """The points that can be drawn."""
        return [(x, y) for x, y in self.points if math.isfinite(x) and math.isfinite(y)]


def line_chart(
    title: str,
    note: str,
    series: Sequence[Series],
    *,
    x_label: str = "step",
    y_label: str = "",
    logarithmic: bool = False,
) -> str:
    """Returns a `<figure>` with the lines, a legend that switches them, and values on hover.

    Args:
        title: Heading of the figure.
        note: One sentence that says what is drawn: definition and unit.
        series: The lines; more than there are colours start the colours again.
        x_label: Under the horizontal axis.
        y_label: Beside the vertical axis.
        logarithmic: Whether the vertical axis is; points of at most 0 are then left out.
    """
    lines = [(line.name, line.finite()) for line in series]
    if logarithmic:
        lines = [(name, [(x, y) for x, y in points if y > 0]) for name, points in lines]
    lines = [(name, points) for name, points in lines if points]
    heading = f"<figcaption><b>{html.escape(title)}</b> {html.escape(note)}</figcaption>"
    if not lines:
        return f'<figure class="chart">{heading}<p class="empty">Nothing recorded.</p></figure>'
    horizontal = _Axis.linear([x for _, points in lines for x, _ in points])
    values = [y for _, points in lines for _, y in points]
    vertical = _Axis.logarithmic(values) if logarithmic else _Axis.linear(values)

    def x_of(x: float) -> float:
        return _LEFT + horizontal.fraction(x) * (_WIDTH - _LEFT - _RIGHT)

    def y_of(y: float) -> float:
        return _HEIGHT - _BOTTOM - vertical.fraction(y) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(title)}">']
    for tick in vertical.ticks:
        y = y_of(tick)
        parts.append(
            f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>'
            f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
            f"{_number(tick)}</text>"
        )
    for tick in horizontal.ticks:
        x = x_of(tick)
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">'
            f"{_number(tick)}</text>"
        )
    parts.append(
        f'<text class="label" x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 6}" '
        f'text-anchor="middle">{html.escape(x_label)}</text>'
    )
    if y_label:
        parts.append(
            f'<text class="label" text-anchor="middle" transform="translate(13 '
            f'{(_TOP + _HEIGHT - _BOTTOM) / 2}) rotate(-90)">{html.escape(y_label)}</text>'
        )
    legend = []
    for index, (name, points) in enumerate(lines):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in points)
        data = [[round(x_of(x), 1), round(y_of(y), 1), _number(x), _number(y)] for x, y in points]
        parts.append(
            f'<g class="line" data-name="{html.escape(name)}" stroke="{colour}" fill="{colour}" '
            f'data-points="{html.escape(json.dumps(data))}">'
        )
        if len(points) == 1:
            ((x, y),) = points
            parts.append(f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3"/>')
        else:
            parts.append(f'<polyline fill="none" points="{path}"/>')
        parts.append("</g>")
        legend.append(
            f'<button type="button" data-name="{html.escape(name)}">'
            f'<i style="background:{colour}"></i>{html.escape(name)}</button>'
        )
    parts.append('<circle class="cursor" r="3.5" visibility="hidden"/></svg>')
    return (
        f'<figure class="chart">{heading}{"".join(parts)}'
        '<div class="readout" aria-live="polite"></div>'
        f'<div class="legend">{"".join(legend)}</div></figure>'
    )


@dataclasses.dataclass(frozen=True)
class _Axis:
    """A range of values, its ticks, and the way to the unit interval."""

    low: float
    high: float
    ticks: tuple[float, ...]
    is_logarithmic: bool = False

    @classmethod
    def linear(cls, values: Sequence[float]) -> _Axis:
        low, high = min(values), max(values)
        if high == low:
            low, high = low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1)
        rough = (high - low) / 5
        magnitude = 10.0 ** math.floor(math.log10(rough))
        step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= rough)
        # A base line at zero whenever that wastes little of the picture.
        if 0 < low < 0.4 * high:
            low = 0.0
        first = math.ceil(low / step - 1e-9)
        last = math.floor(high / step + 1e-9)
        return cls(low, high, tuple(step * i for i in range(first, last + 1)))

    @classmethod
    def logarithmic(cls, values: Sequence[float]) -> _Axis:
        low, high = math.log10(min(values)), math.log10(max(values))
        if high - low < 0.3:
            low, high = low - 0.15, high + 0.15
        ticks = [
            mantissa * 10.0**exponent
            for exponent in range(math.floor(low), math.ceil(high) + 1)
            for mantissa in ((1, 2, 5) if high - low < 3 else (1,))
        ]
        inside = tuple(tick for tick in ticks if low <= math.log10(tick) <= high)
        return cls(low, high, inside, is_logarithmic=True)

    def fraction(self, value: float) -> float:
        position = math.log10(value) if self.is_logarithmic else value
        return (position - self.low) / (self.high - self.low)


def _number(value: float) -> str:
    """Returns a short spelling: 12,000 as 12k, 0.000123 as 1.23e-4."""
    if value == 0:
        return "0"
    size = abs(value)
    for limit, divisor, unit in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if size >= limit:
            return f"{value / divisor:.3g}{unit}"
    if size < 1e-3:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{value:.4g}"
