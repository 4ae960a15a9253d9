"""How far a text has come in a set of texts, and how much of it is still missing at least.

The missing is counted in tokens: a fixed text takes as many as its shortest spelling in the
vocabulary, a free character one a byte. So from every place on there is a token that brings the end
one token nearer, and a budget that holds what is missing is never overdrawn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, MutableMapping
from typing import Any, NamedTuple

from granite_fc.decoding.grammars.json_strings import UNOPENED, JsonString
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


@dataclasses.dataclass(slots=True, eq=False)
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
        state: How much of it has been written: bytes of a text, the state of a string or of a
            lexeme; for the name of a field the state of the string and the bytes.
        rest: What follows it.
    """

    leaf: Text | Bytes | JsonString | FreshKey | Lexeme | Beyond | None
    state: Any
    rest: Rest | None


class Inside:
    """How far a text has come in a lexeme: all places at once, with what follows from there.

    Numbers and references have few such states and are gone through often, so each is worked out
    once (a deterministic automaton, made as it is needed).

    Attributes:
        places: The places inside; none where the lexeme cannot go on.
        price: Tokens that are missing to the end of the lexeme; 0 where it may end.
        following: The states after each byte that has been tried; None where it cannot follow.
    """

    __slots__ = ("following", "places", "price")

    def __init__(self, places: list[Place], price: int) -> None:
        self.places = places
        self.price = price
        self.following: dict[int, Inside | None] = {}

    @property
    def may_end(self) -> bool:
        """Whether the lexeme is complete."""
        return self.price == 0

    @property
    def next_bytes(self) -> set[int]:
        """The bytes that may follow."""
        found: set[int] = set()
        for leaf, state, _ in self.places:
            if isinstance(leaf, Text):
                found.add(leaf.data[state])
            elif isinstance(leaf, Bytes):
                found |= leaf.among
        return found


# The states of a lexeme, by the places that they are.
Automaton = dict[Any, Inside | None]


class Prices:
    """What nodes cost at least, each worked out once.

    Args:
        spelled: Returns, for a text, in how many tokens each of its ends can be spelled: from the
            first byte on, from the second byte on, and so forth; 0 at last.
        automata: What is known of lexemes, kept from one grammar to the next.
    """

    def __init__(
        self,
        spelled: Callable[[bytes], tuple[int, ...]],
        automata: MutableMapping[Lexeme, Automaton],
    ) -> None:
        self.spelled = spelled
        self._automata = automata
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
            case Lexeme(_):
                return state.price + following
            case FreshKey(key, taken, _, whatever):
                within, written = state
                name = written[: len(written) - len(within.escape)] or key.quote
                # One more character, or another one, makes a new name of one that is taken.
                is_new = name + key.quote not in taken
                needed = key.bytes_needed(within) + (not is_new)
                return needed + self.least(whatever) + following
        return self.least(leaf) + following

    def begin(self, lexeme: Lexeme) -> Inside | None:
        """The state of a lexeme before its first byte."""
        automaton = self._automata.setdefault(lexeme, {})
        if None not in automaton:
            places: list[Place] = []
            _enter(lexeme.inside, None, self, places)
            automaton[None] = self._state(automaton, places)
        return automaton[None]

    def advance(self, lexeme: Lexeme, state: Inside, byte: int) -> Inside | None:
        """The state of a lexeme after one more byte; None where that cannot follow."""
        if byte not in state.following:
            places: list[Place] = []
            for place in state.places:
                _take(place, byte, self, places)
            automaton = self._automata.setdefault(lexeme, {})
            state.following[byte] = self._state(automaton, places)
        return state.following[byte]

    def _state(self, automaton: Automaton, places: list[Place]) -> Inside | None:
        distinct = {_key(place): place for place in places}
        key = frozenset(distinct)
        if places and key not in automaton:
            price = min(map(self.place, distinct.values())) - 1  # no sequence ends here
            inside = [place for place in distinct.values() if place.leaf is not None]
            automaton[key] = Inside(inside, price)
        return automaton.get(key)

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
                return node.bytes_needed(UNOPENED)
            case FreshKey(key, taken, _, whatever):
                is_new = key.low > 0 or key.quote * 2 not in taken
                return key.bytes_needed(UNOPENED) + (not is_new) + self.least(whatever)
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


