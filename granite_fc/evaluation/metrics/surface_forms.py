"""Values as people write them: numbers, dates, times, identifiers and names in a text.

What is found, each stretch of text once and in this order:

- dates: `2019-03-01`; `March 1`, `Mar 1st, 2019`, `1 March 2019`; `3/1`, `3/1/2019`, of which the
  first number may be month or day. Two are the same where a day and a month in common remain, and
  the years, where both have one.
- times: `14:30`, `2:30 pm`, `2 p.m.`; of an hour up to 12 without am or pm both are meant.
- identifiers: words of letters and digits (`AB123`, `BK-2041`), but for a number with letters
  right behind it (`5km`, `3rd`), which is a number.
- numbers: digits, with commas between thousands and a decimal point; signs do not count.
- names: capitalised words that do not begin a sentence, less I, OK, AM, PM, months and weekdays.
"""

from __future__ import annotations

import bisect
import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
)
_NO_NAMES = frozenset({"i", "ok", "am", "pm", *_MONTHS, *_WEEKDAYS})
# What stands between a date and a time, and behind them.
_BESIDE_MOMENT = frozenset({"t", "z", "at", "on", *_WEEKDAYS})
_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,? (\d{4})(?!\d))?"
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_MONTH_DAY = re.compile(rf"\b{_MONTH} {_DAY}\b{_YEAR}", re.IGNORECASE)
_DAY_MONTH = re.compile(rf"(?<!\d){_DAY}(?: of)? {_MONTH}{_YEAR}", re.IGNORECASE)
_SLASHED = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})(?:/(\d{4}|\d{2}))?(?![\d/])")
_AM_PM = r"([ap])\.?m\b\.?"
_CLOCK = re.compile(
    rf"(?<![\d:])(\d{{1,2}}):(\d\d)(?::\d\d(?:\.\d+)?)?(?!:?\d)(?: ?{_AM_PM})?", re.I
)
_HOUR = re.compile(rf"(?<![\d:.])(\d{{1,2}})() ?{_AM_PM}", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W_][\w-]*")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_WITH_UNIT = re.compile(r"\d+[^\W\d_]*")
_SENTENCE_END = ".!?:;\n\"'“”‘(*-•"
_WORD = re.compile(r"[^\W_]+")
# How much white space may be between words.
_SPACES = 64
# A longer row of digits is no number that a float holds exactly.
_MAX_DIGITS = 15


class Date(NamedTuple):
    """A day that is written: the (month, day) pairs that it may be, and the year if it has one."""

    options: frozenset[tuple[int, int]]
    year: int | None


class Number(NamedTuple):
    """A number that is written, and how many decimals it has."""

    value: float
    decimals: int


@dataclasses.dataclass(frozen=True)
class Forms:
    """The values that a text has, in order.

    Attributes:
        dates: Its dates.
        times: Its times of day: the minutes since midnight that each may be.
        identifiers: Its identifiers in lower case.
        numbers: Its numbers.
        names: The words of its names in lower case.
        moment: Whether it is a date or a time of day, or both, and nothing beside.
    """

    dates: tuple[Date, ...]
    times: tuple[frozenset[int], ...]
    identifiers: tuple[str, ...]
    numbers: tuple[Number, ...]
    names: tuple[str, ...]
    moment: bool

    def __len__(self) -> int:
        found = (self.dates, self.times, self.identifiers, self.numbers, self.names)
        return sum(map(len, found))


