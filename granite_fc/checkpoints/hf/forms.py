"""How one array of ours stands in Hugging Face's tensors, both ways.

A form sees the array of one layer. What it calls theirs may be the tensor, or one part of a tensor
that several arrays share, one after the other along its first axis.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Protocol

import numpy as np

Shape = tuple[int, ...]


class Form(Protocol):
    """A way in which an array is stored."""

    def their_shape(self, ours: Shape, vocab_size: int) -> Shape:
        """Returns the shape of what is stored of an array of a shape."""
        ...

    def to_ours(self, theirs: np.ndarray, ours: Shape) -> np.ndarray:
        """Returns our array of that shape; a view where that is possible."""
        ...

    def to_theirs(self, ours: np.ndarray, vocab_size: int) -> np.ndarray:
        """Returns what is stored of an array."""
        ...


@dataclasses.dataclass(frozen=True)
class Same:
    """Norms and tables of positions: one as the other."""

    def their_shape(self, ours: Shape, vocab_size: int) -> Shape:
        """The same."""
        return ours

    def to_ours(self, theirs: np.ndarray, ours: Shape) -> np.ndarray:
        """Returns it."""
        return theirs

    def to_theirs(self, ours: np.ndarray, vocab_size: int) -> np.ndarray:
        """Returns it."""
        return ours


@dataclasses.dataclass(frozen=True)
class Bias:
    """Biases: ours is `[*outputs]`, theirs `[outputs]`."""

    def their_shape(self, ours: Shape, vocab_size: int) -> Shape:
        """One axis."""
        return (math.prod(ours),)

    def to_ours(self, theirs: np.ndarray, ours: Shape) -> np.ndarray:
        """Parts the axis."""
        return theirs.reshape(ours)

    def to_theirs(self, ours: np.ndarray, vocab_size: int) -> np.ndarray:
        """Joins the axes."""
        return ours.reshape(-1)


@dataclasses.dataclass(frozen=True)
class Linear:
    """Kernels: ours is `[*inputs, *outputs]`, theirs `[outputs, inputs]`, as PyTorch has it.

    Attributes:
        num_inputs: Input axes of ours.
    """

    num_inputs: int = 1

    def their_shape(self, ours: Shape, vocab_size: int) -> Shape:
        """Outputs first."""
        return math.prod(ours[self.num_inputs :]), math.prod(ours[: self.num_inputs])

    def to_ours(self, theirs: np.ndarray, ours: Shape) -> np.ndarray:
        """Turns and parts."""
        return theirs.T.reshape(ours)

    def to_theirs(self, ours: np.ndarray, vocab_size: int) -> np.ndarray:
        """Joins and turns."""
        return ours.reshape(self.their_shape(ours.shape, vocab_size)[::-1]).T


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Tables by token id: ours has rows of zeros after those of the vocabulary.

    They make the table split over devices (`DecoderConfig.vocab_multiple`); no id leads to them and
    none of them is predicted.
    """

    def their_shape(self, ours: Shape, vocab_size: int) -> Shape:
        """As many rows as ids."""
        return (vocab_size, *ours[1:])

    def to_ours(self, theirs: np.ndarray, ours: Shape) -> np.ndarray:
        """Adds rows of zeros."""
        missing = ours[0] - theirs.shape[0]
        return np.pad(theirs, [(0, missing), (0, 0)]) if missing else theirs

    def to_theirs(self, ours: np.ndarray, vocab_size: int) -> np.ndarray:
        """Leaves the rows away that stand for no id."""
        return ours[:vocab_size]
