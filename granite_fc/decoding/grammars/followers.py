"""Which tokens may come next, where that is known of most of them together.

Most tokens of an answer stand in fixed texts and in strings. In the first few can follow, and each
is looked at; in the second almost all can, and tables tell of them. Elsewhere llguidance is asked.
"""

from __future__ import annotations

import numpy as np

from granite_fc.decoding.grammars.between_characters import Between
from granite_fc.decoding.grammars.prices import Place, Prices
from granite_fc.decoding.grammars.prices_after import prices_of_tokens
from granite_fc.decoding.grammars.progress import Progress
from granite_fc.decoding.grammars.string_places import is_open, string_at, watched
from granite_fc.decoding.grammars.texts import Lexeme, Text
from granite_fc.decoding.grammars.tokens import Tokens, set_bits

# Tokens that are sooner tried one by one than llguidance is asked, and texts that are looked up.
_FEW = 256
_FEW_TEXTS = 256


class Followers:
    """Writes masks of the tokens that may come next and after which an end still fits.

    Args:
        tokens: The tokens of the vocabulary.
        prices: What nodes cost in them.
    """

    def __init__(self, tokens: Tokens, prices: Prices) -> None:
        self._tokens = tokens
        self._prices = prices
        self._between: Between | None = None

    def write(self, allowed: np.ndarray, progress: Progress, left: int) -> bool:
        """Adds the tokens that may come next to an empty mask.

        Args:
            allowed: int32 `[ceil(size / 32)]`, the mask.
            progress: Where the text stands.
            left: Tokens that there may be after the next one.

        Returns:
            Whether they are known; if not, the mask is as it was.
        """
        tokens = self._tokens
        masks: list[np.ndarray] = []
        found: list[int] = []
        tried: list[int] = []
        is_scarce = left < progress.most(self._prices)
        # Places with what a token spells until it comes to them.
        pending = [(b"", place) for place in progress.places]
        for spelled, place in pending:
            if place.leaf is None:
                continue
            if isinstance(place.leaf, Text):
                text = (spelled + place.leaf.data[place.state :])[: tokens.longest]
                within, beyond = tokens.spellings(text)
                for token in within:
                    size = len(tokens.spelled[token]) - len(spelled)
                    if size > 0 and not (is_scarce and self._price_on(place, size) > left):
                        found.append(token)
                if beyond:
                    following = Progress.after(place.rest, self._prices).places
                    pending += [(text, after) for after in following]
            elif spelled:
                tried += tokens.spellings(spelled).beyond
            elif isinstance(place.leaf, Lexeme):
                for byte in place.state.next_bytes:
                    tried += tokens.starting_with(bytes((byte,)))
            elif not self._is_in_string_known(place, left, masks, tried):
                return False
            if len(tried) > _FEW or len(pending) > _FEW_TEXTS:
                return False
        for mask in masks:
            allowed |= mask
        for token, price in prices_of_tokens(progress, tried, tokens, self._prices):
            if price <= left:
                found.append(token)
        set_bits(allowed, found)
        return True

    def _price_on(self, place: Place, size: int) -> int:
        """What is missing at least where a fixed text has gone on by some bytes."""
        leaf, state, rest = place
        assert isinstance(leaf, Text)
        if state + size == len(leaf.data):
            return Progress.after(rest, self._prices).price(self._prices)
        return self._prices.place(Place(leaf, state + size, rest))

    def _is_in_string_known(
        self, place: Place, left: int, masks: list[np.ndarray], tried: list[int]
    ) -> bool:
        """Adds what may follow in a string to masks, and to the tokens to be tried.

        It is known between two characters, but not where a marker, what looks like a reference or
        a name that is taken may have begun, nor where several characters have to follow.
        """
        if not is_open(place) or watched(place):
            return False
        string, within = string_at(place)
        least = max(string.low - within.length, 0)
        if within.label > 0 or least > 1:
            return False
        known = self._between
        if known is None or (known.leaf, known.rest) != (place.leaf, place.rest):
            in_string = self._tokens.in_string(string.spelling)
            known = self._between = Between(in_string, place, self._prices)
        mask = known.allowed(left, string.high - within.length, least)
        if least:
            tried += known.undecided
        if within.label == 0:
            mask = mask & ~self._tokens.dollar
            tried += self._tokens.starting_with(b"$")
        masks.append(mask)
        return True
