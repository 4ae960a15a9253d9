"""One tokenised example as bytes.

A record is a header of 16 bytes, the ids, and JSON metadata (UTF-8; nothing where there is none).
The header is little-endian: the magic bytes "GF", a uint8 format version, a uint8 bytes per id (2
for uint16, 4 for uint32), then as uint32 the numbers of tokens, of inputs and of metadata bytes.
Lengths are explicit, so that every id, 0 included, may stand anywhere.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from granite_fc.data.examples import TokenizedExample

RECORD_VERSION = 1
_MAGIC = b"GF"
_HEADER = struct.Struct("<2sBBIII")
_DTYPES: dict[int, np.dtype] = {2: np.dtype("<u2"), 4: np.dtype("<u4")}


def dtype_for(vocabulary_size: int) -> np.dtype:
    """The smallest type that holds every id below `vocabulary_size`: uint16 or uint32."""
    return _DTYPES[2] if vocabulary_size <= 1 << 16 else _DTYPES[4]


def encode_record(
    ids: bytes, dtype: np.dtype, num_inputs: int, metadata: Mapping[str, Any] | None = None
) -> bytes:
    """Returns the record of one example.

    Args:
        ids: The inputs, the targets and the end of sequence, as little-endian bytes of `dtype`.
        dtype: uint16 or uint32.
        num_inputs: How many of the tokens are inputs.
        metadata: Small JSON values that say where the example comes from.
    """
    note = json.dumps(metadata, ensure_ascii=True, sort_keys=True).encode() if metadata else b""
    header = _HEADER.pack(
        _MAGIC, RECORD_VERSION, dtype.itemsize, len(ids) // dtype.itemsize, num_inputs, len(note)
    )
    return b"".join((header, ids, note))


def decode_record(record: bytes) -> TokenizedExample:
    """Returns the example of a record; ids of uint32 are not copied.

    Raises:
        ValueError: The bytes are no record of this version.
    """
    size, num_tokens, num_inputs = _read_header(record)[:3]
    ids = np.frombuffer(record, _DTYPES[size], num_tokens, _HEADER.size)
    tokens = ids.view(np.int32) if size == 4 else ids.astype(np.int32)
    return TokenizedExample(tokens, num_inputs)


def decode_metadata(record: bytes) -> dict[str, Any]:
    """Returns the metadata of a record, empty where it has none.

    Raises:
        ValueError: The bytes are no record of this version.
    """
    size, num_tokens, _, length = _read_header(record)
    start = _HEADER.size + size * num_tokens
    return json.loads(record[start:]) if length else {}


def _read_header(record: bytes) -> tuple[int, int, int, int]:
    if len(record) < _HEADER.size:
        raise ValueError(f"a record of {len(record)} bytes is too short")
    magic, version, size, num_tokens, num_inputs, length = _HEADER.unpack_from(record)
    if magic != _MAGIC or version != RECORD_VERSION or size not in _DTYPES:
        raise ValueError(f"no record of version {RECORD_VERSION}: it begins with {record[:4]!r}")
    if len(record) != _HEADER.size + size * num_tokens + length or num_inputs > num_tokens:
        raise ValueError(f"a damaged record: {len(record)} bytes for {num_tokens} tokens")
    return size, num_tokens, num_inputs, length
