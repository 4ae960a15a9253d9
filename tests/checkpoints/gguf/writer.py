"""Writes small GGUF files, straight from the format's specification."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q6_K, BF16 = 0, 1, 2, 3, 6, 7, 8, 12, 14, 30

U8, I8, U16, I16, U32, I32, FLOAT32, BOOL, STRING, ARRAY, U64, I64, FLOAT64 = range(13)
_FORMATS = {
    U8: "B",
    I8: "b",
    U16: "H",
    I16: "h",
    U32: "I",
    I32: "i",
    FLOAT32: "f",
    BOOL: "?",
    U64: "Q",
    I64: "q",
    FLOAT64: "d",
}


class Typed(NamedTuple):
    """A value of a given type; of an array, `value` is a list and `of` its items' type."""

    kind: int
    value: Any
    of: int = STRING


class Tensor(NamedTuple):
    """A tensor as it is stored; `shape` slowest axis first."""

    kind: int
    shape: tuple[int, ...]
    data: bytes


def f32(array: np.ndarray) -> Tensor:
    """A tensor of float32."""
    return Tensor(F32, array.shape, np.ascontiguousarray(array, "<f4").tobytes())


def gguf_bytes(
    metadata: dict[str, Any],
    tensors: dict[str, Tensor],
    version: int = 3,
    alignment: int = 32,
) -> tuple[bytes, int]:
    """Returns a file's content and how much of it is header.

    Args:
        metadata: `Typed` values, or plain ones: integers become uint32, floats float32, lists of
            integers int32.
        tensors: By name.
        version: What the header says.
        alignment: Of the data; `metadata` has to say it where it is not 32.
    """
    header = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    for key, value in metadata.items():
        value = _typed(value)
        header += _string(key) + struct.pack("<I", value.kind) + _value(value)
    data = b""
    for name, tensor in tensors.items():
        header += _string(name) + struct.pack("<I", len(tensor.shape))
        header += struct.pack(f"<{len(tensor.shape)}Q", *reversed(tensor.shape))
        header += struct.pack("<IQ", tensor.kind, len(data))
        data += _padded(tensor.data, alignment)
    header = _padded(header, alignment)
    return header + data, len(header)


def write_gguf(path: Path, metadata: dict[str, Any], tensors: dict[str, Tensor]) -> Path:
    """Writes a file of version 3."""
    path.write_bytes(gguf_bytes(metadata, tensors)[0])
    return path


def _typed(value: Any) -> Typed:
    if isinstance(value, Typed):
        return value
    if isinstance(value, list):
        return Typed(ARRAY, value, STRING if value and isinstance(value[0], str) else I32)
    return Typed({bool: BOOL, int: U32, float: FLOAT32, str: STRING}[type(value)], value)


def _value(typed: Typed) -> bytes:
    if typed.kind == STRING:
        return _string(typed.value)
    if typed.kind == ARRAY:
        items = [item if isinstance(item, Typed) else Typed(typed.of, item) for item in typed.value]
        head = struct.pack("<IQ", typed.of, len(items))
        return head + b"".join(map(_value, items))
    return struct.pack("<" + _FORMATS[typed.kind], typed.value)


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _padded(data: bytes, alignment: int) -> bytes:
    return data + b"\0" * (-len(data) % alignment)
