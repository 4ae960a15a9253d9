"""Hugging Face `tokenizer.json` files with byte-level BPE: StarCoder, Granite, Llama 3, SmolLM."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers

from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies import byte_text
from granite_fc.vocabularies.vocabulary import Vocabulary

TOKENIZER_FILE = "tokenizer.json"
_FILES_THAT_NAME_EOS = ("tokenizer_config.json", "special_tokens_map.json")

# Control characters but tabs and line ends, the lead bytes of the planes 4 to 11, where Unicode has
# no characters, and bytes that are not in UTF-8. SmolLM's tokenizer lacks tokens of such bytes.
_DISPENSABLE_BYTES = frozenset(
    {*range(0x20), 0x7F, 0xC0, 0xC1, 0xF1, 0xF2, *range(0xF5, 0x100)} - set(b"\t\n\r")
)


class HuggingFaceVocabulary(Vocabulary):
    """A byte-level BPE tokenizer with the ids that `transformers` gives, special tokens included.

    Id 0 is an id like any other, also where it is the beginning, the end and padding at once.

    A tokenizer may lack tokens of bytes that hardly any text has, and leaves those out, as in
    `transformers`: of such a text control characters are lost, and characters of planes where
    Unicode has none come back as U+FFFD. Every other text comes back as it was.
    """

    def __init__(self, tokenizer_json: str, eos_token: str, name: str = "tokenizer") -> None:
        """Loads a tokenizer.

        Args:
            tokenizer_json: The content of a `tokenizer.json` file.
            eos_token: The token that ends a sequence.
            name: How messages and manifests call it.

        Raises:
            ConfigurationError: The tokenizer is none that gives every text back, or does not know
                the end-of-sequence token.
        """
        self._name = name
        self._json = tokenizer_json
        self._eos_token = eos_token
        try:
            self._tokenizer = tokenizers.Tokenizer.from_str(tokenizer_json)
        except Exception as error:  # the library raises no narrower class
            raise _unfit(name, str(error)) from error
        if problem := _problem_of(json.loads(tokenizer_json)):
            raise _unfit(name, problem)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        eos_id = self._tokenizer.token_to_id(eos_token)
        if eos_id is None:
            raise ConfigurationError(
                "load_vocabulary.eos_token",
                found=eos_token,
                expected=f"a token of {name}",
                remedy=f"Its special tokens: {', '.join(self._special_tokens())}.",
            )
        self._eos_id: int = eos_id
        self._bytes_of_id = self._byte_table()
        self._byte_ids = {data[0]: i for i, data in enumerate(self._bytes_of_id) if len(data) == 1}
        if missing := set(range(256)) - _DISPENSABLE_BYTES - self._byte_ids.keys():
            raise _unfit(name, f"no token for {len(missing)} of the bytes that texts have")

    def __reduce__(self) -> tuple[type[HuggingFaceVocabulary], tuple[str, str, str]]:
        return type(self), (self._json, self._eos_token, self.name)

    @classmethod
    def from_file(cls, path: Path, eos_token: str | None = None) -> HuggingFaceVocabulary:
        """Loads a `tokenizer.json`; the end-of-sequence token is named by the files beside it.

        Args:
            path: The file; the folder's name becomes the vocabulary's name.
            eos_token: The end-of-sequence token, instead of the one that the files name.
        """
        name = path.resolve().parent.name if path.name == TOKENIZER_FILE else path.stem
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise _unfit(str(path), str(error)) from error
        return cls(text, eos_token or _eos_token_of(path, text), name)

    @property
    def name(self) -> str:
        """How messages, manifests and reports call it."""
        return self._name

    @property
    def size(self) -> int:
        """One more than the largest id, added tokens included."""
        return len(self._bytes_of_id)

    @property
    def eos_id(self) -> int:
        """The id of the end-of-sequence token."""
        return self._eos_id

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of `tokenizer.json` and the end-of-sequence id."""
        return hashlib.sha256(f"{self._json}\0{self._eos_id}".encode()).hexdigest()

    @property
    def pieces(self) -> Sequence[bytes]:
        """The bytes that each id adds to a text; none where an id is not in use."""
        return self._bytes_of_id

    def encode(self, text: str) -> list[int]:
        """Returns the ids of `text`; a special token spelt out in it becomes that token."""
        return byte_text.encode_around(text, byte_text.SURROGATES, self._encode, self._byte_ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text of `ids`, special tokens spelt out."""
        table = self._bytes_of_id
        return byte_text.text_of_bytes(b"".join([table[i] for i in ids]))

    def _encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def _byte_table(self) -> list[bytes]:
        vocabulary = self._tokenizer.get_vocab(with_added_tokens=True)
        added = self._tokenizer.get_added_tokens_decoder()
        byte_of_character = {character: byte for byte, character in _byte_level_alphabet()}
        table = [b""] * (max(vocabulary.values()) + 1)
        for token, i in vocabulary.items():
            if i in added:
                table[i] = added[i].content.encode("utf-8")
            elif byte_of_character.keys() >= set(token):
                table[i] = bytes(byte_of_character[character] for character in token)
            else:
                raise _unfit(self._name, f"the token {token!r}, which is not spelt in bytes")
        return table

    def _special_tokens(self) -> list[str]:
        added = self._tokenizer.get_added_tokens_decoder()
        return [token.content for _, token in sorted(added.items()) if token.special]


def _byte_level_alphabet() -> Iterator[tuple[int, str]]:
    """Yields each byte and the character that stands for it in byte-level BPE (GPT-2's table).

    Bytes that are printable in Latin-1 stand for themselves, the others for U+0100 and onwards.
    """
    stand_in = 0x100
    for byte in range(256):
        if 0x21 <= byte <= 0x7E or 0xA1 <= byte <= 0xAC or 0xAE <= byte <= 0xFF:
            yield byte, chr(byte)
        else:
            yield byte, chr(stand_in)
            stand_in += 1


def _problem_of(tokenizer: Mapping[str, Any]) -> str:
    """Says why a tokenizer would not give every text back; empty where it does."""
    if tokenizer["model"].get("type") != "BPE":
        return f"a {tokenizer['model'].get('type')} model"
    steps = list(_steps(tokenizer.get("pre_tokenizer")))
    byte_level = [step for step in steps if step["type"] == "ByteLevel"]
    if not byte_level:
        return "no byte-level pre-tokenizer"
    if any(step.get("add_prefix_space") for step in byte_level):
        return "add_prefix_space is on"
    if tokenizer.get("normalizer") is not None:
        return f"the normalizer {tokenizer['normalizer'].get('type')} changes the text"
    for step in steps:
        if step["type"] == "Split" and step.get("behavior") == "Removed" and not step.get("invert"):
            return "the pre-tokenizer removes text"
    for token in tokenizer.get("added_tokens", ()):
        if token.get("lstrip") or token.get("rstrip"):
            return f"the token {token['content']} takes the spaces beside it"
    return ""


def _steps(pre_tokenizer: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    if pre_tokenizer is None:
        return
    if pre_tokenizer["type"] == "Sequence":
        for step in pre_tokenizer["pretokenizers"]:
            yield from _steps(step)
    else:
        yield pre_tokenizer


def _eos_token_of(path: Path, tokenizer_json: str) -> str:
    for name in _FILES_THAT_NAME_EOS:
        beside = path.parent / name
        if beside.is_file():
            token = _object(beside).get("eos_token")
            token = token.get("content") if isinstance(token, dict) else token
            if isinstance(token, str):
                return token
    try:
        added = json.loads(tokenizer_json).get("added_tokens", ())
    except ValueError as error:
        raise _unfit(str(path), str(error)) from error
    special = [token["content"] for token in added if token.get("special")]
    if len(special) == 1:
        return special[0]
    raise ConfigurationError(
        "load_vocabulary.eos_token",
        found=f"no end-of-sequence token named beside {path}",
        expected=f"one of {', '.join(special) or 'its tokens'}",
        remedy=f"Put the model's {_FILES_THAT_NAME_EOS[0]} beside it; a run may name the token in "
        "gin instead.",
    )


def _object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        raise ConfigurationError(str(path), found=str(error), expected="a JSON object") from error
    if not isinstance(value, dict):
        found = f"a JSON {type(value).__name__}"
        raise ConfigurationError(str(path), found=found, expected="a JSON object")
    return value


def _unfit(name: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        "load_vocabulary.path",
        found=f"{name}: {reason}",
        expected="a byte-level BPE tokenizer that gives every text back",
    )