class Progress:
    """All places at which a text may stand.

    Attributes:
        places: The places; none where the text belongs to no text of the set.
        at_boundary: Whether a call ended with the last byte.
    """

    __slots__ = ("at_boundary", "places")

    def __init__(self, places: list[Place], at_boundary: bool) -> None:
        self.places = places
        self.at_boundary = at_boundary

    @classmethod
    def begin(cls, node: Node, prices: Prices) -> Progress:
        """Stands before the first byte."""
        places: list[Place] = []
        return cls(places, _enter(node, None, prices, places))

    def advance(self, byte: int, prices: Prices) -> Progress:
        """Takes a byte."""
        places: list[Place] = []
        crossed = False
        for place in self.places:
            crossed |= _take(place, byte, prices, places)
        return Progress(places, crossed)

    def price(self, prices: Prices) -> int:
        """Tokens that are missing at least, the end of sequence included."""
        return min(map(prices.place, self.places), default=ENDLESS)

    @property
    def may_end(self) -> bool:
        """Whether the text is complete as it is."""
        return any(place.leaf is None for place in self.places)


def _enter(node: Node | None, rest: Rest | None, prices: Prices, places: list[Place]) -> bool:
    """Adds the places where a text of `node`, and then of `rest`, may begin.

    Returns:
        Whether a call ends on the way to one of them.
    """
    crossed = False
    pending: list[tuple[Node | None, Rest | None]] = [(node, rest)]
    while pending:
        node, rest = pending.pop()
        match node:
            case None:
                places.append(_END)
            case Text(data):
                if data:
                    places.append(Place(node, 0, rest))
                else:
                    pending.append(_next(rest))
            case Bytes(_) | Beyond(_):
                places.append(Place(node, 0, rest))
            case JsonString():
                places.append(Place(node, UNOPENED, rest))
            case FreshKey():
                places.append(Place(node, (UNOPENED, b""), rest))
            case Sequence(parts):
                for part in reversed(parts[1:]):
                    rest = _before(part, rest, prices)
                pending.append((parts[0], rest))
            case Choice(options):
                pending.extend([(option, rest) for option in options])
            case Repeat(item, low, high):
                if low <= 0:
                    pending.append(_next(rest))
                if high > 1:
                    rest = _before(Repeat(item, max(low - 1, 0), high - 1), rest, prices)
                if high > 0:
                    pending.append((item, rest))
            case Lexeme(_):
                state = prices.begin(node)
                if state is not None and state.places:
                    places.append(Place(node, state, rest))
                if state is not None and state.may_end:
                    pending.append(_next(rest))
            case Boundary(preview):
                crossed = True
                pending.append((preview, rest))
    return crossed


def _take(place: Place, byte: int, prices: Prices, places: list[Place]) -> bool:
    """Adds the places that follow on one after a byte; returns the same as `_enter`."""
    leaf, state, rest = place
    if isinstance(leaf, Text):
        if leaf.data[state] == byte:
            if state + 1 == len(leaf.data):
                return _enter(*_next(rest), prices, places)
            places.append(Place(leaf, state + 1, rest))
    elif isinstance(leaf, JsonString):
        following = leaf.advance(state, byte)
        if following is True:
            return _enter(*_next(rest), prices, places)
        if following:
            places.append(Place(leaf, following, rest))
    elif isinstance(leaf, Lexeme):
        inside = prices.advance(leaf, state, byte)
        if inside is not None:
            if inside.places:
                places.append(Place(leaf, inside, rest))
            return inside.may_end and _enter(*_next(rest), prices, places)
    elif isinstance(leaf, Bytes):
        if byte in leaf.among:
            return _enter(*_next(rest), prices, places)
    elif isinstance(leaf, FreshKey):
        within, written = state
        following = leaf.key.advance(within, byte)
        written += bytes((byte,))
        if following is True:
            return written not in leaf.taken and _enter(leaf.then(written), rest, prices, places)
        # A name that is taken cannot be closed, and at its full length it cannot go on.
        is_full = following and following.length == leaf.key.high
        if following and not (is_full and written + leaf.key.quote in leaf.taken):
            places.append(Place(leaf, (following, written), rest))
    return False


def _key(place: Place) -> Any:
    """What is equal for places from which the same follows."""
    chain: list[Any] = []
    rest = place.rest
    while rest is not None:
        node = rest.node
        if isinstance(node, Repeat):  # one that has begun is a node of its own each time
            chain.append((id(node.item), node.low, node.high))
        else:
            chain.append(id(node))
        rest = rest.following
    return id(place.leaf), place.state, tuple(chain)


def _before(node: Node, rest: Rest | None, prices: Prices) -> Rest:
    return Rest(node, rest, prices.least(node) + (1 if rest is None else rest.price))


def _next(rest: Rest | None) -> tuple[Node | None, Rest | None]:
    return (None, None) if rest is None else (rest.node, rest.following)


_END = Place(None, 0, None)
