"""What an answer may be, token by token."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from granite_fc.vocabularies.vocabulary import Vocabulary


class NoRoomError(ValueError):
    """An answer has fewer tokens than the shortest one that its grammar admits.

    Attributes:
        needed: Tokens that this takes, the end of sequence included; None where the grammar admits
            no answer at all.
    """

    def __init__(self, needed: int | None) -> None:
        super().__init__(
            "no answer is admitted" if needed is None else f"an answer takes {needed} tokens"
        )
        self.needed = needed


class Constraint(Protocol):
    """The state of one answer that is being written."""

    def allow(self, mask: np.ndarray) -> None:
        """Writes which tokens may come next.

        Args:
            mask: int32 `[ceil(vocabulary / 32)]`, to be overwritten: bit `i % 32` of word `i // 32`
                is set where id `i` may come next, the end of sequence among them.
        """
        ...

    def accept(self, token: int) -> None:
        """Takes the token that was chosen."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether nothing but the end of sequence may follow."""
        ...


class AnswerGrammar(Protocol):
    """The texts that may answer one prompt.

    One that keeps values to more than the schemas on offer say tells where: `narrowed`, a sequence
    of "function.parameter: keyword".
    """

    def constraint(self, vocabulary: Vocabulary, max_new_tokens: int) -> Constraint:
        """Begins an answer; one that is to be written several times has several.

        Args:
            vocabulary: That of the model.
            max_new_tokens: Tokens that the answer may take, the end of sequence included: every
                answer that the constraint admits ends within them.

        Raises:
            NoRoomError: No answer does.
        """
        ...
