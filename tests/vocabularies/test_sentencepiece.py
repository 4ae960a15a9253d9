"""SentencePiece models: how they split, how they are trained, which are refused."""

from __future__ import annotations

import io

import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.calls.syntax import MARKERS
from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies.sentencepiece import SentencePieceVocabulary
from granite_fc.vocabularies.train_sentencepiece import train_sentencepiece
from tests.vocabularies.conftest import PROMPT, TEXTS


def test_markers_and_newlines_are_one_piece_each(
    sentencepiece_vocabulary: SentencePieceVocabulary,
) -> None:
    for marker in ("\n", *MARKERS):
        assert len(sentencepiece_vocabulary.encode(marker)) == 1, marker
    assert len(sentencepiece_vocabulary.encode("\n\n\n")) == 3


def test_digits_stand_alone(sentencepiece_vocabulary: SentencePieceVocabulary) -> None:
    vocabulary = sentencepiece_vocabulary
    assert len(vocabulary.encode("2019")) == 4
    pieces = [vocabulary.decode([i]) for i in range(vocabulary.size)]
    assert not [piece for piece in pieces if len(piece) > 1 and any(c.isdigit() for c in piece)]


@given(text=st.text(st.characters(blacklist_characters="▁", codec="utf-8")))
def test_ids_are_those_of_the_library(
    sentencepiece_vocabulary: SentencePieceVocabulary, text: str
) -> None:
    library = sentencepiece.SentencePieceProcessor(model_proto=sentencepiece_vocabulary.model)
    assert sentencepiece_vocabulary.encode(text) == library.encode(text)
    assert sentencepiece_vocabulary.decode(library.encode(text)) == library.decode(
        library.encode(text)
    )


def test_the_unknown_id_is_never_used(sentencepiece_vocabulary: SentencePieceVocabulary) -> None:
    everything = "".join(chr(c) for c in range(0x3000) if not 0xD800 <= c < 0xE000)
    assert 0 not in sentencepiece_vocabulary.encode(everything)


def test_training_twice_gives_the_same_bytes(
    sentencepiece_vocabulary: SentencePieceVocabulary,
) -> None:
    assert train_sentencepiece(iter(TEXTS), 480).digest == sentencepiece_vocabulary.digest


def test_training_takes_long_lines_and_lone_surrogates() -> None:
    long_line = "once " * 2_000 + "\ud800"
    vocabulary = train_sentencepiece([long_line], 275)
    assert len(vocabulary.encode("once once once")) <= 3


@pytest.mark.parametrize("size", [100, 100_000])
def test_an_impossible_size_is_a_configuration_error(size: int) -> None:
    with pytest.raises(ConfigurationError, match="--size: found"):
        train_sentencepiece([PROMPT], size)


def test_no_text_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="no text"):
        train_sentencepiece([], 300)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"byte_fallback": False}, "byte fallback"),
        ({"add_dummy_prefix": True}, "add_dummy_prefix"),
        ({"remove_extra_whitespaces": True}, "remove_extra_whitespaces"),
        ({"normalization_rule_name": "nfkc"}, "normalised"),
        ({"eos_id": -1}, "end-of-sequence"),
        ({"user_defined_symbols": ["a\nb"]}, "spans a newline"),
    ],
)
def test_models_that_would_break_a_promise_are_refused(changed: dict, reason: str) -> None:
    settings = {
        "byte_fallback": True,
        "add_dummy_prefix": False,
        "remove_extra_whitespaces": False,
        "normalization_rule_name": "identity",
        "allow_whitespace_only_pieces": True,
    }
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(line for text in TEXTS for line in text.split("\n")),
        model_writer=buffer,
        model_type="bpe",
        vocab_size=400,
        minloglevel=2,
        **(settings | changed),
    )
    with pytest.raises(ConfigurationError, match=reason):
        SentencePieceVocabulary(buffer.getvalue(), "theirs")
