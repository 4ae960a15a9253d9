"""Grammars that are quickly said."""

from __future__ import annotations

import numpy as np

from granite_fc.decoding.constraint import Constraint, NoRoomError
from granite_fc.vocabularies.vocabulary import Vocabulary


class EvenIds:
    """Even ids only; with `length`, that many of them and then the end."""

    def __init__(self, length: int | None = None) -> None:
        self.length = length

    def constraint(self, vocabulary: Vocabulary, max_new_tokens: int) -> EvenIdsWritten:
        return EvenIdsWritten(vocabulary.size, self.length)


class EvenIdsWritten:
    def __init__(self, size: int, length: int | None) -> None:
        self.words = -(-size // 32)
        self.length = length
        self.accepted: list[int] = []

    def allow(self, mask: np.ndarray) -> None:
        assert mask.dtype == np.int32 and mask.shape == (self.words,)
        mask[:] = 0x55555555

    def accept(self, token: int) -> None:
        assert token % 2 == 0
        self.accepted.append(token)

    @property
    def is_complete(self) -> bool:
        return len(self.accepted) == self.length


class NoRoom:
    """Admits nothing that short."""

    def constraint(self, vocabulary: Vocabulary, max_new_tokens: int) -> Constraint:
        raise NoRoomError(max_new_tokens + 1)
