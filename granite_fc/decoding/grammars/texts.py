"""Sets of texts: what a grammar is made of.

A grammar is a tree of the nodes below, as bytes of UTF-8. It is read in two ways: `lark` writes it
for llguidance, which says what may come next, and `progress` follows a text through it, to know how
much is still to be written at least.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from granite_fc.decoding.grammars.json_strings import JsonString


@dataclasses.dataclass(frozen=True, eq=False)
class Text:
    """One text, which may be empty."""

    data: bytes


@dataclasses.dataclass(frozen=True, eq=False)
class Bytes:
    """One byte out of some: of ASCII, but for what `NON_ASCII` is made of."""

    among: frozenset[int]


@dataclasses.dataclass(frozen=True, eq=False)
class Sequence:
    """One thing after the other."""

    parts: tuple[Node, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Choice:
    """One of some things; of none at all there is no text."""

    options: tuple[Node, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Repeat:
    """The same thing at least `low` and at most `high` times.

    Within lexemes `high` may be infinite, if the thing is not empty.
    """

    item: Node
    low: int
    high: float


@dataclasses.dataclass(frozen=True, eq=False)
class Lexeme:
    """What is matched as a whole.

    llguidance splits a text into lexemes and takes the longest ones. Where two things can begin at
    one place and share their beginning, such as a string and a reference, each has to be one.
    """

    inside: Node


@dataclasses.dataclass(frozen=True, eq=False)
class FreshKey:
    """The name of a field that an object does not have yet, quotes included, and what follows.

    Attributes:
        key: The strings that a name may be.
        taken: The names that the object has, and those that it cannot have, as they are written,
            quotes included.
        then: What follows a name, given as it is written.
        whatever: What follows any name, which says as much as can be said without it.
    """

    key: JsonString
    taken: frozenset[bytes]
    then: Callable[[bytes], Node]
    whatever: Node


@dataclasses.dataclass(frozen=True, eq=False)
class Boundary:
    """Where one call ends.

    What follows depends on the call. Attributes:
        preview: What follows at least as far as a token can reach.
    """

    preview: Node


@dataclasses.dataclass(frozen=True, eq=False)
class Beyond:
    """What is to be written past a preview: nothing is said of it but its price.

    Attributes:
        stands_for: The cheapest text is no longer than the cheapest of this.
    """

    stands_for: Node


Node = (
    Text | Bytes | Sequence | Choice | Repeat | Lexeme | JsonString | FreshKey | Boundary | Beyond
)

NOTHING: Node = Choice(())
EMPTY = Text(b"")


def text(written: str) -> Text:
    """Exactly this text."""
    return Text(written.encode())


def sequence(*parts: Node) -> Node:
    """One after the other; texts side by side become one."""
    joined: list[Node] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Sequence) else (part,):
            if piece is NOTHING:
                return NOTHING
            if isinstance(piece, Text) and joined and isinstance(joined[-1], Text):
                joined[-1] = Text(joined[-1].data + piece.data)
            elif not (isinstance(piece, Text) and not piece.data):
                joined.append(piece)
    if len(joined) == 1:
        return joined[0]
    return Sequence(tuple(joined)) if joined else EMPTY


def choice(options: Iterable[Node]) -> Node:
    """One of those that have a text."""
    kept = tuple(option for option in options if option is not NOTHING)
    if len(kept) == 1:
        return kept[0]
    return Choice(kept) if kept else NOTHING


def optional(node: Node) -> Node:
    """A thing or nothing."""
    return choice((EMPTY, node))


def repeat(item: Node, low: int, high: float) -> Node:
    """A thing several times."""
    if high <= 0:
        return EMPTY if low <= 0 else NOTHING
    if item is NOTHING or low > high:
        return NOTHING if low > 0 else EMPTY
    return Repeat(item, max(low, 0), high)


def _bytes(low: int, high: int) -> Bytes:
    return Bytes(frozenset(range(low, high + 1)))


_FOLLOWING = _bytes(0x80, 0xBF)
# Any one character past ASCII, as part of a lexeme (Unicode, table 3-7).
NON_ASCII: Node = Choice(
    (
        Sequence((_bytes(0xC2, 0xDF), _FOLLOWING)),
        Sequence((_bytes(0xE0, 0xE0), _bytes(0xA0, 0xBF), _FOLLOWING)),
        Sequence((_bytes(0xE1, 0xEC), _FOLLOWING, _FOLLOWING)),
        Sequence((_bytes(0xED, 0xED), _bytes(0x80, 0x9F), _FOLLOWING)),
        Sequence((_bytes(0xEE, 0xEF), _FOLLOWING, _FOLLOWING)),
        Sequence((_bytes(0xF0, 0xF0), _bytes(0x90, 0xBF), _FOLLOWING, _FOLLOWING)),
        Sequence((_bytes(0xF1, 0xF3), _FOLLOWING, _FOLLOWING, _FOLLOWING)),
        Sequence((_bytes(0xF4, 0xF4), _bytes(0x80, 0x8F), _FOLLOWING, _FOLLOWING)),
    )
)
