"""`tokenizer.json` from the metadata of a GGUF file: byte-level BPE with its tokens and merges."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from granite_fc.checkpoints.gguf.metadata import Metadata

_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED = 1, 3, 4, 5


class PreTokenizer(NamedTuple):
    """How text is cut into the words that merges stay within.

    Attributes:
        steps: Pre-tokenizers of `tokenizer.json`, in order.
        ignore_merges: Whether a word that is a token is that token, whatever the merges say.
        add_bos: Whether a text begins with the beginning-of-sequence token where a file does not
            say whether it does.
    """

    steps: tuple[dict[str, Any], ...]
    ignore_merges: bool = False
    add_bos: bool = False


def _byte_level(cut: bool) -> dict[str, Any]:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": cut}


_GPT_2 = PreTokenizer((_byte_level(True),))
_SINGLE_DIGITS = PreTokenizer(
    ({"type": "Digits", "individual_digits": True}, _byte_level(True)),
)
_LLAMA_3 = PreTokenizer(
    (
        {
            "type": "Split",
            "pattern": {
                "Regex": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
                r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
            },
            "behavior": "Isolated",
            "invert": False,
        },
        _byte_level(False),
    ),
    ignore_merges=True,
    add_bos=True,
)

# The names that llama.cpp's converter gives (src/llama-vocab.cpp lists what each stands for), where
# the tokenizers that they were given to are known: GPT-2's own; StarCoder's, which Granite code
# ("refact") and SmolLM share, with every digit a word; and that of Llama 3.
PRE_TOKENIZERS = {
    "gpt-2": _GPT_2,
    "starcoder": _SINGLE_DIGITS,
    "refact": _SINGLE_DIGITS,
    "smollm": _SINGLE_DIGITS,
    "llama-bpe": _LLAMA_3,
    "llama-v3": _LLAMA_3,
    "llama3": _LLAMA_3,
}


def pre_tokenizer_of(metadata: Metadata) -> PreTokenizer:
    """Returns the pre-tokenizer that a file names.

    Raises:
        ConfigurationError: It names another kind of tokenizer, or none that is known.
    """
    if metadata.text("tokenizer.ggml.model") != "gpt2":
        raise metadata.error("tokenizer.ggml.model", "'gpt2', byte-level BPE")
    name = metadata.text("tokenizer.ggml.pre")
    if name not in PRE_TOKENIZERS:
        raise metadata.error(
            "tokenizer.ggml.pre",
            "one of " + ", ".join(map(repr, PRE_TOKENIZERS)),
            "Where another one cuts its words is not known, and so neither are its tokens.",
        )
    return PRE_TOKENIZERS[name]


def tokens_of(metadata: Metadata) -> list[str]:
    """Returns the spelling of every id.

    Raises:
        ConfigurationError: Two ids have the same one, or there are none.
    """
    tokens = metadata.texts("tokenizer.ggml.tokens")
    if not tokens or len(set(tokens)) < len(tokens):
        raise metadata.error("tokenizer.ggml.tokens", "tokens that differ from each other")
    return tokens


def tokenizer_json(metadata: Metadata, begin: str | None, end: str | None) -> bytes:
    """Returns the content of `tokenizer.json`.

    Args:
        metadata: A file's metadata.
        begin: The token that is put before every text where special tokens are asked for.
        end: The token that is put after it.

    Raises:
        ConfigurationError: Names what is no byte-level BPE.
    """
    pre_tokenizer = pre_tokenizer_of(metadata)
    tokens = tokens_of(metadata)
    types = metadata.integers("tokenizer.ggml.token_type")
    if len(types) != len(tokens):
        raise metadata.error("tokenizer.ggml.token_type", f"one for each of {len(tokens):,} tokens")
    known = {_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED}
    if strange := [i for i, kind in enumerate(types) if kind not in known]:
        raise metadata.error(
            "tokenizer.ggml.token_type",
            "normal, control, user-defined and unused tokens",
            found=f"the token {tokens[strange[0]]!r} of type {types[strange[0]]}",
        )
    # The converter fills ids that the model has no token for with unused ones.
    vocabulary = {token: i for i, token in enumerate(tokens) if types[i] != _UNUSED}
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": i,
                "content": token,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": types[i] == _CONTROL,
            }
            for token, i in vocabulary.items()
            if types[i] != _NORMAL
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": list(pre_tokenizer.steps)},
        "post_processor": _post_processor(vocabulary, begin, end),
        "decoder": _byte_level(True),
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": pre_tokenizer.ignore_merges,
            "vocab": vocabulary,
            "merges": _merges(metadata, vocabulary),
        },
    }
    return json.dumps(content, ensure_ascii=False).encode()


def _merges(metadata: Metadata, vocabulary: dict[str, int]) -> list[list[str]]:
    merges = []
    seen = set()
    for number, merge in enumerate(metadata.texts("tokenizer.ggml.merges")):
        first, _, second = merge.partition(" ")
        if merge in seen or not {first, second, first + second} <= vocabulary.keys():
            raise metadata.error(
                "tokenizer.ggml.merges",
                "each once, and of two tokens into a third",
                found=f"number {number:,}, {merge!r}",
            )
        seen.add(merge)
        merges.append([first, second])
    return merges


def _post_processor(
    vocabulary: dict[str, int], begin: str | None, end: str | None
) -> dict[str, Any] | None:
    if begin is None and end is None:
        return None

    def around(sequence: str, number: int) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = [{"Sequence": {"id": sequence, "type_id": number}}]
        if begin is not None:
            parts.insert(0, {"SpecialToken": {"id": begin, "type_id": number}})
        if end is not None:
            parts.append({"SpecialToken": {"id": end, "type_id": number}})
        return parts

    return {
        "type": "TemplateProcessing",
        "single": around("A", 0),
        "pair": around("A", 0) + around("B", 1),
        "special_tokens": {
            token: {"id": token, "ids": [vocabulary[token]], "tokens": [token]}
            for token in (begin, end)
            if token is not None
        },
    }
