"""How one array of ours stands in Hugging Face's tensors.

A form sees the array of one layer. What it calls theirs may be the tensor, or one part of a tensor
that several arrays share, one after the other along its first axis. It never copies: through its
view of a tensor an array is read, and written.
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

    def view(self, theirs: np.ndarray, ours: Shape) -> np.ndarray:
        """Returns what is stored as our array, all but rows of padding, on the same memory."""
        ...


@dataclasses.dataclass(frozen=True)
class Same:
    """Norms and tables of positions: one as the other."""

    def their_shape(self, ours: Shape, vocab_size: int) -> Shape:
        """The same."""
        return ours

    def view(self, theirs: np.ndarray, ours: Shape) -> np.ndarray:
        """The same."""
        return theirs


@dataclasses.dataclass(frozen=True)
class Bias:
    """Biases: ours is `[*outputs]`, theirs `[outputs]`."""

    def their_shape(self, ours: Shape, vocab_size: int) -> Shape:
        """One axis."""
        return (math.prod(ours),)

    def view(self, theirs: np.ndarray, ours: Shape) -> np.ndarray:
        """Parts the axis."""
        return theirs.reshape(ours)


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

    def view(self, theirs: np.ndarray, ours: Shape) -> np.ndarray:
        """Turns the matrix and parts its axes."""
        return theirs.T.reshape(ours)


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Tables by token id: ours has rows after those of the vocabulary, theirs has not.

    They make the table split over devices (`DecoderConfig.vocab_multiple`); no id leads to them and
    none of them is predicted.
    """

    def their_shape(self, ours: Shape, vocab_size: int) -> Shape:
        """As many rows as ids."""
        return (vocab_size, *ours[1:])

    def view(self, theirs: np.ndarray, ours: Shape) -> np.ndarray:
        """The rows that stand for ids."""
        return theirs
