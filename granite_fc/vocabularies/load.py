"""Vocabularies by path or by name, whatever their format."""

from __future__ import annotations

import difflib
from pathlib import Path

import gin

from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies.hugging_face import TOKENIZER_FILE, HuggingFaceVocabulary
from granite_fc.vocabularies.sentencepiece import SentencePieceVocabulary
from granite_fc.vocabularies.vocabulary import Vocabulary

_MODELS = Path(__file__).resolve().parent / "models"


@gin.configurable(module="granite_fc.vocabularies")
def load_vocabulary(path: str, eos_token: str | None = None) -> Vocabulary:
    """Loads a vocabulary; its format is told by its content.

    Args:
        path: A SentencePiece model, a Hugging Face `tokenizer.json`, a folder with one of them (as
            a downloaded checkpoint is), a GGUF file, or the name of a vocabulary that ships with
            the project.
        eos_token: The token that ends a sequence, where a Hugging Face tokenizer is used and the
            files beside it name none or another one, or where a GGUF file does.

    Raises:
        ConfigurationError: There is no such vocabulary, or it breaks a promise of `Vocabulary`.
    """
    file = _file_of(path)
    with file.open("rb") as opened:
        start = opened.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"{"):
        return HuggingFaceVocabulary.from_file(file, eos_token)
    if start.startswith(b"GGUF"):
        # Only here: what reads such a file needs vocabularies itself.
        from granite_fc.checkpoints.gguf.published import vocabulary_of_gguf

        return vocabulary_of_gguf(file, eos_token)
    if eos_token is not None:
        raise ConfigurationError(
            "load_vocabulary.eos_token",
            found=eos_token,
            expected="None: a SentencePiece model names its own",
        )
    return SentencePieceVocabulary.from_file(file)


def shipped_vocabularies() -> list[str]:
    """The names of the vocabularies that ship with the project."""
    return sorted(path.stem for path in _MODELS.glob("*.model"))


def _file_of(path: str) -> Path:
    candidate = Path(path).expanduser()
    if candidate.is_file():
        return candidate
    if candidate.is_dir():
        if (candidate / TOKENIZER_FILE).is_file():
            return candidate / TOKENIZER_FILE
        models = sorted(candidate.glob("*.model"))
        if len(models) == 1:
            return models[0]
        raise ConfigurationError(
            "load_vocabulary.path",
            found=path,
            expected=f"a folder with {TOKENIZER_FILE} or one SentencePiece model",
        )
    if path in (shipped := shipped_vocabularies()):
        return _MODELS / f"{path}.model"
    near = difflib.get_close_matches(path, shipped, n=3, cutoff=0.4)
    raise ConfigurationError(
        "load_vocabulary.path",
        found=path,
        expected=f"a file, a folder or one of {', '.join(shipped) or '(none ship)'}",
        remedy=f"Nearest: {', '.join(near)}." if near else "",
    )
