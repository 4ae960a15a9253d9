"""A GGUF file as a published model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from granite_fc.checkpoints.gguf.file import open_gguf
from granite_fc.checkpoints.gguf.llama_config import llama_config
from granite_fc.checkpoints.gguf.llama_tensors import LlamaTensors
from granite_fc.checkpoints.gguf.metadata import Metadata
from granite_fc.checkpoints.gguf.pre_tokenizers import pre_tokenizer_of
from granite_fc.checkpoints.gguf.tokenizer import tokenizer_json
from granite_fc.checkpoints.gguf.tokenizer_config import tokenizer_config
from granite_fc.checkpoints.gguf.tokens import special_tokens, tokens_of
from granite_fc.checkpoints.hf.tensors import Published
from granite_fc.vocabularies.hugging_face import HuggingFaceVocabulary


def read_gguf(path: Path) -> Published:
    """Reads what a GGUF file says of its model, and where its weights lie.

    Args:
        path: A file of version 2 or 3, little endian, of the architecture `llama`, with a
            byte-level BPE tokenizer.

    Returns:
        The model, under its Hugging Face names: its weights, what was quantised as float32;
        `config.json`; `tokenizer.json`, `tokenizer_config.json` with the chat template, and
        `generation_config.json`.

    Raises:
        ConfigurationError: Names what is wrong with the file, or what in it is not known here.
    """
    file = open_gguf(path)
    metadata = Metadata(path, file.metadata)
    if metadata.text("general.architecture") != "llama":
        raise metadata.error("general.architecture", "'llama'")
    pre_tokenizer = pre_tokenizer_of(metadata)
    tokens = tokens_of(metadata)
    config = llama_config(file, metadata, len(tokens.types))
    special = special_tokens(metadata, tokens, pre_tokenizer)
    tokenizer = tokenizer_json(metadata, tokens, special, pre_tokenizer)
    # Refuses what would not give every text back.
    HuggingFaceVocabulary(tokenizer.decode(), special.spellings["eos"], str(path))
    ids = {f"{name}_token_id": special.ids.get(name) for name in ("bos", "eos", "pad")}
    generation: dict[str, Any] = {key: id_ for key, id_ in ids.items() if id_ is not None}
    if len(special.ends) > 1:
        generation["eos_token_id"] = special.ends
    files = {
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": _json(tokenizer_config(metadata, special)),
        "generation_config.json": _json(generation),
    }
    source = LlamaTensors(file, config["num_attention_heads"], config["num_key_value_heads"])
    return Published(str(path), source, config | ids, files)


def vocabulary_of_gguf(path: Path, eos_token: str | None = None) -> HuggingFaceVocabulary:
    """Returns the vocabulary of a GGUF file, with the ids that `read_gguf`'s files give.

    Args:
        path: See `read_gguf`.
        eos_token: The token that ends a sequence, instead of the one that the file names.

    Raises:
        ConfigurationError: See `read_gguf`; or there is no such token.
    """
    files = read_gguf(path).files
    named = json.loads(files["tokenizer_config.json"])["eos_token"]
    return HuggingFaceVocabulary(files["tokenizer.json"].decode(), eos_token or named, path.stem)


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
