"""The header of a safetensors file, read and checked before any tensor is.

A file is eight bytes with the length of the header, the header as JSON, and the tensors' bytes one
after the other (https://huggingface.co/docs/safetensors). The library that reads it says that a
file is wrong; what a user has to know is which weights are.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from granite_fc.checkpoints.hf.json_object import parse_object
from granite_fc.checkpoints.hf.tensors import TensorInfo
from granite_fc.errors import ConfigurationError

LENGTH_BYTES = 8
# The largest header that the library writes or reads.
_LARGEST = 100_000_000
# The format's names of types, and numpy's; those without one are only ever skipped.
DTYPES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16", "F64": "float64"}
_SIZES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "BF16": 2, "F16": 2}
_SIZES |= {"I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1}


class Stored(NamedTuple):
    """A tensor in a file.

    Attributes:
        info: Its shape and type.
        path: The file.
        begin: Byte of the file at which it begins.
    """

    info: TensorInfo
    path: Path
    begin: int


def read_header(path: Path) -> dict[str, Stored]:
    """Returns what tensors a file has, by name.

    Raises:
        ConfigurationError: The file is no safetensors file, ends before its tensors do, or has
            tensors that lie over each other or are described wrongly; names them.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if size < LENGTH_BYTES or not 2 <= length <= min(_LARGEST, size - LENGTH_BYTES):
            raise _unfit(path, f"{size} bytes, with a header of {length}")
        text = file.read(length)
    try:
        header = parse_object(text)
    except ValueError as error:
        raise _unfit(path, f"a header that is {error}") from error
    header.pop("__metadata__", None)
    tensors, problems, spans = {}, [], []
    for name, entry in header.items():
        described = _described(entry)
        if described is None:
            problems.append(f"{name} is described by {entry}")
            continue
        info, (begin, end) = described
        start = LENGTH_BYTES + length + begin
        tensors[name] = Stored(info, path, start)
        spans.append((begin, end, name))
        if LENGTH_BYTES + length + end > size:
            problems.append(f"{name} ends {LENGTH_BYTES + length + end - size} bytes past the file")
    spans.sort()
    for (_, end, name), (begin, _, following) in itertools.pairwise(spans):
        if begin < end:
            problems.append(f"{following} lies over {name}")
    if problems:
        raise _unfit(path, "; ".join(problems))
    return tensors


def _described(entry: Any) -> tuple[TensorInfo, tuple[int, int]] | None:
    """A tensor as the header describes it; None where that cannot be."""
    if not isinstance(entry, Mapping) or set(entry) != {"dtype", "shape", "data_offsets"}:
        return None
    dtype, shape, offsets = str(entry["dtype"]), entry["shape"], entry["data_offsets"]
    if dtype not in _SIZES or not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        return None
    begin, end = offsets
    if end - begin != math.prod(shape) * _SIZES[dtype]:
        return None
    return TensorInfo(tuple(shape), DTYPES.get(dtype, dtype)), (begin, end)


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(size) is int and size >= 0 for size in value)


def _unfit(path: Path, found: str) -> ConfigurationError:
    return ConfigurationError(
        str(path),
        found=found,
        expected="a whole safetensors file",
        remedy="Download it again.",
    )
