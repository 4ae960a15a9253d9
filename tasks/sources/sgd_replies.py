"""Which replies of Schema-Guided Dialogue state what nobody could know from what is shown."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tasks.sources.episode import AssistantTurn, CallTurn, Turn
from tasks.sources.said import Said
from tasks.sources.sgd_schema import Service

_STATING = frozenset({"INFORM", "OFFER", "CONFIRM"})
_OUTCOMES = frozenset({"NOTIFY_SUCCESS", "NOTIFY_FAILURE"})
# What a reply must not invent, beside the values that it is annotated with: numbers, days told from
# today, and names (capitalised words inside a sentence).
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_DAY = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|weekend|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b"
)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w&-]+")


@dataclasses.dataclass(frozen=True)
class Statement:
    """What a reply states, by its annotation.

    Attributes:
        values: Field, words of the reply, and value that they stand for.
        is_unclear: Whether it says that a call succeeded or failed whose result has another value
            than was asked for, such as the time of a reservation: sometimes that was reserved,
            sometimes it is a proposal.
    """

    values: tuple[tuple[str, str, str], ...]
    is_unclear: bool


def statement(service: Service, frame: Mapping[str, Any]) -> Statement:
    """Reads the annotation of a reply, with the fields as the functions of `service` have them."""
    actions = frame["actions"]
    values = tuple(
        (service.slot(action["slot"]), spoken, value)
        for action in actions
        if action["act"] in _STATING
        for spoken, value in zip(action["values"], action["canonical_values"], strict=True)
    )
    asked = frame.get("service_call", {}).get("parameters", {})
    is_unclear = any(action["act"] in _OUTCOMES for action in actions) and any(
        row.get(slot, value) != value
        for row in frame.get("service_results", [])
        for slot, value in asked.items()
    )
    return Statement(values, is_unclear)


def with_replies_marked(
    turns: Sequence[Turn],
    statements: Mapping[int, Sequence[Statement]],
    given: Mapping[int, Collection[str]],
) -> tuple[Turn, ...]:
    """Returns the turns with the replies marked that state what is not known.

    A reply is grounded if the conversation before it, an argument or a row that is shown (by its
    values or the names of its fields) gives each value that it is annotated with and every number,
    weekday or "tomorrow" and name beside them; if it says the values as they are ("March 5th" for
    2019-03-05, and not "next Tuesday") or as somebody said them before; if one row has all the
    values that it states of a result; and if the result tells whether what it reports was done.

    Args:
        turns: The conversation, with the results that are shown.
        statements: Index of an assistant turn to what it states.
        given: Index of a user turn to values that it gives in other words than its own.
    """
    known = _Known()
    rows: list[Mapping[str, str]] = []
    marked: list[Turn] = []
    for index, turn in enumerate(turns):
        if isinstance(turn, CallTurn):
            rows = [row for result in turn.results for row in result["results"]]
            for call, result in zip(turn.calls, turn.results, strict=True):
                known.add(" | ".join(v for v in call.arguments.values() if isinstance(v, str)))
                known.add(str(result["total_results"]))
            for row in rows:
                known.add(" | ".join(text for pair in row.items() for text in pair))
        else:
            if isinstance(turn, AssistantTurn):
                stated = statements.get(index, ())
                is_grounded = known.gives(turn.text, stated) and _fits(stated, rows)
                turn = dataclasses.replace(turn, grounded=is_grounded)
            known.add(turn.text)
            known.add(" | ".join(given.get(index, ())))
            rows = []
        marked.append(turn)
    return tuple(marked)


def _fits(stated: Sequence[Statement], rows: Sequence[Mapping[str, str]]) -> bool:
    """Whether a reply right after a call, with these rows as its result, agrees with them."""
    if any(one.is_unclear for one in stated):
        return False
    if not rows:
        return True
    by_field: dict[str, set[str]] = {}
    for one in stated:
        for field, _, value in one.values:
            by_field.setdefault(field, set()).add(value)
    wanted = {
        (field, *values)
        for field, values in by_field.items()
        if len(values) == 1 and any(field in row for row in rows)
    }
    return any(wanted <= row.items() for row in rows)


class _Known:
    """What is known at one point of a conversation."""

    def __init__(self) -> None:
        self._said = Said()
        self._texts = ""

    def add(self, text: str) -> None:
        self._said.add(text)
        self._texts += f" {text.casefold()}"

    def gives(self, reply: str, stated: Sequence[Statement]) -> bool:
        """Whether all that a reply says is known."""
        values = [value for one in stated for value in one.values]
        rest = reply
        for _, spoken, value in sorted(values, key=lambda item: -len(item[1])):
            if not self._said.says(value, every_word=True):
                return False
            without = re.sub(rf"(?<![\w.]){re.escape(spoken)}(?!\w)", " ", rest, count=1)
            if spoken and without != rest and not self._is_plain(spoken, value):
                return False
            rest = without
        return (
            all(self._said.says(float(n.replace(",", ""))) for n in _NUMBER.findall(rest))
            and all(day in self._texts for day in _DAY.findall(rest.casefold()))
            and all(self._said.says(name) for name in _NAME.findall(rest))
        )

    def _is_plain(self, spoken: str, value: str) -> bool:
        words = spoken.casefold()
        return words == value.casefold() or words in self._texts or Said([spoken]).says(value)
