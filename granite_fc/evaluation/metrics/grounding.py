"""Whether a reply says what the results give, and makes nothing up."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from granite_fc.evaluation.metrics.metric import Counts, Metric, counts_of
from granite_fc.evaluation.metrics.surface_forms import (
    Date,
    Forms,
    KnownNumbers,
    forms_in,
    numbers_in_words,
    same_date,
    words_of,
)
from granite_fc.evaluation.question import Question

_MAX_VALUES = 5_000
_NUMBER = re.compile(r"[$€£]? ?[+-]?[0-9][0-9,]{0,14}(?:\.[0-9]{1,15})? ?%?")
_FORMS = (
    "As values count numbers, dates, times, identifiers and names, in the forms that"
    " granite_fc.evaluation.metrics.surface_forms reads"
)

METRICS = (
    Metric(
        "grounded_values",
        "Values told",
        "Values that the reply has, over the strings and numbers of the shown results that the"
        " reference reply has, each once. A number is had where one in the text is it, rounded to"
        " its own decimals, or, up to twelve, its word is; a string that is a date, a time or a"
        " number where one of the text is the same; another string where its words stand in a row,"
        " whatever the case and punctuation.",
    ),
    Metric(
        "invented_values",
        "Invented values",
        "Values of the reply that are known from nowhere, over its values. Known is what the"
        " conversation, the functions on offer, the arguments and results of the shown calls or the"
        " reference reply have, and how many items a list in a result has. A date is known where"
        " month and day are, and its year where that of any such day is; a number where a known"
        f" one, rounded to its decimals, is equal; a name where its word is. {_FORMS}. Absent where"
        " the prompt is not known.",
        higher_is_better=False,
    ),
    Metric(
        "grounded_replies",
        "Grounded replies",
        "Replies that tell every value that the reference takes from results and invent none (see"
        " grounded_values and invented_values), over replies to prompts that are known.",
        is_share=True,
    ),
)


@dataclasses.dataclass(frozen=True)
class Grounding:
    """What was found out about the values of a reply.

    Attributes:
        wanted: The values of results that the reference has, as text.
        untold: Those of them that the reply lacks.
        num_values: Number of the reply's values.
        invented: Those of them that are known from nowhere; None where the prompt is not known,
            which may have them all.
    """

    wanted: tuple[str, ...]
    untold: tuple[str, ...]
    num_values: int
    invented: tuple[str, ...] | None


def check_grounding(gold: str, given: str, question: Question) -> Grounding:
    """Compares the values of a reply with those that are known."""
    reference, reply = _Text(gold), _Text(given)
    values = {_written(value): value for value in _scalars(list(question.results))}
    wanted = {text: value for text, value in values.items() if reference.has(value)}
    invented = None
    if question.functions is not None:
        known = _Known([gold, *_texts_of(question)], question.results)
        invented = tuple(known.not_known(reply.forms))
    return Grounding(
        tuple(wanted),
        tuple(text for text, value in wanted.items() if not reply.has(value)),
        len(reply.forms),
        invented,
    )


def count_grounding(found: Grounding) -> Counts:
    """Counts of the metrics of grounding."""
    counts = counts_of(grounded_values=(len(found.wanted) - len(found.untold), len(found.wanted)))
    if found.invented is not None:
        counts |= counts_of(
            invented_values=(len(found.invented), found.num_values),
            grounded_replies=(not found.untold and not found.invented, 1),
        )
    return counts


class _Text:
    """A text in which values are looked for."""

    def __init__(self, text: str) -> None:
        self.forms = forms_in(text)
        words = words_of(text)
        self._words = f" {' '.join(words)} "
        self._number_words = numbers_in_words(words)

    def has(self, value: Any) -> bool:
        """Whether the text has a value of a result."""
        if isinstance(value, str):
            return self._has_string(value)
        return self._has_number(abs(float(value)))

    def _has_string(self, value: str) -> bool:
        words = " ".join(words_of(value))
        if not words or f" {words} " in self._words:
            return bool(words)
        if _NUMBER.fullmatch(value):
            return self._has_number(abs(float(value.strip("$€£% ").replace(",", ""))))
        forms = forms_in(value)
        return forms.moment and (
            all(any(same_date(a, b) for b in self.forms.dates) for a in forms.dates)
            and all(any(not a.isdisjoint(b) for b in self.forms.times) for a in forms.times)
        )

    def _has_number(self, value: float) -> bool:
        if value in self._number_words:
            return True
        return any(
            abs(value - number.value) <= 0.5 * 10.0**-number.decimals * (1 + 1e-9)
            for number in self.forms.numbers
        )


class _Known:
    """All that a reply may say."""

    def __init__(self, texts: Sequence[str], results: Any) -> None:
        text = "\n".join(texts)
        forms = forms_in(text)
        # A name may be part of a word, as what stands before a time is.
        words = {*words_of(text), *forms.names}
        self._dates = forms.dates
        self._times: frozenset[int] = frozenset().union(*forms.times)
        self._words = words
        self._identifiers = set(forms.identifiers)
        numbers = {number.value for number in forms.numbers} | numbers_in_words(words)
        numbers.update(float(day) for date in forms.dates for _, day in date.options)
        numbers.update(float(date.year) for date in forms.dates if date.year is not None)
        numbers.update(map(float, _lengths(results)))
        self._numbers = KnownNumbers(numbers)

    def not_known(self, forms: Forms) -> Iterator[str]:
        """Yields the values that are not among what is known."""
        known_date = functools.cache(self._knows_date)
        yield from (_date_text(date) for date in forms.dates if not known_date(date))
        for time in forms.times:
            if time.isdisjoint(self._times):
                yield f"{min(time) // 60}:{min(time) % 60:02}"
        yield from (name for name in forms.identifiers if name not in self._identifiers)
        for number in forms.numbers:
            if number not in self._numbers:
                yield f"{number.value:.{number.decimals}f}"
        yield from (name for name in forms.names if name not in self._words)

    def _knows_date(self, date: Date) -> bool:
        same_day = [known for known in self._dates if not known.options.isdisjoint(date.options)]
        years = {known.year for known in same_day} - {None}
        return bool(same_day) and (date.year is None or not years or date.year in years)


def _texts_of(question: Question) -> Iterator[str]:
    yield question.said
    yield question.replied
    for spec in question.functions or ():
        yield from map(_written, _scalars(spec.to_json()))
        yield from spec.properties
    for call in question.shown:
        yield from map(_written, _scalars(list(call.arguments.values())))
    yield from map(_written, _scalars(list(question.results)))


def _scalars(value: Any) -> Iterator[str | float]:
    """Yields the strings and numbers of a JSON value, as many as are looked at."""
    stack: list[Any] = [value]
    number = 0
    while stack and number < _MAX_VALUES:
        value = stack.pop()
        if isinstance(value, dict):
            stack.extend(reversed(value.values()))
        elif isinstance(value, list | tuple):
            stack.extend(reversed(value))
        elif isinstance(value, str) or (
            isinstance(value, int | float) and not isinstance(value, bool)
        ):
            number += 1
            yield value


def _lengths(value: Any) -> Iterator[int]:
    stack = [value]
    while stack:
        value = stack.pop()
        if isinstance(value, list | tuple):
            yield len(value)
            stack.extend(value)
        elif isinstance(value, dict):
            stack.extend(value.values())


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else repr(value)


def _date_text(date: Date) -> str:
    month, day = min(date.options)
    return f"{month}/{day}" + (f"/{date.year}" if date.year is not None else "")
