"""Pieces of HTML that the pages of `granite-fc inspect` are made of."""

from __future__ import annotations

import dataclasses
import html
import importlib.resources
from collections.abc import Iterable, Mapping, Sequence

from granite_fc.evaluation.charts import COLOURS

# Text that a data set may hold and UTF-8 may not.
_NOT_TEXT = {code: "\ufffd" for code in range(0xD800, 0xE000)}


@dataclasses.dataclass(frozen=True)
class Cell:
    """A table cell.

    Attributes:
        text: What it says.
        value: What it sorts by; its text where None.
        bar: Share, from 0 to 1, drawn as a bar before the text; None draws none.
        colour: Number of the bar's colour.
        html: Markup that is shown in place of `text`.
    """

    text: str
    value: float | None = None
    bar: float | None = None
    colour: int = 0
    html: str = ""


def number(value: float | None, form: str = ",.0f") -> Cell:
    """A cell with a number; empty for None."""
    return Cell("") if value is None else Cell(format(value, form), value)


def share(value: float, colour: int = 0, longest: float = 1.0) -> Cell:
    """A cell with a percentage and a bar, which is full at `longest`."""
    return Cell(f"{value:.1%}", value, value / longest if longest else 0.0, colour)


def words(reason: str) -> str:
    """A name in snake case as words."""
    return reason.replace("_", " ")


def dot(place: int) -> str:
    """A dot in the colour of the sub-task at that place."""
    return f'<i class="dot" style="background:{colour(place)}"></i>'


def escape(text: object) -> str:
    """Text as HTML, in attributes too."""
    return html.escape(str(text).translate(_NOT_TEXT))


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[Cell | str]],
    *,
    words: Iterable[int] = (0,),
    foot: Sequence[Cell | str] = (),
) -> str:
    """Returns a table whose columns a reader can sort by.

    Args:
        heads: Names of the columns.
        rows: The cells of each row.
        words: Columns that hold words and not numbers.
        foot: A last row that stays where it is.
    """
    left = set(words)
    head = "".join(
        f'<th{_class("words" if column in left else "")} aria-sort="none">'
        f'<button type="button">{escape(name)}</button></th>'
        for column, name in enumerate(heads)
    )
    body = "".join(f"<tr>{_cells(row, left)}</tr>" for row in rows)
    if not body:
        return '<p class="empty">None.</p>'
    last = f'<tfoot><tr class="sum">{_cells(foot, left)}</tr></tfoot>' if foot else ""
    return (
        f'<div class="scroll"><table class="sortable"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody>{last}</table></div>"
    )


def switch(name: str, options: Mapping[str, str], label: str) -> str:
    """Returns buttons of which one is pressed; the first at the beginning.

    Args:
        name: What the page's script knows them by.
        options: Value to text.
        label: What is chosen, for those who cannot see the page.
    """
    buttons = "".join(
        f'<button type="button" data-value="{escape(value)}" aria-pressed="{pressed}">'
        f"{escape(text)}</button>"
        for (value, text), pressed in zip(
            options.items(), ["true", *["false"] * len(options)], strict=False
        )
    )
    return (
        f'<div class="switch" role="group" data-switch="{escape(name)}" '
        f'aria-label="{escape(label)}">{buttons}</div>'
    )


def colour(place: int) -> str:
    """The colour of the sub-task at that place."""
    return COLOURS[place % len(COLOURS)]


def facts(named: Mapping[str, str]) -> str:
    """Returns headline numbers."""
    boxes = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in named.items()
    )
    return f'<dl class="facts">{boxes}</dl>'


def document(
    title: str,
    lead: str,
    opening: str,
    sections: Iterable[tuple[str, str, str]],
    *,
    style: str = "",
    script: str = "",
) -> str:
    """Returns a page that stands alone: its style and script are in it.

    Args:
        title: Heading of the page.
        lead: A sentence below it.
        opening: Markup before the first section.
        sections: Anchor, heading and content of each; those without content are left out.
        style: Of this page alone.
        script: Likewise.
    """
    shown = [section for section in sections if section[2]]
    links = "".join(f'<a href="#{anchor}">{escape(name)}</a>' for anchor, name, _ in shown)
    body = "".join(
        f'<section id="{anchor}"><h2>{escape(name)}</h2>{content}</section>'
        for anchor, name, content in shown
    )
    # The training report's style is the project's; what follows it is for these pages.
    style = "".join(
        (
            _asset("granite_fc.evaluation", "report.css"),
            _asset("granite_fc.data.inspection", "inspect.css"),
            style,
        )
    )
    script = _asset("granite_fc.data.inspection", "inspect.js") + script
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body>"
        f'<h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p>{opening}'
        f"<nav>{links}</nav>{body}<script>{script}</script></body></html>"
    )


def _cells(cells: Sequence[Cell | str], words: set[int]) -> str:
    written = []
    for column, given in enumerate(cells):
        cell = Cell(given) if isinstance(given, str) else given
        value = "" if cell.value is None else f' data-value="{cell.value!r}"'
        bar = ""
        if cell.bar is not None:
            bar = (
                f'<span class="bar"><i style="width:{100 * cell.bar:.1f}%;'
                f'background:{colour(cell.colour)}"></i></span>'
            )
        kind = _class("words" if column in words else "")
        written.append(f"<td{kind}{value}>{bar}{cell.html or escape(cell.text)}</td>")
    return "".join(written)


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _asset(package: str, name: str) -> str:
    return (importlib.resources.files(package) / "assets" / name).read_text("utf-8")
