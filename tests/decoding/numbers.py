"""A vocabulary whose texts are its ids."""

from __future__ import annotations

from collections.abc import Sequence

from granite_fc.vocabularies.vocabulary import Vocabulary


class Numbers(Vocabulary):
    """ "7 12 " are the ids 7 and 12."""

    name = "numbers"
    digest = "numbers"
    size = 61
    eos_id = -1

    def __init__(self, eos_id: int = -1, size: int = 61) -> None:
        self.eos_id = eos_id
        self.size = size

    def encode(self, text: str) -> list[int]:
        return [int(word) for word in text.split()]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(f"{i} " for i in ids)
