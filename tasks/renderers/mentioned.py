"""Whether a conversation mentions a value, more strictly than whether one could know it from it."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from typing import Any

from tasks.renderers.values import literals_in, said_in
from tasks.sources.episode import CallTurn, Turn
from tasks.sources.said import Said, words_of
from tasks.sources.said_dates import moment

_NUMERALS = words_of(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty"
)
_TOKEN = re.compile(r"[^\W\d_]+|\d+(?:[.:/,]\d+)*|[^\w\s]")
_MONTHS = words_of(
    "january february march april may june july august september october november december"
    " jan feb mar apr jun jul aug sep sept oct nov dec"
)
# "One-way", "1 stop", "2 pm" and "3rd" are other things than that number.
_NO_COUNT_BEFORE = words_of("am day nd pm rd st stop stops th way")
# After these, or before those, "one" stands for a thing.
_DETERMINERS = words_of(
    "a an another any each every first last my new next no other that the these this those which"
    " your"
)
_AFTER_PRONOUN = words_of(
    "and are at but by for from has i if in instead is it looks near of on or sounds that then to"
    " was we which who will with works would you"
)
# Before a pause "one" is a number after these alone: "for one, please".
_BEFORE_COUNT = words_of("be exactly for just need only want")


class Heard:
    """What user and assistant say in some turns, read once for all questions about it.

    Args:
        turns: The turns.
    """

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = turns
        self.texts = [turn.text for turn in turns if not isinstance(turn, CallTurn)]

    @functools.cached_property
    def said(self) -> Said:
        """What one could know from the turns."""
        return said_in(self._turns)

    @functools.cached_property
    def since_last_call(self) -> Heard:
        """What is said after the last call turn; all of it where there is none."""
        calls = [index for index, turn in enumerate(self._turns) if isinstance(turn, CallTurn)]
        return Heard(self._turns[calls[-1] + 1 :]) if calls else self

    def mentions(self, value: Any) -> bool:
        """Whether user or assistant say the value itself.

        A text counts with all its words in a row, digits included; a whole number also as a word,
        but not as a part of something else ("one-way", "1 stop", "that one"); dates and times as
        people say them. Of a list or object, all in it has to be said.
        """
        if isinstance(value, dict | list | tuple):
            literals = list(literals_in(value))
            return bool(literals) and all(map(self.mentions, literals))
        text = value if isinstance(value, str) else json.dumps(value)
        if moment(text) is not None:
            return self.said.says(text)
        if text.isdecimal():
            return any(_counts(one, int(text)) for one in self.texts)
        wanted = f" {' '.join(words_of(text))} "
        return any(wanted in words for words in self._in_words)

    @functools.cached_property
    def _in_words(self) -> list[str]:
        return [f" {' '.join(words_of(text))} " for text in self.texts]


def _counts(text: str, number: int) -> bool:
    """Whether a text has the number as one of things."""
    wanted = {str(number), _NUMERALS[number] if number < len(_NUMERALS) else ""}
    tokens = ["", *_TOKEN.findall(text.casefold()), "", ""]
    for index, token in enumerate(tokens[1:-2], start=1):
        if token not in wanted and (token.lstrip("0") or "0") != str(number):
            continue
        before, after = tokens[index - 1], tokens[index + 1]
        if after == "-":
            after = tokens[index + 2]
        if after in _NO_COUNT_BEFORE or before in _MONTHS:
            continue
        if token != "one" or _is_number(before, after):
            return True
    return False


def _is_number(before: str, after: str) -> bool:
    """Whether "one" between these is a number and no pronoun."""
    if before in _DETERMINERS or after in _AFTER_PRONOUN:
        return False
    if after.isalpha() and after != "please":
        return True
    return not before.isalpha() or before in _BEFORE_COUNT
