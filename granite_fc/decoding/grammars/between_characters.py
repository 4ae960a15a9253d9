"""What may follow between two characters of a string, for all tokens at once.

Between two characters it does not matter which ones these were. A token either leaves the string
open, and then its spelling alone says what is missing to the string's end and how many characters
it took; or it closes the string, and then what matters is what it spells behind the quote. Few
texts stand there in a vocabulary, so that they are followed, and not the tokens.
"""

from __future__ import annotations

import numpy as np

from granite_fc.decoding.grammars.in_string import FAR, InString
from granite_fc.decoding.grammars.json_strings import StringState
from granite_fc.decoding.grammars.prices import Place, Prices
from granite_fc.decoding.grammars.prices_after import prices_after
from granite_fc.decoding.grammars.progress import Progress
from granite_fc.decoding.grammars.string_places import string_at, with_string


class Between:
    """What may follow between two characters of one string, or of one name of a field.

    Args:
        in_string: What tokens do there.
        place: Such a place.
        prices: What nodes cost.

    Attributes:
        leaf: The string or the name.
        rest: What follows it.
        undecided: See `InString`.
    """

    def __init__(self, in_string: InString, place: Place, prices: Prices) -> None:
        self.leaf, _, self.rest = place
        string, _ = string_at(place)
        within = StringState(len(string.quote), max(string.low, 1))
        place = with_string(place, within)
        closed = Progress([place], at_boundary=False)
        for byte in string.quote:
            closed = closed.advance(byte, prices)
        following = prices.place(place) - string.bytes_needed(within)
        behind = np.array(list(prices_after(closed, in_string.texts, prices)), np.int64)
        self._price = in_string.missing + np.int32(min(following, FAR))
        self._price[in_string.closing] = np.minimum(behind, FAR)[in_string.behind]
        self._characters = in_string.characters
        self.undecided = in_string.undecided
        self._most = self._price.max(initial=0, where=self._price < FAR)
        self._longest = self._characters.max(initial=0)
        self._all = self._mask(self._price < FAR)

    def allowed(self, left: int, room: int, least: int) -> np.ndarray:
        """Returns which tokens may come next, int32 `[ceil(size / 32)]`, a bit for each.

        Args:
            left: Tokens that there may be after it.
            room: Characters that the string may have yet.
            least: Characters that it has to have yet, 0 or 1; where it is 1, the undecided tokens
                are not among those returned.
        """
        if left >= self._most and room >= self._longest and not least:
            return self._all
        is_allowed = self._price <= min(left, FAR - 1)
        if least:
            is_allowed &= self._characters >= least
        if room < self._longest:
            is_allowed &= self._characters <= room
        return self._mask(is_allowed)

    def _mask(self, is_allowed: np.ndarray) -> np.ndarray:
        bits = np.zeros((len(is_allowed) + 31) // 32 * 4, np.uint8)
        packed = np.packbits(is_allowed, bitorder="little")
        bits[: len(packed)] = packed
        return bits.view(np.int32)
