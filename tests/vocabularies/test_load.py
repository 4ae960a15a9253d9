"""Vocabularies found by path, by content and by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies import load_vocabulary, shipped_vocabularies
from granite_fc.vocabularies.hugging_face import HuggingFaceVocabulary
from granite_fc.vocabularies.sentencepiece import SentencePieceVocabulary
from tests.vocabularies.conftest import PROMPT


def test_the_content_tells_the_format(
    tokenizer_folder: Path, sentencepiece_vocabulary: SentencePieceVocabulary, tmp_path: Path
) -> None:
    misleading = tmp_path / "tokenizer.json"
    misleading.write_bytes(sentencepiece_vocabulary.model)
    assert load_vocabulary(str(misleading)).digest == sentencepiece_vocabulary.digest
    (tmp_path / "one.model").write_text((tokenizer_folder / "tokenizer.json").read_text())
    loaded = load_vocabulary(str(tmp_path / "one.model"), eos_token="<|endoftext|>")
    assert isinstance(loaded, HuggingFaceVocabulary)


def test_a_folder_is_enough(
    tokenizer_folder: Path, sentencepiece_vocabulary: SentencePieceVocabulary, tmp_path: Path
) -> None:
    vocabulary = load_vocabulary(str(tokenizer_folder))
    assert isinstance(vocabulary, HuggingFaceVocabulary)
    assert vocabulary.name == "tiny-code"
    (tmp_path / "mine.model").write_bytes(sentencepiece_vocabulary.model)
    assert load_vocabulary(str(tmp_path)).digest == sentencepiece_vocabulary.digest
    (tmp_path / "other.model").write_bytes(sentencepiece_vocabulary.model)
    with pytest.raises(ConfigurationError, match="one SentencePiece model"):
        load_vocabulary(str(tmp_path))


def test_what_ships_loads_by_name() -> None:
    for name in shipped_vocabularies():
        vocabulary = load_vocabulary(name)
        assert vocabulary.decode(vocabulary.encode(PROMPT)) == PROMPT


def test_unknown_and_unreadable_ones_are_configuration_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no_such_vocabulary"):
        load_vocabulary("no_such_vocabulary")
    for content in (b"nonsense", b"", b"{", b"{}", b'{"model": {"type": "WordPiece"}}'):
        path = tmp_path / "file"
        path.write_bytes(content)
        with pytest.raises(ConfigurationError):
            load_vocabulary(str(path))
