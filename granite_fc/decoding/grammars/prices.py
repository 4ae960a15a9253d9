"""What is missing at least from a place in a text to its end.

It is counted in tokens: a fixed text takes as many as its shortest spelling in the vocabulary, a
free character one a byte. So from every place on there is a token that brings the end one token
nearer, and a budget that holds what is missing is never overdrawn.
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
        price: Tokens of the shortest such text, the end of sequence included.
    """

    node: Node
    following: Rest | None
    price: int
    # The most that can be missing at any place in such a text; 0 until it is asked for.
    most: int = 0


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

    Attributes:
        automata: As given.
    """

    def __init__(
        self,
        spelled: Callable[[bytes], tuple[int, ...]],
        automata: MutableMapping[Lexeme, Automaton],
    ) -> None:
        self.spelled = spelled
        self.automata = automata
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
        if isinstance(node, Repeat):
            return self.most(node.item) + max(node.low - 1, 0) * self.least(node.item)
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

    def most_from(self, place: Place) -> int:
        """The most that can be missing at any place that one leads to, itself included."""
        leaf, _, rest = place
        if leaf is None:
            return 1
        following = 1 if rest is None else rest.price
        return max(self.most(leaf) + following, self._most_of_rest(rest))

    def _most_of_rest(self, rest: Rest | None) -> int:
        if rest is None:
            return 1
        if not rest.most:
            after = rest.following
            following = 1 if after is None else after.price
            rest.most = max(self.most(rest.node) + following, self._most_of_rest(after))
        return rest.most

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
            case Lexeme(inside) | Boundary(inside):
                return self.most(inside)
            case FreshKey(key, _, _, whatever):
                return self._most_of(key) + 1 + self.most(whatever)
            case JsonString():
                # The longest escape, or the rest of a character, takes the place of a shorter one.
                return self.least(node) + len(node.quote) * 6
        return self.least(node)
