"""Byte-level BPE written plainly, from the metadata of a GGUF file alone."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import regex

# As llama.cpp cuts words (src/llama-vocab.cpp): every expression cuts what the one before left.
_GPT_2 = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
_CUTS = {
    "gpt-2": [_GPT_2],
    "smollm": [r"\p{N}", _GPT_2],
    "refact": [r"\p{N}", _GPT_2],
    "starcoder": [r"\p{N}", _GPT_2],
    "llama-bpe": [
        r"'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\r\n\p{L}\p{N}]?\p{L}+"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ],
}
# The regex module counts four separators among white space that Unicode does not.
_SPACE, _NO_SPACE = r"\p{White_Space}", r"\P{White_Space}"


class PlainBpe:
    """Encodes text by the merges, in order, that `tokenizer.ggml.merges` lists."""

    def __init__(self, metadata: dict[str, Any]) -> None:
        tokens = metadata["tokenizer.ggml.tokens"]
        kinds = metadata["tokenizer.ggml.token_type"]
        pre = metadata["tokenizer.ggml.pre"]
        self._ids = {token: i for i, token in enumerate(tokens)}
        self._ranks = {
            tuple(merge.split(" ")): i for i, merge in enumerate(metadata["tokenizer.ggml.merges"])
        }
        whole = sorted(
            (t for t, kind in zip(tokens, kinds, strict=True) if kind in (3, 4)), key=len
        )
        self._whole = regex.compile("(" + "|".join(map(regex.escape, reversed(whole))) + ")")
        self._cuts = [
            regex.compile(cut.replace(r"\s", _SPACE).replace(r"\S", _NO_SPACE))
            for cut in _CUTS[pre]
        ]
        self._words_are_tokens = pre == "llama-bpe"
        self._ids_of_word = functools.cache(self._merge)

    def encode(self, text: str) -> list[int]:
        """Returns the ids of a text."""
        ids: list[int] = []
        for i, part in enumerate(self._whole.split(text)):
            if i % 2:
                ids.append(self._ids[part])
                continue
            words = [part] if part else []
            for cut in self._cuts:
                words = [piece for word in words for piece in _cut(cut, word)]
            for word in words:
                ids += self._ids_of_word(word)
        return ids

    def _merge(self, word: str) -> list[int]:
        symbols = [_STAND_INS[byte] for byte in word.encode()]
        if self._words_are_tokens and "".join(symbols) in self._ids:
            return [self._ids["".join(symbols)]]
        while True:
            pairs = list(itertools.pairwise(symbols))
            ranks = [self._ranks.get(pair, len(self._ranks)) for pair in pairs]
            if not ranks or min(ranks) == len(self._ranks):
                # Bytes without a token are left out.
                return [self._ids[symbol] for symbol in symbols if symbol in self._ids]
            at = ranks.index(min(ranks))
            symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]


def _cut(expression: regex.Pattern, text: str) -> list[str]:
    """Returns the matches and what lies between them."""
    pieces, end = [], 0
    for match in expression.finditer(text):
        pieces += [text[end : match.start()], match[0]]
        end = match.end()
    return [piece for piece in [*pieces, text[end:]] if piece]


def _stand_ins() -> list[str]:
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


_STAND_INS = _stand_ins()
