"""The tokens of a vocabulary as a grammar sees them: bytes."""

from __future__ import annotations

import bisect
import functools
import weakref
from collections.abc import Callable, MutableMapping, Sequence
from typing import NamedTuple

import numpy as np
from llguidance import LLTokenizer

from granite_fc.decoding.grammars.in_string import InString
from granite_fc.decoding.grammars.json_strings import Spelling
from granite_fc.decoding.grammars.prices import Automaton, Prices
from granite_fc.decoding.grammars.texts import Lexeme
from granite_fc.vocabularies.vocabulary import Vocabulary


class Spellings(NamedTuple):
    """The ids that may begin to spell a text.

    Attributes:
        within: Those that spell it, or what it begins with.
        beyond: Those that spell it and more.
    """

    within: list[int]
    beyond: list[int]


class Tokens:
    """What every token of a vocabulary spells, in the forms in which grammars need it.

    The end of sequence spells nothing: it ends an answer wherever it stands, so that a vocabulary
    in which its id begins texts, or pads them, is served as well.

    Args:
        vocabulary: The vocabulary.

    Attributes:
        eos_id: The end of sequence.
        size: Number of ids.
        spelled: The bytes of each id.
        plain: int32 `[ceil(size / 32)]`, a bit for each id: those that leave a string as open as it
            was. They spell whole characters, without an escape, a quote, a control character or
            what could begin a marker.
        plain_after: Returns, for a text, the ids that spell it and more that is plain, in the same
            form; for the empty text, `plain`.
        way_to: Returns, for a text, the ids that spell it and maybe more, or what it begins with,
            in the same form.
        head: How many bytes have to be taken off each id, one at least, for the rest to be plain in
            the same sense.
        order: int32 `[size]`, the place of each id among all in the order of their bytes.
        digits: The ids of digits alone, in the same form.
        with_less: The ids with a `<` in them, in the form of `plain`.
        with_string: The ids that may hold a whole string, or a `<` after its beginning.
        in_string: Returns, for a spelling, what each id does between two characters of a string.
        spellings: Returns, for a text, the ids that may begin to spell it.
        starting_with: Returns, for a text, the ids that spell it and maybe more.
        dollar: The ids that begin with a dollar sign, in the form of `plain`.
        id_of: An id for each text that one id spells.
        longest: Bytes of the longest id.
        ends: Returns in how many tokens each end of a text can be spelled, from the longest, which
            is the text, to the empty one.
        llguidance: The vocabulary as llguidance knows it.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.eos_id = vocabulary.eos_id
        self.size = vocabulary.size
        self.spelled = list(vocabulary.pieces)
        self.spelled[self.eos_id] = b""
        self.plain = self._mask_where(_is_plain)
        self.head = [_head(data) for data in self.spelled]
        self._by_bytes = np.array(sorted(range(self.size), key=self.spelled.__getitem__), np.int32)
        self.order = np.empty(self.size, np.int32)
        self.order[self._by_bytes] = np.arange(self.size)
        self.digits = self._mask_where(bytes.isdigit)
        self.with_string = self._mask_where(_may_hold_string)
        self.with_less = self._mask_where(lambda data: b"<" in data)
        self.id_of = {data: i for i, data in enumerate(self.spelled) if data}
        self.longest = max(map(len, self.id_of))
        self.ends = functools.lru_cache(maxsize=1 << 16)(self._prices_of_ends)
        self.plain_after = functools.lru_cache(maxsize=256)(self._mask_of_plain_after)
        self.way_to = functools.lru_cache(maxsize=256)(self._mask_of_way_to)
        self.in_string = functools.lru_cache(maxsize=16)(self._in_string)
        self.starting_with = functools.lru_cache(maxsize=256)(
            lambda start: self._starting_with(start).tolist()
        )
        self.dollar = mask_of(self._starting_with(b"$"), self.size)
        self.spellings = functools.lru_cache(maxsize=1 << 12)(self._spellings)
        self._automata: MutableMapping[Lexeme, Automaton] = weakref.WeakKeyDictionary()
        self.llguidance = LLTokenizer(
            _TokenizerOfLLGuidance(vocabulary, self.spelled),  # type: ignore[arg-type]
            eos_token=self.eos_id,
            slices=LLTokenizer.json_slices(),
        )

    def prices(self) -> Prices:
        """Returns what nodes of one grammar cost."""
        return Prices(self.ends, self._automata)

    def _in_string(self, spelling: Spelling) -> InString:
        is_plain = np.zeros(self.size, bool)
        is_plain[ids_in(self.plain)] = True
        return InString(self.spelled, is_plain, _head, spelling)

    def _spellings(self, text: bytes) -> Spellings:
        starting = self._starting_with(text).tolist()
        beyond = [token for token in starting if len(self.spelled[token]) > len(text)]
        return Spellings(self._beginnings(text).tolist(), beyond)

    def _mask_of_way_to(self, text: bytes) -> np.ndarray:
        ids = self._starting_with(text), self._beginnings(text)
        return mask_of(np.concatenate(ids), self.size)

    def _beginnings(self, text: bytes) -> np.ndarray:
        sizes = range(1, min(len(text), self.longest) + 1)
        found = [self._between(text[:size], text[:size] + b"\0") for size in sizes]
        return np.concatenate([np.empty(0, np.int32), *found])

    def _mask_of_plain_after(self, start: bytes) -> np.ndarray:
        ids = self._starting_with(start).tolist()
        return mask_of([i for i in ids if _is_plain(self.spelled[i][len(start) :])], self.size)

    def _starting_with(self, start: bytes) -> np.ndarray:
        return self._between(start, start + b"\xff" * self.longest)

    def _between(self, first: bytes, beyond: bytes) -> np.ndarray:
        """The ids whose bytes come no sooner than some and before others."""
        start, end = (
            bisect.bisect_left(self._by_bytes, data, key=self.spelled.__getitem__)
            for data in (first, beyond)
        )
        return self._by_bytes[start:end]

    def _mask_where(self, holds: Callable[[bytes], bool]) -> np.ndarray:
        return mask_of([i for i, data in enumerate(self.spelled) if holds(data)], self.size)

    def _prices_of_ends(self, data: bytes) -> tuple[int, ...]:
        prices = [0] * (len(data) + 1)
        for start in reversed(range(len(data))):
            last = min(len(data), start + self.longest)
            ends = range(start + 1, last + 1)
            prices[start] = 1 + min(prices[end] for end in ends if data[start:end] in self.id_of)
        return tuple(prices)


@functools.lru_cache(maxsize=4)
def tokens_of(vocabulary: Vocabulary) -> Tokens:
    """Returns the tokens of a vocabulary, read once."""
    return Tokens(vocabulary)


def mask_of(ids: Sequence[int] | np.ndarray, size: int) -> np.ndarray:
    """Returns int32 `[ceil(size / 32)]` with the bits of some ids."""
    bits = np.zeros((size + 31) // 32 * 32, np.uint8)
    bits[ids] = 1
    return np.packbits(bits, bitorder="little").view(np.int32)


def ids_in(mask: np.ndarray) -> np.ndarray:
    """Returns the ids whose bits a mask has, in ascending order."""
    words = np.flatnonzero(mask)
    bits = np.unpackbits(mask[words].view(np.uint8).reshape(-1, 4), axis=1, bitorder="little")
    rows, columns = np.nonzero(bits)
    return words[rows] * 32 + columns


def set_bits(mask: np.ndarray, ids: Sequence[int]) -> None:
    """Sets the bits of some ids."""
    words = mask.view(np.uint32)
    for token in ids:
        words[token // 32] |= np.uint32(1 << token % 32)


def take_out(mask: np.ndarray, ids: np.ndarray) -> None:
    """Clears the bits of some ids."""
    np.bitwise_and.at(
        mask.view(np.uint32), ids >> 5, ~(np.uint32(1) << (ids & 31).astype(np.uint32))
    )


def _is_plain(data: bytes) -> bool:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return bool(text) and not any(c in '"\\<' or c < " " for c in text)


def _head(data: bytes) -> int:
    starts = range(1, len(data))
    return next((start for start in starts if _is_plain(data[start:])), len(data))


def _may_hold_string(data: bytes) -> bool:
    _, quote, rest = data.partition(b'"')
    return bool(quote) and (b'"' in rest or b"<" in rest)


class _TokenizerOfLLGuidance:
    """What llguidance asks of a tokenizer; it spells texts only for what is not used here."""

    is_tokenizer_wrapper = True

    def __init__(self, vocabulary: Vocabulary, spelled: list[bytes]) -> None:
        self.eos_token_id = vocabulary.eos_id
        self.bos_token_id = None
        self.tokens = spelled
        self.special_token_ids = [vocabulary.eos_id]
        self._encode = vocabulary.encode

    def __call__(self, text: str) -> list[int]:
        return self._encode(text)
