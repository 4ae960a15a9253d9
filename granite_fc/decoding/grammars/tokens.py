"""The tokens of a vocabulary as a grammar sees them: bytes."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from llguidance import LLTokenizer

from granite_fc.vocabularies.vocabulary import Vocabulary


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
        first: uint8 `[size]`, the first of them.
        plain: int32 `[ceil(size / 32)]`, a bit for each id: those that leave a string as open as it
            was. They spell whole characters, without an escape, a quote, a control character or
            what could begin a marker.
        plain_tail: bool `[size]`, whether what follows the first byte is plain in the same sense.
        with_less: The ids with a `<` in them, in the form of `plain`.
        id_of: An id for each text that one id spells.
        ends: Returns in how many tokens each end of a text can be spelled, from the longest, which
            is the text, to the empty one.
        llguidance: The vocabulary as llguidance knows it.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.eos_id = vocabulary.eos_id
        self.size = vocabulary.size
        self.spelled = list(vocabulary.pieces)
        self.spelled[self.eos_id] = b""
        self.first = np.array([data[0] if data else 0 for data in self.spelled], np.uint8)
        self.plain = self._mask_where(_is_plain)
        self.plain_tail = np.array([_is_plain(b"x" + data[1:]) for data in self.spelled])
        self.with_less = self._mask_where(lambda data: b"<" in data)
        self.id_of = {data: i for i, data in enumerate(self.spelled) if data}
        self._longest = max(map(len, self.id_of))
        self.ends = functools.lru_cache(maxsize=1 << 16)(self._prices_of_ends)
        self.llguidance = LLTokenizer(
            _TokenizerOfLLGuidance(vocabulary, self.spelled),  # type: ignore[arg-type]
            eos_token=self.eos_id,
            slices=LLTokenizer.json_slices(),
        )

    def _mask_where(self, holds: Callable[[bytes], bool]) -> np.ndarray:
        return mask_of([i for i, data in enumerate(self.spelled) if holds(data)], self.size)

    def _prices_of_ends(self, data: bytes) -> tuple[int, ...]:
        prices = [0] * (len(data) + 1)
        for start in reversed(range(len(data))):
            last = min(len(data), start + self._longest)
            ends = range(start + 1, last + 1)
            prices[start] = 1 + min(prices[end] for end in ends if data[start:end] in self.id_of)
        return tuple(prices)


@functools.lru_cache(maxsize=4)
def tokens_of(vocabulary: Vocabulary) -> Tokens:
    """Returns the tokens of a vocabulary, read once."""
    return Tokens(vocabulary)


def mask_of(ids: list[int], size: int) -> np.ndarray:
    """Returns int32 `[ceil(size / 32)]` with the bits of some ids."""
    bits = np.zeros((size + 31) // 32 * 32, np.uint8)
    bits[ids] = 1
    return np.packbits(bits, bitorder="little").view(np.int32)


def ids_in(mask: np.ndarray) -> np.ndarray:
    """Returns the ids whose bits a mask has, in ascending order."""
    return np.flatnonzero(np.unpackbits(mask.view(np.uint8), bitorder="little"))


def _is_plain(data: bytes) -> bool:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return bool(text) and not any(c in '"\\<' or c < " " for c in text)


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
