"""A GGUF file: its metadata, where its tensors lie, and one tensor at a time.

Written from the format's specification (ggml, docs/gguf.md). Nothing that the header claims is
believed before it is held against the bytes that are there.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from granite_fc.checkpoints.gguf.blocks import BLOCK_TYPES, OTHER_TYPES, BlockType
from granite_fc.checkpoints.gguf.cursor import Cursor
from granite_fc.errors import ConfigurationError

MAGIC = b"GGUF"

_VERSIONS = (2, 3)
_MOST_AXES = 4
_DEFAULT_ALIGNMENT = 32
# Fewest bytes that a metadata entry and a description of a tensor take.
_SHORTEST_ENTRY = 8 + 4 + 1
_SHORTEST_TENSOR = 8 + 4 + 8 + 4 + 8

# Weights unpacked at once: what a tensor needs beside itself stays at a few megabytes.
_AT_ONCE = 2**18


class StoredTensor(NamedTuple):
    """Where a tensor lies.

    Attributes:
        shape: Slowest axis first: a matrix that takes `inputs` is `[outputs, inputs]`.
        type: How it is stored.
        offset: Its first byte, counted from the file's.
        size: Bytes.
    """

    shape: tuple[int, ...]
    type: BlockType
    offset: int
    size: int


@dataclasses.dataclass(frozen=True)
class GgufFile:
    """What a GGUF file holds.

    Attributes:
        path: The file.
        metadata: Numbers, strings, booleans, lists of strings, arrays of numbers by key.
        tensors: Its tensors by name.
    """

    path: Path
    metadata: Mapping[str, Any]
    tensors: Mapping[str, StoredTensor]

    def read(self, name: str) -> np.ndarray:
        """Returns a tensor as its type's `dtype`.

        Raises:
            ConfigurationError: The file has become shorter.
        """
        tensor = self.tensors[name]
        block = tensor.type
        weights = np.empty(tensor.shape, np.dtype(block.dtype))
        rows = weights.reshape(-1, block.weights)
        step = max(1, _AT_ONCE // block.weights)
        with self.path.open("rb") as opened:
            opened.seek(tensor.offset)
            for start in range(0, len(rows), step):
                part = rows[start : start + step]
                data = opened.read(len(part) * block.layout.itemsize)
                if len(data) < len(part) * block.layout.itemsize:
                    raise _broken(self.path, f"the tensor {name} cut short", "the whole of it")
                part[:] = block.unpack(np.frombuffer(data, block.layout))
        return weights


def is_gguf(path: Path) -> bool:
    """Whether a file says that it is one, by its first bytes."""
    if not path.is_file():
        return False
    with path.open("rb") as opened:
        return opened.read(len(MAGIC)) == MAGIC


def open_gguf(path: Path) -> GgufFile:
    """Reads a file's header.

    Args:
        path: A file of version 2 or 3, little endian.

    Raises:
        ConfigurationError: It is none, is cut short, contradicts itself or has a type of tensor
            that is not read.
    """
    size = path.stat().st_size
    with path.open("rb") as opened:
        cursor = Cursor(opened, str(path), size)
        if cursor.take(len(MAGIC), "the format's name") != MAGIC:
            raise _broken(path, "a file of another format", "a GGUF file")
        _check_version(path, cursor.integer("u4", "the version"))
        tensor_count = cursor.integer("u8", "the number of tensors")
        entry_count = cursor.integer("u8", "the number of metadata entries")
        cursor.check_room(entry_count * _SHORTEST_ENTRY, f"{entry_count:,} metadata entries")
        metadata: dict[str, Any] = {}
        for _ in range(entry_count):
            key = cursor.text("a metadata key")
            if key in metadata:
                raise _broken(path, f"the metadata {key} twice", "each key once")
            metadata[key] = cursor.value(cursor.integer("u4", f"the type of {key}"), key)
        alignment = _alignment(path, metadata)
        cursor.check_room(tensor_count * _SHORTEST_TENSOR, f"{tensor_count:,} tensors")
        tensors: dict[str, StoredTensor] = {}
        for _ in range(tensor_count):
            name = cursor.text("a tensor's name")
            if name in tensors:
                raise _broken(path, f"the tensor {name} twice", "each tensor once")
            tensors[name] = _tensor(path, cursor, name)
        start = -(-cursor.position // alignment) * alignment
    for name, tensor in tensors.items():
        if tensor.offset % alignment:
            found = f"the tensor {name} at byte {tensor.offset:,} of the data"
            raise _broken(path, found, f"a multiple of the alignment, {alignment}")
        tensors[name] = tensor._replace(offset=start + tensor.offset)
    _check_places(path, tensors, size)
    return GgufFile(path, metadata, tensors)


def _check_version(path: Path, version: int) -> None:
    expected = f"version {' or '.join(map(str, _VERSIONS))}, little endian"
    if version in [int.from_bytes(v.to_bytes(4, "little"), "big") for v in _VERSIONS]:
        raise _broken(path, "a big-endian GGUF file", expected)
    if version not in _VERSIONS:
        raise _broken(path, f"GGUF version {version}", expected)


def _alignment(path: Path, metadata: Mapping[str, Any]) -> int:
    alignment = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 8 or alignment % 8:
        raise ConfigurationError(
            f"{path}: general.alignment", found=alignment, expected="a multiple of 8"
        )
    return alignment


def _tensor(path: Path, cursor: Cursor, name: str) -> StoredTensor:
    axes = cursor.integer("u4", f"the number of axes of {name}")
    if not 1 <= axes <= _MOST_AXES:
        raise _broken(path, f"the tensor {name} of {axes:,} axes", f"1 to {_MOST_AXES}")
    shape = tuple(cursor.integer("u8", f"the shape of {name}") for _ in range(axes))[::-1]
    number = cursor.integer("u4", f"the type of {name}")
    offset = cursor.integer("u8", f"the place of {name}")
    if (block := BLOCK_TYPES.get(number)) is None:
        raise _broken(
            path,
            f"the tensor {name} of the type {OTHER_TYPES.get(number, f'number {number}')}",
            "one of " + ", ".join(block.name for block in BLOCK_TYPES.values()),
        )
    if 0 in shape or shape[-1] % block.weights:
        raise _broken(
            path,
            f"the tensor {name} of the shape {list(shape)}",
            f"rows of whole blocks of {block.name}, {block.weights} weights",
        )
    size = math.prod(shape) // block.weights * block.layout.itemsize
    return StoredTensor(shape, block, offset, size)


def _check_places(path: Path, tensors: Mapping[str, StoredTensor], size: int) -> None:
    for name, tensor in tensors.items():
        if tensor.offset + tensor.size > size:
            raise _broken(
                path,
                f"the tensor {name} from byte {tensor.offset:,} to {tensor.offset + tensor.size:,}"
                f" in a file of {size:,} bytes",
                "all of it in the file",
            )
    in_order = sorted(tensors.items(), key=lambda item: item[1].offset)
    for (name, tensor), (other, following) in itertools.pairwise(in_order):
        if tensor.offset + tensor.size > following.offset:
            raise _broken(path, f"the tensors {name} and {other} in one place", "each its own")


def _broken(path: Path, found: str, expected: str) -> ConfigurationError:
    return ConfigurationError(str(path), found=found, expected=expected)
