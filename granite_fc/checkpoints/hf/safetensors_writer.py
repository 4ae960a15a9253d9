"""Safetensors files that are filled in any order, without holding a tensor."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import ml_dtypes
import numpy as np

from granite_fc.checkpoints.hf.directory import INDEX, WEIGHTS
from granite_fc.checkpoints.hf.safetensors_header import DTYPES, LENGTH_BYTES
from granite_fc.errors import ConfigurationError

# What transformers takes by default.
SHARD_BYTES = 5 * 10**9
_ALIGNMENT = 8
_CODES = {name: code for code, name in DTYPES.items()}


class SafetensorsWriter:
    """Lays tensors out in files of zeros, to be written through `tensor`.

    Args:
        folder: Where the files go; there is an index where there are several.
        shapes: Tensors by name, in the order in which they lie.
        dtype: Their type.
        shard_bytes: The most bytes of tensors in a file, but for a tensor that is larger alone;
            None puts all into one.
        name: What a file that holds all of them is called.
    """

    def __init__(
        self,
        folder: Path,
        shapes: Mapping[str, tuple[int, ...]],
        dtype: str,
        *,
        shard_bytes: int | None = SHARD_BYTES,
        name: str = WEIGHTS,
    ) -> None:
        self._dtype = _numpy_type(dtype)
        self._code = _CODES[dtype]
        self._shapes = shapes
        self._places: dict[str, tuple[Path, int]] = {}
        shards = [list(shapes)] if shard_bytes is None else self._in_shards(shard_bytes)
        names = [
            name if len(shards) == 1 else f"model-{i:05}-of-{len(shards):05}.safetensors"
            for i in range(1, len(shards) + 1)
        ]
        for name, shard in zip(names, shards, strict=True):
            self._lay_out(folder / name, shard)
        if len(shards) > 1:
            index = {
                "metadata": {"total_size": sum(map(self._size, shapes))},
                "weight_map": {name: path.name for name, (path, _) in self._places.items()},
            }
            (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")

    def tensor(self, name: str) -> np.ndarray:
        """Returns a tensor as it lies in its file; what is assigned to it is written there."""
        path, begin = self._places[name]
        return np.memmap(path, self._dtype, "r+", begin, self._shapes[name])

    def _size(self, name: str) -> int:
        return math.prod(self._shapes[name]) * self._dtype.itemsize

    def _in_shards(self, shard_bytes: int) -> list[list[str]]:
        shards: list[list[str]] = [[]]
        filled = 0
        for name in self._shapes:
            size = self._size(name)
            if shards[-1] and filled + size > shard_bytes:
                shards.append([])
                filled = 0
            shards[-1].append(name)
            filled += size
        return shards

    def _lay_out(self, path: Path, names: Iterable[str]) -> None:
        header: dict[str, object] = {"__metadata__": {"format": "pt"}}
        end = 0
        for name in names:
            begin, end = end, end + self._size(name)
            header[name] = {
                "dtype": self._code,
                "shape": list(self._shapes[name]),
                "data_offsets": [begin, end],
            }
            self._places[name] = path, begin
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % _ALIGNMENT)
        start = LENGTH_BYTES + len(text)
        with path.open("wb") as file:
            file.write(len(text).to_bytes(LENGTH_BYTES, "little") + text)
            file.truncate(start + end)
        for name in names:
            self._places[name] = path, start + self._places[name][1]


def check_room(folder: Path, shapes: Iterable[tuple[int, ...]], dtype: str) -> None:
    """Checks that a disk holds some tensors: what is mapped and finds no room ends a process.

    Args:
        folder: Where they are to lie, in the directory that the user named.
        shapes: Of the tensors.
        dtype: Their type.

    Raises:
        ConfigurationError: There is no room.
    """
    size = sum(map(math.prod, shapes)) * _numpy_type(dtype).itemsize
    free = shutil.disk_usage(folder).free
    if size > free:
        raise ConfigurationError(
            "--to",
            found=f"{folder.parent}, with {free:,} bytes left",
            expected=f"{size:,} bytes for the weights",
        )


def _numpy_type(dtype: str) -> np.dtype:
    return np.dtype(ml_dtypes.bfloat16) if dtype == "bfloat16" else np.dtype(dtype)
