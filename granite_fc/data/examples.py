"""What a task's examples look like once they are tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np


class TokenizedExample(NamedTuple):
    """One example.

    Attributes:
        tokens: int32 [n], the inputs, the targets and the end of sequence, in that order.
        num_inputs: How many of them are inputs: `tokens[num_inputs:]` carry loss.
    """

    tokens: np.ndarray
    num_inputs: int


class TokenizedExamples(Protocol):
    """The examples of one split of one task, in random access.

    Batches are planned from `lengths` alone; `fetch` is called from several threads at once.
    """

    @property
    def name(self) -> str:
        """The task's name."""
        ...

    @property
    def subtask(self) -> str:
        """The skill that the task trains."""
        ...

    @property
    def lengths(self) -> np.ndarray:
        """uint32 [num_examples], the number of tokens of every example."""
        ...

    def fetch(self, indices: Sequence[int]) -> list[TokenizedExample]:
        """Returns the examples at these indices, in the order asked for."""
        ...
