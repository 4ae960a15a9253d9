"""How far a text has come in a set of texts, and how much of it is still missing at least.

The missing is counted in tokens: a fixed text takes as many as its shortest spelling in the
vocabulary, a free character one a byte. So from every place on there is a token that brings the end
one token nearer, and a budget that holds what is missing is never overdrawn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import NamedTuple

from granite_fc.decoding.grammars.json_strings import JsonString, StringState
from granite_fc.decoding.grammars.texts import (
    Beyond,
    Boundary,
    Bytes,
    Choice,
    FreshKey,
    Lexeme,
    Node,
    Repeat,
    Sequence,
    Text,
)

# More than any answer has tokens: what no text ends.
ENDLESS = 1 << 40


@dataclasses.dataclass(frozen=True, eq=False)
class Rest:
    """What is to be written after something: a node and what follows it.

    Attributes:
        node: What comes next.
        following: What comes then; None for the end.
        price: Tokens of the shortest such text.
    """

    node: Node
    following: Rest | None
    price: int


class Place(NamedTuple):
    """One of the places in the tree where a text may stand.

    Attributes:
        leaf: A node that takes bytes; None at the end.
        state: How much of it has been written: bytes of a text, the state of a string, and for the
            name of a field the bytes as well.
        rest: What follows it.
    """

    leaf: Text | Bytes | JsonString | FreshKey | Beyond | None
    state: int | StringState | tuple[StringState, bytes]
    rest: Rest | None


class Prices:
    """What nodes cost at least, each worked out once.

    Args:
        spelled: Returns, for a text, in how many tokens each of its ends can be spelled: from the
            first byte on, from the second byte on, and so forth; 0 at last.
    """

    def __init__(self, spelled: Callable[[bytes], tuple[int, ...]]) -> None:
        self.spelled = spelled
        # The nodes are kept beside their prices, so that no other takes the place of one in memory.
        self._least: dict[int, tuple[Node, int]] = {}
        self._most: dict[int, tuple[Node, int]] = {}

    def least(self, node: Node) -> int:
        """Tokens of the shortest text of a node."""
        if isinstance(node, Repeat):  # one that has begun is a node of its own each time
            return node.low * self.least(node.item) if node.low else 0
        known = self._least.get(id(node))
        if known is not None:
            return known[1]
        price = self._least_of(node)
        self._least[id(node)] = (node, price)
        return price

    def most(self, node: Node) -> int:
        """The most that can be missing at any place in a node, to its end."""
        known = self._most.get(id(node))
        if known is not None:
            return known[1]
        price = max(self._most_of(node), self.least(node))
        self._most[id(node)] = (node, price)
        return price

    def place(self, place: Place) -> int:
        """Tokens that are missing from a place on, the end of sequence included."""
        leaf, state, rest = place
        following = rest.price if rest is not None else 1
        match leaf:
            case None:
                return 1
            case Text(data):
                return self.spelled(data)[state] + following
            case JsonString():
                return leaf.bytes_needed(state) + following
            case FreshKey(key, taken, _, whatever):
                within, written = state
                needed = key.bytes_needed(within)
                # One more character than the shortest, or another one, makes any name a new one.
                is_new = written + key.quote not in taken and not within.escape
                return needed + (not is_new) + self.least(whatever) + following
        return self.least(leaf) + following

    def _least_of(self, node: Node) -> int:
        match node:
            case Text(data):
                return self.spelled(data)[0]
            case Bytes(_):
                return 1
            case Sequence(parts):
                return min(sum(map(self.least, parts)), ENDLESS)
            case Choice(options):
                return min(map(self.least, options), default=ENDLESS)
            case Lexeme(inside) | Boundary(inside) | Beyond(inside):
                return self.least(inside)
            case JsonString():
                return node.bytes_needed(StringState())
            case FreshKey(key, taken, _, whatever):
                is_new = key.low > 0 or key.quote * 2 not in taken
                return key.bytes_needed(StringState()) + (not is_new) + self.least(whatever)
        raise TypeError(f"{type(node).__name__} has no price")

    def _most_of(self, node: Node) -> int:
        match node:
            case Text(data):
                return max(self.spelled(data))
            case Sequence(parts):
                most = following = 0
                for part in reversed(parts):
                    most = max(most, self.most(part) + following)
                    following += self.least(part)
                return most
            case Choice(options):
                return max(map(self.most, options), default=0)
            case Repeat(item, low, _):
                return self.most(item) + max(low - 1, 0) * self.least(item)
            case Lexeme(inside) | Boundary(inside) | Beyond(inside):
                return self.most(inside)
            case FreshKey(key, _, _, whatever):
                return self._most_of(key) + 1 + self.most(whatever)
            case JsonString():
                # The longest escape, or the rest of a character, takes the place of a shorter one.
                return self.least(node) + len(node.quote) * 6
        return self.least(node)


@dataclasses.dataclass(frozen=True)
class Progress:
    """All places at which a text may stand.

    Attributes:
        places: The places; none where the text belongs to no text of the set.
        at_boundary: Whether a call ended with the last byte.
    """

    places: tuple[Place, ...]
    at_boundary: bool = False

    @classmethod
    def begin(cls, node: Node, prices: Prices) -> Progress:
        """Stands before the first byte."""
        walk = _Walk(prices)
        return cls(tuple(walk.enter(node, None)), walk.has_crossed)

    def advance(self, byte: int, prices: Prices) -> Progress:
        """Takes a byte."""
        walk = _Walk(prices)
        places = tuple(following for place in self.places for following in walk.take(place, byte))
        return Progress(places, walk.has_crossed)

    def advance_all(self, data: bytes, prices: Prices) -> Progress:
        """Takes bytes, up to where nothing can follow."""
        progress = self
        for byte in data:
            progress = progress.advance(byte, prices)
            if not progress.places:
                break
        return progress

    def price(self, prices: Prices) -> int:
        """Tokens that are missing at least, the end of sequence included."""
        return min(map(prices.place, self.places), default=ENDLESS)

    @property
    def may_end(self) -> bool:
        """Whether the text is complete as it is."""
        return any(place.leaf is None for place in self.places)


class _Walk:
    """One step through a tree."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self.has_crossed = False

    def enter(self, node: Node, rest: Rest | None) -> Iterator[Place]:
        """The places where a text of `node`, and then of `rest`, may begin."""
        pending: list[tuple[Node | None, Rest | None]] = [(node, rest)]
        while pending:
            node, rest = pending.pop()
            match node:
                case None:
                    yield Place(None, 0, None)
                case Text(data):
                    if data:
                        yield Place(node, 0, rest)
                    else:
                        pending.append(_next(rest))
                case Bytes(_) | Beyond(_):
                    yield Place(node, 0, rest)
                case JsonString():
                    yield Place(node, StringState(), rest)
                case FreshKey():
                    yield Place(node, (StringState(), b""), rest)
                case Sequence(parts):
                    for part in reversed(parts[1:]):
                        rest = self._before(part, rest)
                    pending.append((parts[0], rest))
                case Choice(options):
                    pending.extend((option, rest) for option in options)
                case Repeat(item, low, high):
                    if low <= 0:
                        pending.append(_next(rest))
                    if high > 1:
                        rest = self._before(Repeat(item, max(low - 1, 0), high - 1), rest)
                    if high > 0:
                        pending.append((item, rest))
                case Lexeme(inside):
                    pending.append((inside, rest))
                case Boundary(preview):
                    self.has_crossed = True
                    pending.append((preview, rest))

    def take(self, place: Place, byte: int) -> Iterator[Place]:
        """The places that follow after a byte."""
        leaf, state, rest = place
        match leaf:
            case Text(data):
                if data[state] == byte:
                    if state + 1 < len(data):
                        yield Place(leaf, state + 1, rest)
                    else:
                        yield from self.enter(*_next(rest))
            case Bytes(among):
                if byte in among:
                    yield from self.enter(*_next(rest))
            case JsonString():
                following = leaf.advance(state, byte)
                if following is True:
                    yield from self.enter(*_next(rest))
                elif following:
                    yield Place(leaf, following, rest)
            case FreshKey(key, taken, then, _):
                within, written = state
                following = key.advance(within, byte)
                written += bytes((byte,))
                if following is True and written not in taken:
                    yield from self.enter(then(written), rest)
                elif following and following is not True:
                    if following.count == key.high and written + key.quote in taken:
                        return
                    yield Place(leaf, (following, written), rest)

    def _before(self, node: Node, rest: Rest | None) -> Rest:
        following = rest.price if rest is not None else 1
        return Rest(node, rest, self._prices.least(node) + following)


def _next(rest: Rest | None) -> tuple[Node | None, Rest | None]:
    return (None, None) if rest is None else (rest.node, rest.following)
