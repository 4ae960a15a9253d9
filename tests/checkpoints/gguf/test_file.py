"""Headers of GGUF files: what they say is read, and what they get wrong is named."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.checkpoints.gguf.file import is_gguf, open_gguf
from granite_fc.checkpoints.gguf.published import read_gguf
from granite_fc.errors import ConfigurationError
from tests.checkpoints.gguf import writer
from tests.checkpoints.gguf.models import (
    gguf_tensors,
    hugging_face_weights,
    llama_metadata,
    small_tokenizer,
    tokenizer_metadata,
)
from tests.checkpoints.gguf.writer import Typed, f32, gguf_bytes, write_gguf

_MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("alignment", [8, 32, 256])
def test_tensors_are_found_where_they_lie(tmp_path, version, alignment):
    metadata = {"general.alignment": alignment, "general.name": "ab"}
    tensors = {"a": f32(_MATRIX), "b": f32(_MATRIX[0]), "c": f32(2 * _MATRIX)}
    (tmp_path / "a.gguf").write_bytes(gguf_bytes(metadata, tensors, version, alignment)[0])
    file = open_gguf(tmp_path / "a.gguf")
    assert list(file.tensors) == ["a", "b", "c"]
    np.testing.assert_array_equal(file.read("a"), _MATRIX)
    np.testing.assert_array_equal(file.read("b"), _MATRIX[0])
    np.testing.assert_array_equal(file.read("c"), 2 * _MATRIX)


def test_metadata_of_every_type_is_read(tmp_path):
    numbers = {
        "u8": (writer.U8, 255),
        "i8": (writer.I8, -128),
        "u16": (writer.U16, 65_535),
        "i16": (writer.I16, -32_768),
        "u32": (writer.U32, 2**32 - 1),
        "i32": (writer.I32, -(2**31)),
        "u64": (writer.U64, 2**64 - 1),
        "i64": (writer.I64, -(2**63)),
        "f64": (writer.FLOAT64, math.pi),
        "bool": (writer.BOOL, True),
        "string": (writer.STRING, "Grüße, 東京"),
    }
    metadata = {name: Typed(kind, value) for name, (kind, value) in numbers.items()}
    arrays = {
        f"list of {name}": Typed(writer.ARRAY, [value, value], kind)
        for name, (kind, value) in numbers.items()
    }
    nested = [Typed(writer.ARRAY, ["a"]), Typed(writer.ARRAY, [1, 2], writer.U8)]
    arrays["nested"] = Typed(writer.ARRAY, nested, writer.ARRAY)
    read = open_gguf(write_gguf(tmp_path / "a.gguf", metadata | arrays, {})).metadata
    for name, (_, value) in numbers.items():
        assert read[name] == value and type(read[name]) is type(value)
        assert list(read[f"list of {name}"]) == [value, value]
    assert read["nested"][0] == ["a"] and read["nested"][1].tolist() == [1, 2]


def test_a_float32_is_the_decimal_that_was_meant(tmp_path):
    file = open_gguf(write_gguf(tmp_path / "a.gguf", {"eps": 1e-5, "theta": 1e6}, {}))
    assert file.metadata == {"eps": 1e-5, "theta": 1e6}


def test_files_are_told_by_their_content(tmp_path):
    assert is_gguf(write_gguf(tmp_path / "model.bin", {}, {}))
    (tmp_path / "model.gguf").write_bytes(b"{}")
    assert not is_gguf(tmp_path / "model.gguf")
    assert not is_gguf(tmp_path)
    assert not is_gguf(tmp_path / "nothing")


def _changed(at: int, data: bytes) -> bytes:
    content = bytearray(gguf_bytes({"n": 1}, {"w": f32(_MATRIX)})[0])
    content[at : at + len(data)] = data
    return bytes(content)


# Where the fields of that file lie.
_VERSION, _TENSORS, _ENTRIES, _KEY_LENGTH, _KIND = 4, 8, 16, 24, 33
_NAME_LENGTH, _AXES, _SHAPE, _TYPE, _OFFSET = 41, 50, 54, 70, 74


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"GGML" + bytes(60), "another format"),
        (_changed(_VERSION, struct.pack("<I", 1)), "version 1"),
        (_changed(_VERSION, struct.pack(">I", 3)), "big-endian"),
        (_changed(_TENSORS, struct.pack("<Q", 2**62)), "4,611,686,018,427,387,904 tensors"),
        (_changed(_ENTRIES, struct.pack("<Q", 2**40)), "1,099,511,627,776 metadata entries"),
        (_changed(_KEY_LENGTH, struct.pack("<Q", 2**63)), "a metadata key"),
        (_changed(_KEY_LENGTH + 8, b"\xff"), "UTF-8"),
        (_changed(_KIND, struct.pack("<I", 13)), "type 13"),
        (_changed(_NAME_LENGTH, struct.pack("<Q", 1000)), "a tensor's name"),
        (_changed(_AXES, struct.pack("<I", 5)), "w of 5 axes"),
        (_changed(_SHAPE, struct.pack("<Q", 0)), r"w of the shape \[3, 0\]"),
        (_changed(_SHAPE, struct.pack("<Q", 2**60)), "w from byte 96"),
        (_changed(_SHAPE, struct.pack("<Q", 6)), "w from byte 96 to 168 in a file of 160 bytes"),
        (_changed(_TYPE, struct.pack("<I", 10)), "w of the type Q2_K"),
        (_changed(_TYPE, struct.pack("<I", 77)), "w of the type number 77"),
        (_changed(_TYPE, struct.pack("<I", writer.Q8_0)), "whole blocks of Q8_0"),
        (_changed(_OFFSET, struct.pack("<Q", 4)), "w at byte 4"),
        (_changed(_OFFSET, struct.pack("<Q", 2**63)), "w from byte"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, found):
    (tmp_path / "a.gguf").write_bytes(content)
    with pytest.raises(ConfigurationError, match=found):
        open_gguf(tmp_path / "a.gguf")


@pytest.mark.parametrize(
    ("metadata", "found"),
    [
        ({"general.alignment": 12}, "general.alignment: found 12"),
        ({"general.alignment": "32"}, "general.alignment: found '32'"),
        ({"b": Typed(writer.ARRAY, [Typed(writer.U8, 2)], writer.BOOL)}, "b: found 2"),
    ],
)
def test_values_that_no_file_has(tmp_path, metadata, found):
    path = write_gguf(tmp_path / "a.gguf", metadata, {})
    with pytest.raises(ConfigurationError, match=found):
        open_gguf(path)


def test_two_tensors_in_one_place_or_of_one_name(tmp_path):
    first, second = f32(_MATRIX), f32(_MATRIX)
    content, _ = gguf_bytes({}, {"first": first, "other": second})
    path = tmp_path / "a.gguf"
    path.write_bytes(content.replace(b"other", b"first"))
    with pytest.raises(ConfigurationError, match="the tensor first twice"):
        open_gguf(path)
    where = content.index(struct.pack("<IQ", 0, 64))
    path.write_bytes(content[: where + 4] + struct.pack("<Q", 32) + content[where + 12 :])
    with pytest.raises(ConfigurationError, match="first and other in one place"):
        open_gguf(path)


def test_a_file_that_is_cut_while_it_is_read(tmp_path):
    path = write_gguf(tmp_path / "a.gguf", {}, {"w": f32(_MATRIX)})
    file = open_gguf(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ConfigurationError, match="w cut short"):
        file.read("w")


def test_headers_are_bounded(tmp_path):
    # A sparse file of 8 GiB that claims a string of nearly all of it.
    path = tmp_path / "a.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**33 - 1000))
    with path.open("r+b") as opened:
        opened.truncate(2**33)
    with pytest.raises(ConfigurationError, match="a header of at most"):
        open_gguf(path)


def test_arrays_lie_in_each_other_only_so_deep(tmp_path):
    path = tmp_path / "a.gguf"
    start = b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"n" + struct.pack("<I", writer.ARRAY)
    path.write_bytes(start + struct.pack("<IQ", writer.ARRAY, 1) * 100_000)
    with pytest.raises(ConfigurationError, match="n: found 'arrays in arrays"):
        open_gguf(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small model, as bytes, with the length of its header and a file to write damage to."""
    metadata = llama_metadata() | tokenizer_metadata(small_tokenizer())
    content, header = gguf_bytes(metadata, gguf_tensors(hugging_face_weights()))
    return content, header, tmp_path_factory.mktemp("damaged") / "a.gguf"


def _read_all(path):
    published = read_gguf(path)
    for name, info in published.source.infos().items():
        weights = published.source.read(name)
        assert (weights.shape, weights.dtype.name) == info
    return published


def test_the_whole_file_reads(whole):
    content, header, path = whole
    path.write_bytes(content)
    assert len(_read_all(path).source.infos()) == 20
    assert header < 20_000


@settings(max_examples=150)
@given(data=st.data())
def test_truncated_files_are_refused(whole, data):
    content, header, path = whole
    # The last tensor's padding alone may be missing.
    end = data.draw(st.one_of(st.integers(0, header), st.integers(0, len(content) - 32)))
    path.write_bytes(content[:end])
    with pytest.raises(ConfigurationError):
        _read_all(path)


@settings(max_examples=250)
@given(data=st.data())
def test_damaged_headers_are_refused_or_read(whole, data):
    content, header, path = whole
    damaged = bytearray(content)
    for at in data.draw(st.lists(st.integers(0, header - 1), min_size=1, max_size=3)):
        damaged[at] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    try:
        _read_all(path)
    except ConfigurationError as error:
        assert str(path) in error.message