def forms_in(text: str) -> Forms:
    """Finds the values of a text."""
    dates: list[Date] = []
    times: list[frozenset[int]] = []
    identifiers: list[str] = []
    numbers: list[Number] = []

    def take_date(match: re.Match[str]) -> str:
        found = _date(match)
        if found is None:
            return match[0]
        dates.append(found)
        return " " * len(match[0])

    def take_time(match: re.Match[str]) -> str:
        found = _time(match)
        if found is None:
            return match[0]
        times.append(found)
        return " " * len(match[0])

    def take_identifier(match: re.Match[str]) -> str:
        token = match[0].rstrip("-_")
        has_digit = any(map(str.isdecimal, token))
        if not has_digit or token.isdecimal() or _WITH_UNIT.fullmatch(token):
            return match[0]
        if all(part.isdecimal() for part in token.split("-")):  # a range, or a telephone number
            return match[0]
        identifiers.append(token.casefold())
        return " " * len(match[0])

    rest = text
    for pattern in (_ISO_DATE, _MONTH_DAY, _DAY_MONTH, _SLASHED):
        rest = pattern.sub(take_date, rest)
    for pattern in (_CLOCK, _HOUR):
        rest = pattern.sub(take_time, rest)
    moment = bool(dates or times) and _BESIDE_MOMENT.issuperset(words_of(rest))
    rest = _TOKEN.sub(take_identifier, rest)
    for match in _NUMBER.finditer(rest):
        digits = match[0].replace(",", "")
        if len(digits) > _MAX_DIGITS:
            identifiers.append(digits)
        else:
            numbers.append(Number(float(digits), len(digits.partition(".")[2])))
    names = tuple(_names(rest))
    return Forms(tuple(dates), tuple(times), tuple(identifiers), tuple(numbers), names, moment)


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation; `snake_case` has several."""
    return [word.casefold() for word in _WORD.findall(text)]


def same_date(a: Date, b: Date) -> bool:
    """Whether two dates may be the same."""
    return not a.options.isdisjoint(b.options) and (
        a.year is None or b.year is None or a.year == b.year
    )


class KnownNumbers:
    """Numbers to look up; one is there if it is one of them rounded to its own decimals.

    Args:
        numbers: The numbers.
    """

    def __init__(self, numbers: Iterable[float]) -> None:
        self._sorted = sorted({abs(number) for number in numbers})

    def __contains__(self, number: Number) -> bool:
        slack = 0.5 * 10.0**-number.decimals * (1 + 1e-9)
        place = bisect.bisect_left(self._sorted, number.value - slack)
        return place < len(self._sorted) and self._sorted[place] <= number.value + slack


def numbers_in_words(words: Iterable[str]) -> set[float]:
    """The numbers from zero to twelve that are written as words."""
    found = set(words)
    return {float(value) for value, word in enumerate(_NUMBER_WORDS) if word in found}


def _names(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text):
        word = match[0]
        if not word[0].isupper() or word[0].isdecimal():
            continue
        before = text[max(0, match.start() - _SPACES) : match.start()].rstrip(" \t")
        if before and before[-1] not in _SENTENCE_END:
            yield from (part for part in words_of(word) if part not in _NO_NAMES)


def _date(match: re.Match[str]) -> Date | None:
    groups = match.groups()
    if match.re is _ISO_DATE:
        pairs = [(int(groups[1]), int(groups[2]))]
        year: str | None = groups[0]
    elif match.re is _SLASHED:
        first, second, year = groups
        pairs = [(int(first), int(second)), (int(second), int(first))]
    else:
        month, day = groups[:2] if match.re is _MONTH_DAY else (groups[1], groups[0])
        number = [name[:3] for name in _MONTHS].index(month[:3].casefold()) + 1
        pairs, year = [(number, int(day))], groups[2]
    options = frozenset((m, d) for m, d in pairs if 1 <= m <= 12 and 1 <= d <= 31)
    if not options:
        return None
    if year is None:
        return Date(options, None)
    return Date(options, int(year) + (2000 if len(year) == 2 else 0))


def _time(match: re.Match[str]) -> frozenset[int] | None:
    hour, minute, half = match.groups()
    at = int(hour) * 60 + int(minute or 0)
    if int(hour) > 24 or int(minute or 0) > 59:
        return None
    if half:
        if not 1 <= int(hour) <= 12:
            return None
        at = at % 720 + (720 if half in "pP" else 0)
        return frozenset({at})
    if int(hour) <= 12:
        return frozenset({at % 720, at % 720 + 720})
    return frozenset({at % 1440})
