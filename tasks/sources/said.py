"""Whether a request says the value that a call passes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_NUMERAL = re.compile(r"\d[\d,]*(?:\.\d+)?")
_WORD = re.compile(r"[a-z0-9]+")
_FILLERS = frozenset({"a", "an", "and", "for", "in", "of", "on", "the", "to"})
_NUMBER_WORDS = {
    word: float(number)
    for number, words in enumerate(
        (
            "zero",
            "one first once",
            "two second twice",
            "three third",
            "four fourth",
            "five fifth",
            "six sixth",
            "seven seventh",
            "eight eighth",
            "nine ninth",
            "ten tenth",
            "eleven eleventh",
            "twelve twelfth",
        )
    )
    for word in words.split()
}


def is_said(value: Any, request: str) -> bool:
    """Whether a reader of the request could know the value.

    A number must occur, as a numeral, a percentage of it or a word up to twelve. A text must occur,
    or at least half of its words must, by their stems: "2022-10-20" is said by "October 20th,
    2022". Truth values pass, a list does if its items do.
    """
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int | float):
        return any(abs(abs(value) - said) <= 1e-9 * max(1.0, said) for said in _numbers(request))
    if isinstance(value, list):
        return all(is_said(item, request) for item in value)
    if isinstance(value, dict):
        return all(is_said(item, request) for item in value.values())
    text = str(value).casefold()
    if text in request.casefold():
        return True
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return is_said(float(text), request)
    words = [word for word in _WORD.findall(text) if word not in _FILLERS]
    said = _WORD.findall(request.casefold())
    hits = sum(any(_same_stem(word, other) for other in said) for word in words)
    return bool(words) and 2 * hits >= len(words)


def is_placeholder(value: Any, request: str) -> bool:
    """Whether the value names a kind of thing that the request leaves open ("a specific city")."""
    return isinstance(value, str) and bool(
        re.search(
            rf"\b(specific|certain|particular)\s+{re.escape(value)}\s*"
            r"($|[.,;?!]|\b(and|as|at|by|for|from|in|of|on|to|with)\b)",
            request,
            re.IGNORECASE,
        )
    )


def _numbers(request: str) -> Iterator[float]:
    for numeral in _NUMERAL.findall(request):
        number = float(numeral.replace(",", ""))
        yield number
        yield number / 100
    for word in re.findall("[a-z]+", request.casefold()):
        if word in _NUMBER_WORDS:
            yield _NUMBER_WORDS[word]


def _same_stem(word: str, said: str) -> bool:
    if word.isdigit():
        return re.fullmatch(rf"0*{word.lstrip('0')}(st|nd|rd|th|am|pm)?", said) is not None
    stem = word[: max(4, len(word) - 3)]
    return said[: len(stem)] == stem
