"""Whether a reply of MultiWOZ states only what is shown and what has been said."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from granite_fc.calls.spec import FunctionSpec
from tasks.sources.episode import AssistantTurn, CallTurn, Turn
from tasks.sources.multiwoz_acts import Acts, number_of_hits
from tasks.sources.multiwoz_functions import same_name
from tasks.sources.multiwoz_state import SLOT_OF_ACT, SPELLING
from tasks.sources.said import Said, words_of
from tasks.sources.said_numbers import numbers_in
from tasks.sources.value_links import leaves

_TELLING = ("Inform", "Recommend", "Select", "OfferBook", "OfferBooked", "Book")
_UNSAID = ("", "?", "none")
_IDENTIFYING = ("Name", "Id")
# What no result tells: where a fee is to be paid, how long a table is kept, and what people think.
_BEYOND_RESULTS = re.compile(
    r"\bpayable\b|\bat the (train )?station\b|\b(reserved?|held|hold)\b.{0,20}\bminutes\b"
    r"|\bpopular\b|\b(highly|well)[ -]+(rated|reviewed|recommended)\b|\breviews\b",
    re.IGNORECASE,
)
_FIGURES = re.compile(r"\d+(?::\d\d)?(?:\.\d+)?(?:\s?[ap]\.?m\b)?", re.IGNORECASE)


def with_replies_marked(
    turns: Sequence[Turn], told: Mapping[int, Acts], functions: Mapping[str, FunctionSpec]
) -> list[Turn]:
    """Returns the turns with the replies right after calls marked that state what is not known.

    What the annotation says a reply tells has to be said, passed or shown before, and so has every
    figure in its text, or be the price of a number of tickets or nights. What something is like has
    to be so in the row that the reply names; where it names none, in a row of a result that shows
    all of its hits, or it has to be what was asked for. A number of hits has to be a result's.
    Where a fee is payable, how long a table is kept and what people think is never known.

    Args:
        turns: The conversation; its calls have literal arguments.
        told: Index of an assistant turn to its acts.
        functions: All functions by name, for the values that they list.
    """
    known = _Known(functions)
    marked: list[Turn] = []
    for index, turn in enumerate(turns):
        if isinstance(turn, CallTurn):
            known.add_calls(turn)
        else:
            before = marked[-1] if marked else None
            if isinstance(turn, AssistantTurn) and isinstance(before, CallTurn):
                acts = [act for act in told.get(index, ()) if act[1] in _TELLING]
                if not (known.gives(acts, before) and known.gives_text(turn.text)):
                    turn = AssistantTurn(turn.text, grounded=False)
            known.add(turn.text)
        marked.append(turn)
    return marked


class _Known:
    """What is known at one point of a conversation."""

    def __init__(self, functions: Mapping[str, FunctionSpec]) -> None:
        self._functions = functions
        self._said = Said()
        # Without what results have.
        self._asked = Said()
        self._figures: set[str] = set()
        self._numbers: set[float] = set()
        self._totals: set[int] = set()
        self._rows: list[Mapping[str, Any]] = []

    def add(self, text: str) -> None:
        self._asked.add(text)
        self._add(text)

    def _add(self, text: str) -> None:
        self._said.add(text)
        self._figures.update(_FIGURES.findall(text))
        self._numbers |= _numbers(text)

    def add_calls(self, turn: CallTurn) -> None:
        for call, result in zip(turn.calls, turn.results, strict=True):
            for _, value in leaves(call.arguments):
                self.add(str(value))
            for _, value in leaves(result):
                self._add(str(value))
            self._rows += result.get("results", ())
            if "total_results" in result:
                self._totals.add(result["total_results"])

    def gives_text(self, text: str) -> bool:
        """Whether the words and figures of a text are not of what is unknown."""
        return not _BEYOND_RESULTS.search(text) and self._gives_figures(text)

    def _gives_figures(self, text: str) -> bool:
        """Whether all figures in a text are known."""
        for figures in _FIGURES.findall(text):
            is_time = ":" in figures or figures[-1].isalpha()
            if figures in self._figures or (is_time and self._said.says(figures)):
                continue
            if is_time or not self._gives_number(float(figures)):
                return False
        return True

    def _gives_number(self, number: float) -> bool:
        products = (price * times for price in self._prices() for times in self._numbers)
        return number in self._numbers or any(math.isclose(number, p) for p in products)

    def _prices(self) -> set[float]:
        prices = (str(value) for row in self._rows for _, value in leaves(row.get("price")))
        return {number for price in prices for number in _numbers(price)}

    def gives(self, acts: Acts, calls: CallTurn) -> bool:
        """Whether all that a reply right after calls tells is known."""
        named = [value for _, _, slot, value in acts if slot in _IDENTIFYING]
        for domain, _, slot, value in acts:
            if value in _UNSAID:
                continue
            if slot == "Choice":
                number = number_of_hits(value)
                if number is not None and number > 1 and number not in self._totals:
                    return False
            elif slot in ("Ticket", "Fee") and _numbers(value):
                if not self._gives_figures(value):
                    return False
            elif not self._gives_value(domain, slot, value, named, calls):
                return False
        return True

    def _gives_value(
        self, domain: str, slot: str, value: str, named: Sequence[str], calls: CallTurn
    ) -> bool:
        name = SLOT_OF_ACT.get(slot, slot)
        stated = self._stated(domain, name, value)
        if stated is None:
            return self._said.says(value)
        searches = [n for n, call in enumerate(calls.calls) if call.name == f"find_{domain}"]
        if not searches:
            return all(map(self._said.says, stated))
        if named:
            rows = [row for row in self._rows if any(_is_named(row, value) for value in named)]
        else:
            result = calls.results[searches[-1]]
            rows = result["results"] if len(result["results"]) == result["total_results"] else []
        if not rows:
            return all(map(self._asked.says, stated))
        return all(any(one in str(row.get(name, "")) for row in rows) for one in stated)

    def _stated(self, domain: str, name: str, value: str) -> list[str] | None:
        """Returns the values of a search that words stand for; None if those of none."""
        if name in ("parking", "internet"):
            return ["no" if value.casefold() in ("no", "not") else "yes"]
        if name == "stars":
            return [str(int(number)) for number in numbers_in(value.casefold())]
        if name == "food":
            return [value.casefold()]
        function = self._functions.get(f"find_{domain}")
        schema = function.properties.get(name, {}) if function else {}
        if "enum" not in schema:
            return None
        words = [SPELLING.get(word, word) for word in words_of(value)]
        compact = "".join(words)
        # All places to stay are called hotels.
        return [
            option
            for option in schema["enum"]
            if option.replace(" ", "") in compact and option != "hotel"
        ]


def _is_named(row: Mapping[str, Any], name: str) -> bool:
    return name.casefold() == row.get("trainID", "").casefold() or (
        "name" in row and same_name(name, row["name"])
    )


def _numbers(text: str) -> set[float]:
    """Returns the numbers of a text that are no part of a time, in figures or words."""
    return set(numbers_in(re.sub(r"\d+:\d+", " ", text.casefold())))
