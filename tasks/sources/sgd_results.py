"""Which rows of a long result of Schema-Guided Dialogue an episode keeps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tasks.sources.episode import CallTurn, Turn
from tasks.sources.links import links

# The slots and values of one offer of the assistant.
Offer = Mapping[str, Sequence[str]]


def with_short_results(
    turns: Sequence[Turn],
    max_rows: int,
    offers: Mapping[int, Sequence[Offer]],
    referred_to: Mapping[tuple[int, int], Collection[int]],
) -> tuple[list[Turn], int]:
    """Returns the turns with `shortened` results, and how many were shortened.

    Args:
        turns: The conversation.
        max_rows: How many of the first rows of each result are kept.
        offers: Index of a call turn to what the assistant offers from its results.
        referred_to: The rows of the results of a call (turn, place in it) that others refer to.
    """
    short: list[Turn] = []
    num_cut = 0
    for index, turn in enumerate(turns):
        if isinstance(turn, CallTurn):
            kept = [
                shortened(result, max_rows, offers[index], referred_to.get((index, number), ()))
                for number, result in enumerate(turn.results)
            ]
            num_cut += sum(a is not b for a, b in zip(kept, turn.results, strict=True))
            turn = CallTurn(turn.calls, tuple(kept))
        short.append(turn)
    return short, num_cut


def shortened(
    result: Any, max_rows: int, offers: Sequence[Offer], referred_to: Collection[int]
) -> Any:
    """Returns a result with its first rows, those referred to, and one for each value offered.

    Of the rows that have an offered value, those that have the rest of the offer as well are
    preferred.

    Args:
        result: Has its rows under "results".
        max_rows: How many of the first rows are kept.
        offers: What the assistant offers from the result.
        referred_to: The numbers of rows that later calls refer to.
    """
    rows = result["results"]
    kept = set(range(min(len(rows), max_rows))).union(referred_to)
    for offer in offers:
        alone = {slot: values[0] for slot, values in offer.items() if len(values) == 1}
        for slot, value in ((slot, v) for slot, values in offer.items() for v in values):
            shown = [i for i, row in enumerate(rows) if row.get(slot) == value]
            wanted = {**alone, slot: value}.items()
            fits = [i for i in shown if wanted <= rows[i].items()] or shown
            if fits and kept.isdisjoint(fits):
                kept.add(fits[0])
    if len(kept) == len(rows):
        return result
    return {**result, "results": [rows[i] for i in sorted(kept)]}


def rows_referred_to(turns: Sequence[Turn]) -> dict[tuple[int, int], set[int]]:
    """Returns for the calls that are referred to (turn, place in it) the rows of their results."""
    calls = {
        call.label: (index, number)
        for index, turn in enumerate(turns)
        if isinstance(turn, CallTurn)
        for number, call in enumerate(turn.calls)
    }
    rows: dict[tuple[int, int], set[int]] = {}
    for link in links(turns):
        row = next(step for step in link.reference.path if isinstance(step, int))
        rows.setdefault(calls[link.reference.label], set()).add(row)
    return rows
