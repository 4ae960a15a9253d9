"""The tokenizer beside a model, held against a vocabulary."""

from __future__ import annotations

import tempfile
from pathlib import Path

from granite_fc.checkpoints.hf.tensors import Published
from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies.hugging_face import TOKENIZER_FILE
from granite_fc.vocabularies.load import load_vocabulary
from granite_fc.vocabularies.vocabulary import Vocabulary


def tokenizer_of(published: Published) -> Vocabulary | None:
    """Returns the vocabulary of a published model, None where no tokenizer is beside it.

    Raises:
        ConfigurationError: It breaks a promise of `Vocabulary`.
    """
    if TOKENIZER_FILE not in published.files:
        return None
    if not published.files[TOKENIZER_FILE].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        raise ConfigurationError(
            f"{published.name}/{TOKENIZER_FILE}",
            found="no JSON object",
            expected="a byte-level BPE tokenizer",
        )
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory) / (Path(published.name).stem or "model")
        folder.mkdir()
        for name, content in published.files.items():
            (folder / name).write_bytes(content)
        try:
            return load_vocabulary(str(folder))
        except ConfigurationError as error:
            raise ConfigurationError(
                error.key.replace(str(folder), published.name),
                found=str(error.found).replace(str(folder), published.name),
                expected=error.expected,
                remedy=error.remedy,
            ) from error


def check_same_tokens(theirs: Vocabulary, where: str, vocabulary: Vocabulary, *, key: str) -> None:
    """Checks that ids mean the same in a vocabulary as in that of a model.

    Ids that one of the two has beyond the other are not compared.

    Args:
        theirs: The model's.
        where: Where the model is, for messages.
        vocabulary: The one that is to be used.
        key: What the user calls it.

    Raises:
        ConfigurationError: An id has other bytes; names the first.
    """
    if theirs.digest == vocabulary.digest:
        return
    for number, (one, other) in enumerate(zip(vocabulary.pieces, theirs.pieces, strict=False)):
        if one != other:
            raise ConfigurationError(
                key,
                found=f"{vocabulary.name}, whose id {number} is {one!r}",
                expected=f"the tokenizer of {where}, whose id {number} is {other!r}",
                remedy=f"Set it to {where}.",
            )
