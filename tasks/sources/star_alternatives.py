"""Which of STAR's arguments a user leaves open between two values.

"It is either 1596 or 3941", "Saturday or Sunday": whoever played the assistant took one of them,
and the other would have done as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from granite_fc.calls.spec import FunctionSpec
from tasks.sources.episode import ArgumentPlace, CallTurn, Turn, UserTurn
from tasks.sources.said import words_of

# What may stand between the two beside "or".
_OR = r" or (?:(?:a|at|either|is|it|maybe|on|perhaps|s|the) )*"
_NUMERAL = r"\d+"


def left_open(turns: Sequence[Turn], functions: Iterable[FunctionSpec]) -> list[ArgumentPlace]:
    """Returns the places of values that were last said by a user and as one of two.

    The other one is a numeral where the value is, or of the parameter's list.

    Args:
        turns: The conversation; its calls have literal arguments.
        functions: The functions that are called; their parameters list the values.
    """
    specs = {spec.name: spec for spec in functions}
    texts: list[tuple[str, bool]] = []
    places = []
    for index, turn in enumerate(turns):
        if not isinstance(turn, CallTurn):
            words = f" {' '.join(words_of(turn.text))} "
            texts.append((words, isinstance(turn, UserTurn)))
            continue
        for number, call in enumerate(turn.calls):
            for name, value in call.arguments.items():
                listed = specs[call.name].properties[name].get("enum", ())
                if isinstance(value, str) and _is_open(value, listed, texts):
                    places.append(ArgumentPlace(index, number, name))
    return places


def _is_open(value: str, listed: Iterable[Any], texts: Sequence[tuple[str, bool]]) -> bool:
    words = " ".join(words_of(value))
    last = next((text for text in reversed(texts) if f" {words} " in text[0]), None)
    if last is None or not last[1] or " or " not in last[0]:
        return False
    others = [re.escape(" ".join(words_of(other))) for other in listed if other != value]
    if words.isdecimal():
        others.append(_NUMERAL)
    if not others:
        return False
    one, other = re.escape(words), f"(?:{'|'.join(others)})"
    return bool(re.search(rf" (?:{one}{_OR}{other}|{other}{_OR}{one}) ", last[0]))
