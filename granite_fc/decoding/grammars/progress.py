"""How far a text has come in a set of texts."""

from __future__ import annotations

from typing import Any

from granite_fc.decoding.grammars.json_strings import UNOPENED, JsonString
from granite_fc.decoding.grammars.prices import (
    ENDLESS,
    Automaton,
    Inside,
    Place,
    Prices,
    Rest,
)
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

    @classmethod
    def after(cls, rest: Rest | None, prices: Prices) -> Progress:
        """Stands before what is left of a text."""
        places: list[Place] = []
        return cls(places, _enter(*_next(rest), prices, places))

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

    def most(self, prices: Prices) -> int:
        """The most that can be missing wherever the text goes from here."""
        return max(map(prices.most_from, self.places), default=ENDLESS)

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
                state = _begin(node, prices)
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
        inside = _advance(leaf, state, byte, prices)
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


def _begin(lexeme: Lexeme, prices: Prices) -> Inside | None:
    """The state of a lexeme before its first byte."""
    automaton = prices.automata.setdefault(lexeme, {})
    if None not in automaton:
        places: list[Place] = []
        _enter(lexeme.inside, None, prices, places)
        automaton[None] = _state(automaton, places, prices)
    return automaton[None]


def _advance(lexeme: Lexeme, state: Inside, byte: int, prices: Prices) -> Inside | None:
    """The state of a lexeme after one more byte; None where that cannot follow."""
    if byte not in state.following:
        places: list[Place] = []
        for place in state.places:
            _take(place, byte, prices, places)
        automaton = prices.automata.setdefault(lexeme, {})
        state.following[byte] = _state(automaton, places, prices)
    return state.following[byte]


def _state(automaton: Automaton, places: list[Place], prices: Prices) -> Inside | None:
    distinct = {_key(place): place for place in places}
    key = frozenset(distinct)
    if places and key not in automaton:
        price = min(map(prices.place, distinct.values())) - 1  # no sequence ends here
        inside = [place for place in distinct.values() if place.leaf is not None]
        automaton[key] = Inside(inside, price)
    return automaton.get(key)


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
