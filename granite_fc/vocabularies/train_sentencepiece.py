"""Training of SentencePiece vocabularies."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

import sentencepiece

from granite_fc.calls.syntax import MARKERS
from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies.sentencepiece import SentencePieceVocabulary

EOS_PIECE = "<|endoftext|>"
NEWLINE = "\n"
# The library drops longer lines from the training text without a word.
_LONGEST_LINE_IN_BYTES = 1 << 22


def train_sentencepiece(
    texts: Iterable[str],
    size: int,
    *,
    markers: Iterable[str] = MARKERS,
    character_coverage: float = 0.9995,
    name: str = "sentencepiece",
) -> SentencePieceVocabulary:
    """Trains a byte-pair SentencePiece model that keeps every character of its text.

    The same texts in the same order give the same bytes. Id 0 is the library's obligatory unknown
    piece, which byte fallback leaves without use; id 1 ends a sequence.

    Args:
        texts: The training text; all of it is held in memory by the library.
        size: Number of ids, at least 258 plus the markers and the characters of the texts.
        markers: Strings that always are one piece each, beside the newline.
        character_coverage: The part of all characters that get a piece of their own; the rest is
            spelt in bytes.
        name: The name of the vocabulary.

    Raises:
        ConfigurationError: The texts are empty, or `size` is too small or too large for them.
    """
    buffer = io.BytesIO()
    lines = _Lines(texts)
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=buffer,
            model_type="bpe",
            vocab_size=size,
            character_coverage=character_coverage,
            byte_fallback=True,
            split_digits=True,
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            allow_whitespace_only_pieces=True,
            normalization_rule_name="identity",
            user_defined_symbols=[NEWLINE, *markers],
            unk_id=0,
            eos_id=1,
            bos_id=-1,
            pad_id=-1,
            eos_piece=EOS_PIECE,
            max_sentence_length=_LONGEST_LINE_IN_BYTES,
            num_threads=1,
            minloglevel=2,
        )
    except (RuntimeError, ValueError, OSError) as error:
        reason = str(error).strip().rpartition("]")[2].strip() if lines.count else "no text"
        raise ConfigurationError(
            "--size",
            found=size,
            expected="a number of pieces that the training text allows",
            remedy=f"SentencePiece says: {reason or type(error).__name__}",
        ) from error
    return SentencePieceVocabulary(buffer.getvalue(), name)


class _Lines:
    """The lines of texts, without those that hold nothing."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = texts
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        for text in self._texts:
            for line in text.split("\n"):
                if line:
                    self.count += 1
                    # Lone surrogates have no UTF-8; the model spells them in bytes.
                    yield line.encode("utf-8", "replace").decode("utf-8")
