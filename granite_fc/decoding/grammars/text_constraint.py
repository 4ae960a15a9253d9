"""An answer held to a set of texts and to a number of tokens."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Iterator

import numpy as np
from llguidance import LLMatcher

from granite_fc.decoding.constraint import NoRoomError
from granite_fc.decoding.grammars.json_strings import JsonString, StringState
from granite_fc.decoding.grammars.lark import lark
from granite_fc.decoding.grammars.progress import ENDLESS, Place, Prices, Progress, Rest
from granite_fc.decoding.grammars.texts import FreshKey, Lexeme, Node, Text, choice, sequence
from granite_fc.decoding.grammars.tokens import Tokens, ids_in, take_out
from granite_fc.errors import ConfigurationError


@dataclasses.dataclass(eq=False)
class Stretch:
    """A part of an answer: to its end, or to where a call ends and what may follow depends on it.

    Attributes:
        node: The texts that this part, and what follows, may be.
        go_on: Given this part as it was written, up to the boundary in `node`, returns the next;
            None where there is no boundary.
    """

    node: Node
    go_on: Callable[[bytes], Stretch] | None = None
    # Kept for as long as an answer that has one is written: one takes a megabyte.
    _matchers: weakref.WeakValueDictionary[tuple[int, bytes], _Shared] = dataclasses.field(
        default_factory=weakref.WeakValueDictionary
    )

    def like(self, go_on: Callable[[bytes], Stretch]) -> Stretch:
        """Returns a stretch of the same texts that another follows; both share the work."""
        return dataclasses.replace(self, go_on=go_on)

    def matcher(self, tokens: Tokens, begun: bytes, progress: Progress) -> _Shared:
        """Returns a matcher of this stretch to copy; answers that begin alike share the work.

        Args:
            tokens: Those of the vocabulary.
            begun: What has been written of it.
            progress: Where that has led to.
        """
        key = (id(tokens), begun)
        shared = self._matchers.get(key)
        if shared is None:
            node = self.node if not begun else choice(map(_remaining, progress.places))
            matcher = LLMatcher(tokens.llguidance, lark(node), log_level=0)
            if matcher.is_error():
                raise ConfigurationError(
                    "GrammarLimits",
                    found=f"a grammar that llguidance refuses: {matcher.get_error()[:200]}",
                    expected="bounds that make a smaller one",
                )
            shared = self._matchers[key] = _Shared(matcher)
        return shared


class _Shared:
    """A matcher that has taken nothing yet.

    Attributes:
        matcher: The matcher, of which each answer takes a copy.
    """

    def __init__(self, matcher: LLMatcher) -> None:
        self.matcher = matcher


class TextConstraint:
    """Holds one answer to its stretches; a `granite_fc.decoding.constraint.Constraint`.

    llguidance tells which tokens may come next. Of these are left out, first, those after which the
    shortest end would not fit into what is left of the budget; second, the few that make a marker
    or a field name that an object has already, which llguidance is not told about.

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
        self._mask = np.zeros((tokens.size + 31) // 32, np.int32)
        self._priced = np.zeros(0, np.int64)
        self._priced_in: tuple[object, Rest | None] | None = None
        self._has_ended = False
        self._stretch = first
        self._progress = Progress.begin(first.node, prices)
        self._most = prices.most(first.node) + 1
        self._written = bytearray()
        self._matcher: LLMatcher | None = None
        # For other answers to the same request.
        self._shared: list[_Shared] = []
        needed = self._progress.price(prices)
        if needed > max_new_tokens:
            raise NoRoomError(needed if needed < ENDLESS else None)

    def allow(self, mask: np.ndarray) -> None:
        """Writes which tokens may come next; see `Constraint.allow`."""
        mask[:] = 0
        if not self._only_end_is_left():
            if self._matcher is None:
                shared = self._stretch.matcher(self._tokens, bytes(self._written), self._progress)
                self._shared.append(shared)
                self._matcher = shared.matcher.deep_copy()
            allowed = self._mask
            self._matcher.unsafe_compute_mask_ptr(allowed.ctypes.data, allowed.nbytes)
            _clear(allowed, self._tokens.eos_id)
            if self._matcher.is_error():
                allowed[:] = 0
            self._narrow(allowed)
            if not allowed.any() and not self._progress.may_end:
                _set(allowed, self._toward_the_end())
            mask[: len(allowed)] = allowed
        if self._progress.may_end or self._has_ended:
            _set(mask, self._tokens.eos_id)

    def accept(self, token: int) -> None:
        """Takes the token that was chosen."""
        self._left -= 1
        if token == self._tokens.eos_id:
            self._has_ended = True
            return
        stretch = self._stretch
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
        self._most = self._prices.most(stretch.node) + 1
        self._written = bytearray()
        self._matcher = None

    def _only_end_is_left(self) -> bool:
        if self._has_ended:
            return True
        return self._progress.may_end and all(
            place.leaf is None or self._prices.place(place) > self._left
            for place in self._progress.places
        )

    def _narrow(self, allowed: np.ndarray) -> None:
        """Takes out of a mask what llguidance allows too much."""
        left = self._left - 1
        ids = self._doubtful(allowed) if left < self._most else self._watched(allowed)
        memo = self._memo()
        if memo is None:
            dear = [token for token, price in self._prices_after(ids) if price > left]
            out = np.array(dear, np.int64)
        else:
            for token, price in self._prices_after(ids[memo[ids] < 0]):
                memo[token] = price
            out = ids[memo[ids] > left]
        if len(out):
            take_out(allowed, out)

    def _prices_after(self, ids: np.ndarray) -> Iterator[tuple[int, int]]:
        """Yields tokens with what is missing at least after them."""
        tokens, prices = self._tokens, self._prices
        # Those that begin alike stand together, so that their beginning is followed once.
        after = [self._progress]
        followed = b""
        for token in ids[np.argsort(tokens.order[ids])].tolist():
            data, head = tokens.spelled[token], tokens.head[token]
            depth = _in_common(followed, data)
            del after[depth + 1 :]
            while depth < len(data) and not (depth >= head and _is_harmless_in(after[-1])):
                after.append(after[-1].advance(data[depth], prices))
                depth += 1
            followed = data[: len(after) - 1]
            yield token, after[-1].price(prices)

    def _watched(self, allowed: np.ndarray) -> np.ndarray:
        """The tokens that make, or may make, a marker or a field name for the second time."""
        tokens = self._tokens
        doubtful = allowed & tokens.with_string
        for place in self._progress.places:
            leaf = place.leaf
            if isinstance(leaf, FreshKey) and leaf.taken:
                doubtful |= allowed & ~tokens.plain
            if not isinstance(leaf, JsonString | FreshKey):
                continue
            if _string_at(place)[0].spelling.markers:
                doubtful |= allowed & tokens.with_less
            doubtful |= allowed & tokens.starting_with(_watched_bytes(place))
        return ids_in(doubtful)

    def _doubtful(self, allowed: np.ndarray) -> np.ndarray:
        """All allowed tokens but those of which is known together what is missing after them.

        Those of which this is too much are taken out of the mask.
        """
        tokens = self._tokens
        inside = self._open_string()
        if inside is None:
            return ids_in(allowed & ~tokens.digits if self._takes_any_digits() else allowed)
        starts = tokens.starting_with(self._bytes_of_others(inside))
        others = allowed & (~tokens.plain | starts)
        if self._prices.place(_one_character_on(inside)) > self._left - 1:
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

    def _open_string(self) -> Place | None:
        """The string between two of whose characters the text stands, beside fixed texts alone."""
        strings = [place for place in self._progress.places if _is_open(place)]
        fixed = [p for p in self._progress.places if isinstance(p.leaf, Text | Lexeme)]
        is_all = len(strings) + len(fixed) == len(self._progress.places)
        return strings[0] if is_all and len(strings) == 1 else None

    def _bytes_of_others(self, inside: Place) -> set[int]:
        """Bytes that may be more than another character of the string."""
        found = _watched_bytes(inside)
        for leaf, state, _ in self._progress.places:
            if isinstance(leaf, Text):
                found.add(leaf.data[state])
            elif isinstance(leaf, Lexeme):
                found |= state.next_bytes
        return found

    def _memo(self) -> np.ndarray | None:
        """What is missing after tokens at places that are as good as this one; -1: not known yet.

        Between two characters of a string it does not matter which they are, but for the beginning
        of the string, markers, and names of fields that begin like one that is taken.
        """
        places = self._progress.places
        if len(places) != 1 or not _is_open(places[0]):
            return None
        leaf, _, rest = places[0]
        string, within = _string_at(places[0])
        if within.marker or within.label >= 0 or within.length < string.low:
            return None
        if _watched_bytes(places[0]):
            return None
        if self._priced_in != (leaf, rest):
            self._priced_in = (leaf, rest)
            inside = self._tokens.inside_string(string.spelling)
            following = self._prices.place(places[0]) - string.bytes_needed(within)
            self._priced = np.where(inside < 0, -1, inside + following)
        return self._priced

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


def _remaining(place: Place) -> Node:
    """What may follow from a place in a text outside of strings and numbers."""
    parts: list[Node] = []
    if isinstance(place.leaf, Text):
        parts.append(Text(place.leaf.data[place.state :]))
    elif place.leaf is not None:
        parts.append(place.leaf)
    rest = place.rest
    while rest is not None:
        parts.append(rest.node)
        rest = rest.following
    return sequence(*parts)


def _in_common(first: bytes, second: bytes) -> int:
    """How many bytes both begin with."""
    for size, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return size
    return min(len(first), len(second))


def _string_at(place: Place) -> tuple[JsonString, StringState]:
    """The string that a text stands in, and where in it."""
    leaf, state, _ = place
    if isinstance(leaf, FreshKey):
        return leaf.key, state[0]
    assert isinstance(leaf, JsonString)
    return leaf, state


def _is_open(place: Place) -> bool:
    """Whether a text stands in a string, between two characters."""
    if not isinstance(place.leaf, JsonString | FreshKey):
        return False
    string, state = _string_at(place)
    return state.opening == len(string.quote) and not state.pending and not state.escape


def _is_harmless_in(progress: Progress) -> bool:
    """Whether a text is in a string and nowhere else, so that any characters change nothing."""
    places = progress.places
    return len(places) == 1 and _is_open(places[0]) and not _watched_bytes(places[0])


def _watched_bytes(place: Place) -> set[int]:
    """Bytes that lead on to a marker, or to a name that is taken."""
    string, state = _string_at(place)
    found = set(string.watched(state))
    if isinstance(place.leaf, FreshKey):
        written = place.state[1]
        names = (name for name in place.leaf.taken if name.startswith(written))
        found.update(name[len(written)] for name in names)
    return found


def _one_character_on(place: Place) -> Place:
    leaf, state, rest = place
    _, within = _string_at(place)
    on = within._replace(length=within.length + 1)
    return Place(leaf, (on, state[1] + b"?") if isinstance(leaf, FreshKey) else on, rest)


def _set(mask: np.ndarray, token: int) -> None:
    mask.view(np.uint32)[token // 32] |= np.uint32(1 << token % 32)


def _clear(mask: np.ndarray, token: int) -> None:
    mask.view(np.uint32)[token // 32] &= np.uint32(0xFFFFFFFF ^ (1 << token % 32))
