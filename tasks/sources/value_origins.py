"""Where the results of a conversation hold its values, and which place an argument is from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from tasks.sources.said import words_of
from tasks.sources.said_dates import moment

Path = tuple[str | int, ...]
Key = tuple[type, Any]
Row = tuple[int, Path]

_SAME_FIELD = 2
# Shorter values ("2", "no") are said of other things, too.
_MIN_TELLING = 3


def key_of(value: Any) -> Key:
    """Returns what equal values of the same type have in common."""
    return type(value), value


def in_words(text: str) -> str:
    """Returns the words of a text with a space before and after each, to look for others in it."""
    return f" {' '.join(words_of(text))} "


@dataclasses.dataclass(frozen=True)
class Argument:
    """A string or a number in the arguments of a call, the way to it, and its schema."""

    path: Path
    value: Any
    schema: Mapping[str, Any]

    @property
    def field(self) -> str:
        """The name of the innermost field that it is in."""
        return _innermost_name(self.path)


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a result holds a value: the number of its call in the conversation, and the way."""

    producer: int
    path: Path

    @property
    def field(self) -> str:
        """The name of the innermost field that it is in."""
        return _innermost_name(self.path)

    @property
    def row(self) -> Row:
        """The innermost list item on the way, or the whole result."""
        depth = max((n for n, step in enumerate(self.path, 1) if isinstance(step, int)), default=0)
        return self.producer, self.path[:depth]


class Origins:
    """The places where the results so far brought in values, and what was said of them."""

    def __init__(self) -> None:
        self._of_value: dict[Key, list[Origin]] = {}
        self._rows: dict[Row, set[Key]] = {}
        # What calls asked with: results echo it.
        self._asked: set[Key] = set()
        # What was said, in order, and how much of it before each result.
        self._heard: list[str] = []
        self._heard_before: dict[int, int] = {}

    def hear(self, text: str) -> None:
        """Takes in what user or assistant say."""
        self._heard.append(in_words(text))

    def ask(self, values: Iterable[Any]) -> None:
        """Takes in what a call is passed, which no result introduces from then on."""
        self._asked.update(map(key_of, values))

    def take_in(self, producer: int, found: Iterable[tuple[Path, Any]]) -> None:
        """Takes in the values of a result, with the ways to them."""
        self._heard_before[producer] = len(self._heard)
        for path, value in found:
            origin = Origin(producer, path)
            self._rows.setdefault(origin.row, set()).add(key_of(value))
            if key_of(value) not in self._asked:
                self._of_value.setdefault(key_of(value), []).append(origin)

    def candidates(self, argument: Argument) -> list[Origin]:
        """Returns the places that an argument may be from, of the most fitting fields alone."""
        origins = self._of_value.get(key_of(argument.value), [])
        schema = argument.schema
        if not origins or ("default" in schema and schema["default"] == argument.value):
            return []
        kinship = [_kinship(argument.field, origin.field) for origin in origins]
        best = max(kinship)
        if argument.value in schema.get("enum", ()) and best < _SAME_FIELD:
            return []
        return [origin for origin, kin in zip(origins, kinship, strict=True) if kin == best]

    def chosen(
        self, arguments: Sequence[Argument], candidates: Sequence[Sequence[Origin]]
    ) -> list[Origin | None]:
        """Returns for each argument of a call the place that it is from.

        Args:
            arguments: All of them.
            candidates: The places that each may be from; none for one that is from no result.
        """
        keys = {key_of(argument.value) for argument in arguments}
        shared = self._shared_row([origins for origins in candidates if origins], keys)
        found: list[Origin | None] = []
        for argument, origins in zip(arguments, candidates, strict=True):
            fitting = [origin for origin in origins if origin.row == shared] or origins
            found.append(self._best(fitting, argument.value, keys) if fitting else None)
        return found

    def _shared_row(self, candidates: Sequence[Sequence[Origin]], keys: set[Key]) -> Row | None:
        """The row that has a place for each of several arguments; None if there is none."""
        if len(candidates) < 2:
            return None
        first, *others = ([origin.row for origin in origins] for origins in candidates)
        rows = [row for row in first if all(row in other for other in others)]
        fits = {row: (len(keys & self._rows[row]), row[0]) for row in rows}
        best = [row for row in rows if fits[row] == max(fits.values())]
        return max(best, key=self._spoken_of(best), default=None)

    def _best(self, origins: Sequence[Origin], value: Any, keys: set[Key]) -> Origin:
        """The place whose row fits best a call that has `keys` as arguments."""
        if len(origins) == 1:
            return origins[0]
        shared = {origin.row: len(keys & self._rows[origin.row]) for origin in origins}
        most = max(shared.values())
        fitting = [origin for origin in origins if shared[origin.row] == most]
        spoken_of = self._spoken_of([origin.row for origin in fitting])
        if moment(str(value)) is not None:
            return max(fitting, key=lambda origin: (*spoken_of(origin.row), origin.producer))
        source = self._source(value, {origin.producer for origin in fitting})
        return max(
            (origin for origin in fitting if origin.producer == source),
            key=lambda origin: spoken_of(origin.row),
        )

    def _source(self, value: Any, producers: Collection[int]) -> int:
        """The last of some results that were there when a value was first said, or the first."""
        words = in_words(str(value))
        since = next((n for n, text in enumerate(self._heard) if words in text), 0)
        return max((p for p in producers if self._heard_before[p] <= since), default=min(producers))

    def _spoken_of(self, rows: Sequence[Row]) -> Callable[[Row], tuple[int, int]]:
        """A key by which the one of some rows comes last of which was spoken last.

        It tells the last text with a value that not all of the rows have, and how many values of
        the row are said in all.
        """
        common = set[Key].intersection(*(self._rows[row] for row in rows)) if rows else set()

        def key(row: Row) -> tuple[int, int]:
            words = [in_words(str(item)) for _, item in self._rows[row]]
            own = [
                in_words(str(item[1]))
                for item in self._rows[row] - common
                if len(str(item[1])) >= _MIN_TELLING
            ]
            last = max(
                (n for n, text in enumerate(self._heard) if any(w in text for w in own)),
                default=-1,
            )
            return last, sum(any(word in text for text in self._heard) for word in words)

        return key


def _kinship(parameter: str, field: str) -> int:
    if parameter == field:
        return _SAME_FIELD
    return int(not set(words_of(parameter)).isdisjoint(words_of(field)))


def _innermost_name(path: Path) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")
