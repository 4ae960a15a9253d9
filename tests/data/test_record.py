"""Records: what goes in comes out, whatever the ids; damage is noticed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.data.record import decode_metadata, decode_record, dtype_for, encode_record


@given(data=st.data(), size=st.sampled_from([2, 300, 65_536, 65_537, 1 << 31]))
def test_tokens_come_back(data: st.DataObject, size: int) -> None:
    ids = data.draw(st.lists(st.integers(0, size - 1) | st.sampled_from([0, size - 1])))
    num_inputs = data.draw(st.integers(0, len(ids)))
    metadata = data.draw(st.dictionaries(st.text(), st.integers() | st.text(), max_size=3))
    dtype = dtype_for(size)
    record = encode_record(np.array(ids, dtype).tobytes(), dtype, num_inputs, metadata)
    tokens, found_inputs = decode_record(record)
    assert tokens.tolist() == ids
    assert tokens.dtype == np.int32
    assert found_inputs == num_inputs
    assert decode_metadata(record) == json.loads(json.dumps(metadata))


def test_small_vocabularies_take_two_bytes_an_id() -> None:
    assert dtype_for(65_536).itemsize == 2
    assert dtype_for(65_537).itemsize == 4
    record = encode_record(np.zeros(100, "<u2").tobytes(), dtype_for(1000), 3)
    assert len(record) == 16 + 200


def test_wide_ids_are_not_copied() -> None:
    record = encode_record(np.arange(5, dtype="<u4").tobytes(), dtype_for(100_000), 2)
    assert np.shares_memory(decode_record(record).tokens, np.frombuffer(record, np.uint8))


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: b"",
        lambda record: record[:10],
        lambda record: record[:-1],
        lambda record: record + b"\0",
        lambda record: b"XX" + record[2:],
        lambda record: record[:2] + b"\x09" + record[3:],
        lambda record: record[:3] + b"\x03" + record[4:],
        lambda record: record[:8] + b"\xff\0\0\0" + record[12:],
    ],
)
def test_damaged_records_are_refused(damage) -> None:
    record = encode_record(np.arange(5, dtype="<u2").tobytes(), dtype_for(100), 2, {"a": 1})
    with pytest.raises(ValueError, match="record"):
        decode_record(damage(record))
