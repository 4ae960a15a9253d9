"""Parts of an answer, between whose calls the grammar is made anew."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable

from llguidance import LLMatcher

from granite_fc.decoding.grammars.json_strings import UNOPENED, JsonString
from granite_fc.decoding.grammars.lark import lark
from granite_fc.decoding.grammars.prices import Place, Prices
from granite_fc.decoding.grammars.progress import Progress
from granite_fc.decoding.grammars.texts import FreshKey, Lexeme, Node, Text, choice, sequence
from granite_fc.decoding.grammars.tokens import Tokens
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
    _matchers: weakref.WeakValueDictionary[tuple[int, bytes], Shared] = dataclasses.field(
        default_factory=weakref.WeakValueDictionary
    )

    def like(self, go_on: Callable[[bytes], Stretch]) -> Stretch:
        """Returns a stretch of the same texts that another follows; both share the work."""
        return dataclasses.replace(self, go_on=go_on)

    def matcher(self, tokens: Tokens, begun: bytes, progress: Progress) -> Shared:
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
            shared = self._matchers[key] = Shared(matcher)
        return shared


class Shared:
    """A matcher that has taken nothing yet.

    Attributes:
        matcher: The matcher, of which each answer takes a copy.
    """

    def __init__(self, matcher: LLMatcher) -> None:
        self.matcher = matcher


def is_between_leaves(progress: Progress, prices: Prices) -> bool:
    """Whether a text stands outside of strings and numbers, so that a matcher may begin there."""
    return all(_is_before(place, prices) for place in progress.places)


def _is_before(place: Place, prices: Prices) -> bool:
    leaf, state, _ = place
    match leaf:
        case JsonString():
            return state == UNOPENED
        case FreshKey():
            return state == (UNOPENED, b"")
        case Lexeme():
            return state is prices.automata[leaf][None]
    return True


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
