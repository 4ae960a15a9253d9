"""The state that functions read and change."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from hashlib import blake2b
from random import Random
from typing import Any

from tasks.sources.simulator.phrases import Split
from tasks.sources.simulator.types import TYPES


class FunctionError(Exception):
    """A function cannot do what it is asked for, such as paying from an empty account."""


def plain(value: float) -> float | int:
    """Returns a number rounded to two places, and a whole one as an integer: 12.5, 40."""
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded


class World:
    """A seeded world: tables with a row for every key, and whatever the calls so far changed.

    A row is drawn, by a hash of the seed, the table and the key, when it is first asked for. So a
    world costs nothing to build, two worlds of one seed agree on everything, and calling the same
    functions in the same order gives the same results.

    Args:
        seed: Decides the content of every table.
        split: Whose pools names, codes and dates are drawn from.
    """

    def __init__(self, seed: int, split: Split) -> None:
        self.seed = seed
        self.split = split
        self._hash = _seeded_hash(seed, split)
        self._rows: dict[tuple[Any, ...], Any] = {}

    def number(self, low: int, high: int, *key: Any) -> int:
        """Returns a whole number from low to high inclusive, always the same for one key."""
        state = self._hash.copy()
        state.update(repr(key).encode())
        return low + int.from_bytes(state.digest(), "little") % (high - low + 1)

    def choice(self, options: tuple[Any, ...], *key: Any) -> Any:
        """Returns one of the options, always the same for one key."""
        return options[self.number(0, len(options) - 1, *key)]

    def cents(self, low: int, high: int, *key: Any) -> float:
        """Returns an amount from low to high dollars, in steps of half a dollar."""
        return plain(self.number(low * 2, high * 2, *key) / 2)

    def drawn(self, type_name: str, *key: Any) -> Any:
        """Returns a value of a semantic type, always the same for one key."""
        return TYPES[type_name].draw(Random(self.number(0, 2**63, type_name, *key)), self.split)

    def read(self, table: str, key: Any, initial: Callable[[], Any]) -> Any:
        """Returns the content of a row; `initial` gives it where nothing was written yet."""
        if (table, key) not in self._rows:
            return initial()
        return self._rows[table, key]

    def write(self, table: str, key: Any, value: Any) -> None:
        """Changes a row. Its content is replaced, never altered: copies of the world share it."""
        self._rows[table, key] = value

    def new_code(self, type_name: str, *key: Any) -> str:
        """Returns a code for something made by a call: another one each time that it is made.

        What else was made in between has no part in it.
        """
        made = self.read("codes made", (type_name, *key), int)
        self.write("codes made", (type_name, *key), made + 1)
        return self.drawn(type_name, "new", made, *key)

    def copy(self) -> World:
        """Returns a world in the same state, which changes apart from this one."""
        other = World(self.seed, self.split)
        other._rows = dict(self._rows)
        return other

    def agrees_with(self, other: World) -> bool:
        """Whether calls have changed two worlds, of one seed and split, to the same state."""
        return self._rows == other._rows

    def bound(
        self, functions: Iterable[tuple[str, Callable[..., Any]]]
    ) -> dict[str, Callable[..., Any]]:
        """Returns name to callable, acting on this world."""
        return {name: functools.partial(function, self) for name, function in functions}


@functools.lru_cache(maxsize=16)
def _seeded_hash(seed: int, split: Split) -> blake2b:
    return blake2b(f"{seed} {split} ".encode(), digest_size=8)
