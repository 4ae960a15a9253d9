"""An answer held to a set of texts and to a number of tokens."""

from __future__ import annotations

import functools

import numpy as np
from llguidance import LLMatcher

from granite_fc.decoding.constraint import NoRoomError
from granite_fc.decoding.grammars.followers import Followers
from granite_fc.decoding.grammars.json_strings import JsonString
from granite_fc.decoding.grammars.prices import ENDLESS, Place, Prices
from granite_fc.decoding.grammars.prices_after import prices_of_tokens
from granite_fc.decoding.grammars.progress import Progress
from granite_fc.decoding.grammars.stretch import Shared, Stretch, is_between_leaves
from granite_fc.decoding.grammars.string_places import (
    is_before_characters,
    one_character_on,
    string_at,
    watched,
)
from granite_fc.decoding.grammars.texts import FreshKey, Lexeme, Text
from granite_fc.decoding.grammars.tokens import Tokens, ids_in, set_bits, take_out


class TextConstraint:
    """Holds one answer to its stretches; a `granite_fc.decoding.constraint.Constraint`.

    Only those tokens are offered after which the shortest end fits into what is left of the budget.
    At most places it is known which these are (`Followers`). Elsewhere llguidance tells what may
    come next, and what is left out of that are the tokens that are too dear, and the few that make
    a marker or a field name that an object has already, which llguidance is not told about.

    Args:
        first: The first stretch of the answer.
        tokens: The tokens of the vocabulary.
        prices: What nodes cost in them.
        max_new_tokens: Tokens that the answer may take, the end of sequence included.

    Raises:
        NoRoomError: The shortest answer takes more, or there is none.
    """

    def __init__(self, first: Stretch, tokens: Tokens, prices: Prices, max_new_tokens: int) -> None:
        self._tokens = tokens
        self._prices = prices
        self._left = max_new_tokens
        self._words = (tokens.size + 31) // 32
        self._followers = Followers(tokens, prices)
        self._has_ended = False
        self._stretch = first
        self._progress = Progress.begin(first.node, prices)
        self._written = bytearray()
        self._matcher: LLMatcher | None = None
        # Where a matcher could begin that has not been asked for, and the tokens since.
        self._latest = self._progress, b""
        self._since: tuple[int, ...] = ()
        # For other answers to the same request.
        self._shared: list[Shared] = []
        needed = self._progress.price(prices)
        if needed > max_new_tokens:
            raise NoRoomError(needed if needed < ENDLESS else None)

    def allow(self, mask: np.ndarray) -> None:
        """Writes which tokens may come next; see `Constraint.allow`."""
        mask[:] = 0
        if not self._only_end_is_left():
            allowed = mask[: self._words]
            if not self._followers.write(allowed, self._progress, self._left - 1):
                self._match(allowed)
                self._narrow(allowed)
            if not self._progress.may_end and not allowed.any():
                set_bits(allowed, [self._toward_the_end()])
        if self._progress.may_end or self._has_ended:
            set_bits(mask, [self._tokens.eos_id])

    def accept(self, token: int) -> None:
        """Takes the token that was chosen."""
        self._left -= 1
        if token == self._tokens.eos_id:
            self._has_ended = True
            return
        stretch = self._stretch
        if self._matcher is None:
            self._follow(token)
        for byte in self._tokens.spelled[token]:
            self._progress = self._progress.advance(byte, self._prices)
            self._written.append(byte)
            if self._progress.at_boundary and self._stretch.go_on is not None:
                self._begin(self._stretch.go_on(bytes(self._written)))
        if not self._progress.places:
            raise ValueError(f"token {token} ({self._tokens.spelled[token]!r}) was not allowed")
        if self._stretch is stretch and self._matcher is not None:
            self._matcher.consume_token(token)

    @property
    def is_complete(self) -> bool:
        """Whether nothing but the end of sequence may follow."""
        return self._has_ended or self._only_end_is_left()

    def _begin(self, stretch: Stretch) -> None:
        self._stretch = stretch
        self._progress = Progress.begin(stretch.node, self._prices)
        self._written = bytearray()
        self._matcher = None
        self._latest, self._since = (self._progress, b""), ()

    def _follow(self, token: int) -> None:
        """Notes where a matcher could begin, and the tokens since."""
        if is_between_leaves(self._progress, self._prices):
            self._latest = self._progress, bytes(self._written)
            self._since = ()
        self._since += (token,)

    def _only_end_is_left(self) -> bool:
        if self._has_ended:
            return True
        return self._progress.may_end and all(
            place.leaf is None or self._prices.place(place) > self._left
            for place in self._progress.places
        )

    def _match(self, allowed: np.ndarray) -> None:
        """Writes the mask of llguidance."""
        if self._matcher is None:
            if is_between_leaves(self._progress, self._prices):
                self._latest, self._since = (self._progress, bytes(self._written)), ()
            progress, begun = self._latest
            shared = self._stretch.matcher(self._tokens, begun, progress)
            self._shared.append(shared)
            self._matcher = shared.matcher.deep_copy()
            for token in self._since:
                self._matcher.consume_token(token)
        self._matcher.unsafe_compute_mask_ptr(allowed.ctypes.data, allowed.nbytes)
        _clear(allowed, self._tokens.eos_id)
        if self._matcher.is_error():
            allowed[:] = 0

    def _narrow(self, allowed: np.ndarray) -> None:
        """Takes out of a mask what llguidance allows too much."""
        left = self._left - 1
        is_scarce = left < self._progress.most(self._prices)
        ids = self._doubtful(allowed) if is_scarce else self._watched(allowed)
        found = prices_of_tokens(self._progress, ids.tolist(), self._tokens, self._prices)
        take_out(allowed, np.array([token for token, price in found if price > left], np.int64))

    def _watched(self, allowed: np.ndarray) -> np.ndarray:
        """The tokens that make, or may make, a marker or a field name for the second time."""
        tokens = self._tokens
        doubtful = allowed & tokens.with_string
        for place in self._progress.places:
            leaf = place.leaf
            if not isinstance(leaf, JsonString | FreshKey):
                continue
            if isinstance(leaf, FreshKey) and leaf.taken:
                doubtful |= allowed & ~self._characters(place)
            if string_at(place)[0].spelling.markers:
                doubtful |= allowed & tokens.with_less
            doubtful |= allowed & self._way_to(watched(place))
        return ids_in(doubtful)

    def _doubtful(self, allowed: np.ndarray) -> np.ndarray:
        """All allowed tokens but those of which is known together what is missing after them.

        Those of which this is too much are taken out of the mask.
        """
        tokens = self._tokens
        string = self._string_alone()
        if string is None:
            return ids_in(allowed & ~tokens.digits if self._takes_any_digits() else allowed)
        others = allowed & (~self._characters(string) | self._way_to(self._others(string)))
        if self._prices.place(one_character_on(string)) > self._left - 1:
            allowed &= others
        return ids_in(others)

    def _takes_any_digits(self) -> bool:
        """Whether what is left holds any number that may stand here, whatever digits come next."""
        for leaf, state, rest in self._progress.places:
            if isinstance(leaf, Lexeme):
                following = 1 if rest is None else rest.price
                if self._prices.most(leaf) + following > self._left - 1:
                    return False
            elif not isinstance(leaf, Text) or leaf.data[state] in b"0123456789":
                return False
        return True

    def _string_alone(self) -> Place | None:
        """The string before one of whose characters the text stands, beside fixed texts alone."""
        strings = [place for place in self._progress.places if is_before_characters(place)]
        fixed = [p for p in self._progress.places if isinstance(p.leaf, Text | Lexeme)]
        is_all = len(strings) + len(fixed) == len(self._progress.places)
        return strings[0] if is_all and len(strings) == 1 else None

    def _characters(self, place: Place) -> np.ndarray:
        """The tokens that bring a string some characters further, but for the rest of an escape."""
        string, state = string_at(place)
        starts = string.before_characters(state)
        return functools.reduce(np.bitwise_or, map(self._tokens.plain_after, starts))

    def _way_to(self, texts: set[bytes]) -> np.ndarray:
        """The tokens that spell one of some texts, or its beginning."""
        nothing = np.zeros(self._words, np.int32)
        return functools.reduce(np.bitwise_or, map(self._tokens.way_to, texts), nothing)

    def _others(self, string: Place) -> set[bytes]:
        """What else than characters of a string may follow, or is ruled out, as it begins."""
        found = watched(string)
        for leaf, state, _ in self._progress.places:
            if isinstance(leaf, Text):
                found.add(leaf.data[state:])
            elif isinstance(leaf, Lexeme):
                found |= {bytes((byte,)) for byte in state.next_bytes}
        return found

    def _toward_the_end(self) -> int:
        """A token of a shortest text from here to the end."""
        place = min(self._progress.places, key=self._prices.place)
        if isinstance(place.leaf, Text):
            data, start = place.leaf.data, place.state
            for end in reversed(range(start + 1, len(data) + 1)):
                spelled = data[start:end]
                is_shortest = self._tokens.ends(data)[end] < self._tokens.ends(data)[start]
                if is_shortest and spelled in self._tokens.id_of:
                    return self._tokens.id_of[spelled]

        def price_after(byte: bytes) -> int:
            return self._progress.advance(byte[0], self._prices).price(self._prices)

        single = [data for data in self._tokens.id_of if len(data) == 1]
        return self._tokens.id_of[min(single, key=price_after)]


def _clear(mask: np.ndarray, token: int) -> None:
    mask.view(np.uint32)[token // 32] &= np.uint32(0xFFFFFFFF ^ (1 << token % 32))
