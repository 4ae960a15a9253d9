"""A Hugging Face directory: `config.json`, safetensors, and what stands beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from granite_fc.checkpoints.hf.chat_template import CHAT_TEMPLATE
from granite_fc.checkpoints.hf.json_object import parse_object
from granite_fc.checkpoints.hf.named import summary
from granite_fc.checkpoints.hf.safetensors_header import Stored, read_header
from granite_fc.checkpoints.hf.tensors import Published, TensorInfo
from granite_fc.errors import ConfigurationError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
GENERATION = "generation_config.json"
SPECIAL_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")
# What a model's directory may hold besides, as far as it is handed on.
FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    GENERATION,
    CHAT_TEMPLATE,
)
_NUMPY = {"bfloat16": np.dtype(ml_dtypes.bfloat16)}


class SafetensorsSource:
    """The tensors of one or several safetensors files; see `TensorSource`."""

    def __init__(self, tensors: Mapping[str, Stored]) -> None:
        self._tensors = tensors

    def infos(self) -> Mapping[str, TensorInfo]:
        """Returns what there is."""
        return {name: stored.info for name, stored in self._tensors.items()}

    def read(self, name: str) -> np.ndarray:
        """Returns one tensor, read into memory of its own."""
        info, path, begin = self._tensors[name]
        dtype = _NUMPY.get(info.dtype) or np.dtype(info.dtype)
        count = int(np.prod(info.shape, dtype=np.int64))
        return np.fromfile(path, dtype, count, offset=begin).reshape(info.shape)


def is_published(path: Path) -> bool:
    """Whether a path is a directory with a model as Hugging Face publishes it."""
    return (path / CONFIG).is_file() and (
        (path / WEIGHTS).is_file()
        or (path / INDEX).is_file()
        or any(path.glob("*.safetensors"))
        or any(path.glob("pytorch_model*.bin"))
    )


def open_directory(path: Path) -> Published:
    """Opens a directory; reads no weight.

    Raises:
        ConfigurationError: A file is missing or malformed, or the index and the files differ; names
            each weight that is concerned.
    """
    config = _object(path / CONFIG)
    tensors = _tensors(path)
    return Published(str(path), SafetensorsSource(tensors), config, files_in(path))


def files_in(path: Path) -> dict[str, bytes]:
    """Returns what stands beside the weights in a directory, by file name.

    The ids of special tokens, which some models have in `config.json` alone, make a
    `generation_config.json`, as in transformers.

    Args:
        path: A model's directory, or a tokenizer's.

    Raises:
        ConfigurationError: A file that is JSON is malformed.
    """
    files = {name: (path / name).read_bytes() for name in FILES if (path / name).is_file()}
    if GENERATION in files:
        _object(path / GENERATION)
    elif (path / CONFIG).is_file():
        config = _object(path / CONFIG)
        ids = {name: config[name] for name in SPECIAL_IDS if config.get(name) is not None}
        if ids:
            files[GENERATION] = (json.dumps(ids, indent=2) + "\n").encode()
    return files


def _tensors(path: Path) -> dict[str, Stored]:
    # In the order in which transformers looks.
    if (path / WEIGHTS).is_file():
        return read_header(path / WEIGHTS)
    if (path / INDEX).is_file():
        return _sharded(path)
    raise ConfigurationError(
        str(path),
        found=", ".join(sorted(p.name for p in path.iterdir())),
        expected=f"{WEIGHTS} or {INDEX}",
        remedy="Weights that are pickled are not read: save them with save_pretrained, "
        "safe_serialization=True.",
    )


def _sharded(path: Path) -> dict[str, Stored]:
    index = _object(path / INDEX)
    names = index.get("weight_map")
    if not isinstance(names, dict) or not all(_is_file_name(file) for file in names.values()):
        raise ConfigurationError(
            str(path / INDEX), found="no usable weight_map", expected="weight to file name"
        )
    files = sorted(set(names.values()))
    headers = {file: read_header(path / file) for file in files if (path / file).is_file()}
    problems = {}
    for name, file in names.items():
        if file not in headers:
            problems[name] = f"is in {file}, which is missing"
        elif name not in headers[file]:
            problems[name] = f"is not in {file}"
    for file, header in headers.items():
        for name in header.keys() - names.keys():
            problems[name] = f"is in {file}, but not in the index"
    if problems:
        raise ConfigurationError(
            str(path),
            found=summary(problems),
            expected=f"every weight where {INDEX} says it is",
            remedy="Download what is missing.",
        )
    return {name: headers[file][name] for name, file in names.items()}


def _is_file_name(value: Any) -> bool:
    return isinstance(value, str) and Path(value).name == value


def _object(path: Path) -> dict[str, Any]:
    try:
        return parse_object(path.read_bytes())
    except ValueError as error:
        raise ConfigurationError(str(path), found=str(error), expected="a JSON object") from error
