"""`tokenizer.json` from the metadata of a GGUF file: byte-level BPE with its tokens and merges."""

from __future__ import annotations

import json
from typing import Any

from granite_fc.checkpoints.gguf.metadata import Metadata
from granite_fc.checkpoints.gguf.pre_tokenizers import PreTokenizer, byte_level
from granite_fc.checkpoints.gguf.tokens import CONTROL, NORMAL, UNUSED, SpecialTokens, Tokens


def tokenizer_json(
    metadata: Metadata, tokens: Tokens, special: SpecialTokens, pre_tokenizer: PreTokenizer
) -> bytes:
    """Returns the content of `tokenizer.json`.

    Args:
        metadata: A file's metadata.
        tokens: Its tokens.
        special: Those of them that are special. `transformers` keeps them whole whatever their
            types are.
        pre_tokenizer: How it cuts words.

    Raises:
        ConfigurationError: Names a merge that is none of two tokens into a third.
    """
    # The converter fills ids that the model has no token for with unused ones.
    vocabulary = {
        spelling: i for i, spelling in enumerate(tokens.spellings) if tokens.types[i] != UNUSED
    }
    named = set(special.ids.values())
    begin = special.spellings["bos"] if special.add_bos else None
    end = special.spellings["eos"] if special.add_eos else None
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
                "special": i in named or tokens.types[i] == CONTROL,
            }
            for token, i in vocabulary.items()
            if i in named or tokens.types[i] != NORMAL
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": list(pre_tokenizer.steps)},
        "post_processor": _post_processor(vocabulary, begin, end),
        "decoder": byte_level(True),
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
