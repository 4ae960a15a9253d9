"""SentencePiece vocabularies: ids and back, byte for byte."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

import sentencepiece

from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies import byte_text
from granite_fc.vocabularies.vocabulary import Vocabulary

_REMEDY = "Train one with `granite-fc vocabulary`."


class SentencePieceVocabulary(Vocabulary):
    """A SentencePiece model that keeps every character of its text.

    The library alone cannot tell U+2581 from a space and refuses lone surrogates; both are spelt
    with the model's byte pieces here, so that any Python string comes back as it was.
    """

    def __init__(self, model: bytes, name: str = "sentencepiece") -> None:
        """Loads a serialised model.

        Args:
            model: The content of a `.model` file.
            name: How messages and manifests call it.

        Raises:
            ConfigurationError: The bytes are no SentencePiece model, or one that loses characters,
                lets a piece span a newline or has no end-of-sequence id.
        """
        self._name = name
        self._model = model
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        except (RuntimeError, ValueError) as error:
            raise ConfigurationError(
                "load_vocabulary.path", found=name, expected="a SentencePiece model", remedy=_REMEDY
            ) from error
        processor = self._processor
        if processor.eos_id() < 0:
            raise _unfit(name, "no end-of-sequence id")
        byte_pieces = {
            processor.id_to_piece(i): i
            for i in range(processor.vocab_size())
            if processor.is_byte(i)
        }
        if len(byte_pieces) != 256:
            raise _unfit(name, "no byte fallback: characters that it has not seen are lost")
        self._byte_ids = [byte_pieces[f"<0x{byte:02X}>"] for byte in range(256)]
        self._bytes_of_id = [self._bytes_of(i) for i in range(processor.vocab_size())]
        self._check()

    def __reduce__(self) -> tuple[type[SentencePieceVocabulary], tuple[bytes, str]]:
        return type(self), (self._model, self.name)

    @classmethod
    def from_file(cls, path: Path) -> SentencePieceVocabulary:
        """Loads a `.model` file; its name without the ending becomes the vocabulary's name."""
        return cls(path.read_bytes(), path.stem)

    @property
    def model(self) -> bytes:
        """The serialised model, as `from_file` reads it."""
        return self._model

    @property
    def name(self) -> str:
        """How messages, manifests and reports call it."""
        return self._name

    @property
    def size(self) -> int:
        """Number of ids."""
        return self._processor.vocab_size()

    @property
    def eos_id(self) -> int:
        """The model's end-of-sequence id."""
        return self._processor.eos_id()

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the serialised model."""
        return hashlib.sha256(self._model).hexdigest()

    @property
    def pieces(self) -> Sequence[bytes]:
        """The bytes that each id adds to a text; that of the end of sequence is its name."""
        return self._bytes_of_id

    def encode(self, text: str) -> list[int]:
        """Returns the ids of `text`, no more and no less."""
        return byte_text.encode_around(
            text, byte_text.SURROGATES_AND_SPACE_SYMBOLS, self._processor.encode, self._byte_ids
        )

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text of `ids`, the end-of-sequence id spelt as its piece."""
        table = self._bytes_of_id
        return byte_text.text_of_bytes(b"".join([table[i] for i in ids]))

    def _bytes_of(self, i: int) -> bytes:
        piece = self._processor.id_to_piece(i)
        if self._processor.is_byte(i):
            return bytes([int(piece[3:5], 16)])
        return piece.replace(byte_text.SPACE_SYMBOL, " ").encode("utf-8")

    def _check(self) -> None:
        """Tries the two promises of `Vocabulary` on texts that common settings change."""
        for text, setting in (
            ("text", "add_dummy_prefix is on"),
            ("two  spaces ", "remove_extra_whitespaces is on"),
            ("ﬁ e\u0301 \u3000", "the text is normalised"),
            ("\r\n\t\0", "control characters are lost"),
        ):
            if self.decode(self.encode(text)) != text:
                raise _unfit(self.name, setting)
        pieces = (self._bytes_of_id[i] for i in range(self.size))
        if any(b"\n" in piece and piece != b"\n" for piece in pieces):
            raise _unfit(self.name, "a piece spans a newline")


def _unfit(name: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        "load_vocabulary.path",
        found=f"{name}: {reason}",
        expected="a SentencePiece model that keeps every character and ends pieces at newlines",
        remedy=_REMEDY,
    )
