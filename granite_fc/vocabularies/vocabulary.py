"""What every vocabulary offers: text to token ids and back, exactly."""

from __future__ import annotations

import abc
from collections.abc import Sequence


class Vocabulary(abc.ABC):
    """Text to token ids and back.

    Two promises hold for every implementation, and the rest of the project leans on them:

    * ``decode(encode(text)) == text`` for every text. Where a tokenizer that others made has no
      tokens for some control characters, this holds for texts without them.
    * ``encode(a) + encode(b) == encode(a + b)`` wherever ``a`` ends with a newline after what is no
      white space and ``b`` does not begin with white space, so that a prompt tokenised alone, as at
      inference, is a prefix of the prompt tokenised with its answer, as in training. After an empty
      line it does not hold: byte-level BPE joins newlines that end a text.

    No id stands for padding: lengths are carried beside the ids.
    """

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """How messages, manifests and reports call it; two of one content may differ in it."""

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """Number of ids; every id lies in ``range(size)``."""

    @property
    @abc.abstractmethod
    def eos_id(self) -> int:
        """The id that ends an answer."""

    @property
    @abc.abstractmethod
    def digest(self) -> str:
        """Hexadecimal SHA-256 of the model's content: equal digests give equal ids."""

    @abc.abstractmethod
    def encode(self, text: str) -> list[int]:
        """Returns the ids of `text`, with no beginning- or end-of-sequence id added."""

    @abc.abstractmethod
    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text of all `ids`; the end-of-sequence id is spelt out and stops nothing."""

    @property
    def pieces(self) -> Sequence[bytes]:
        """The bytes that each id adds to a text; of whole characters, where nothing else is said.

        A text in which pieces follow each other is the one that `decode` gives.
        """
        return [self.decode([i]).encode() for i in range(self.size)]
