"""Every type of block against its layout read weight by weight."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest

from granite_fc.checkpoints.gguf.file import open_gguf
from tests.checkpoints.gguf import writer
from tests.checkpoints.gguf.writer import Tensor, write_gguf


def _half(data: bytes, at: int) -> float:
    return struct.unpack_from("<e", data, at)[0]


def _nibble(data: bytes, i: int) -> int:
    """Of 16 bytes: weight i is in the low half of byte i, weight 16 + i in its high half."""
    return data[i] & 15 if i < 16 else data[i - 16] >> 4


def _fifth(data: bytes, i: int) -> int:
    return (int.from_bytes(data[:4], "little") >> i & 1) << 4


def _q8_0(block: bytes, i: int) -> float:
    return _half(block, 0) * struct.unpack_from("b", block, 2 + i)[0]


def _q4_0(block: bytes, i: int) -> float:
    return _half(block, 0) * (_nibble(block[2:], i) - 8)


def _q4_1(block: bytes, i: int) -> float:
    return _half(block, 0) * _nibble(block[4:], i) + _half(block, 2)


def _q5_0(block: bytes, i: int) -> float:
    return _half(block, 0) * ((_nibble(block[6:], i) | _fifth(block[2:], i)) - 16)


def _q5_1(block: bytes, i: int) -> float:
    return _half(block, 0) * (_nibble(block[8:], i) | _fifth(block[4:], i)) + _half(block, 2)


def _q4_k(block: bytes, i: int) -> float:
    run, packed = i // 32, block[4:16]
    if run < 4:
        scale, minimum = packed[run] & 63, packed[run + 4] & 63
    else:
        scale = (packed[run + 4] & 15) | (packed[run - 4] >> 6) << 4
        minimum = (packed[run + 4] >> 4) | (packed[run] >> 6) << 4
    byte = block[16 + i // 64 * 32 + i % 32]
    quant = byte >> 4 if run % 2 else byte & 15
    return _half(block, 0) * scale * quant - _half(block, 2) * minimum


def _q6_k(block: bytes, i: int) -> float:
    half, run, place = i // 128, i % 128 // 32, i % 32
    low = block[half * 64 + run % 2 * 32 + place] >> (4 if run >= 2 else 0) & 15
    high = block[128 + half * 32 + place] >> (2 * run) & 3
    scale = struct.unpack_from("b", block, 192 + i // 16)[0]
    return _half(block, 208) * scale * ((low | high << 4) - 32)


# By type: weights and bytes of a block, where its scales of half precision lie, and one weight.
_QUANTISED: dict[str, tuple[int, int, int, list[int], Callable[[bytes, int], float]]] = {
    "Q8_0": (writer.Q8_0, 32, 34, [0], _q8_0),
    "Q4_0": (writer.Q4_0, 32, 18, [0], _q4_0),
    "Q4_1": (writer.Q4_1, 32, 20, [0, 2], _q4_1),
    "Q5_0": (writer.Q5_0, 32, 22, [0], _q5_0),
    "Q5_1": (writer.Q5_1, 32, 24, [0, 2], _q5_1),
    "Q4_K": (writer.Q4_K, 256, 144, [0, 2], _q4_k),
    "Q6_K": (writer.Q6_K, 256, 210, [208], _q6_k),
}


@pytest.mark.parametrize("name", _QUANTISED)
def test_quantised_weights_are_those_of_the_layout(tmp_path, monkeypatch, name):
    # Three blocks at once, so that a tensor is read in several pieces.
    number, weights, size, scales, weight = _QUANTISED[name]
    monkeypatch.setattr("granite_fc.checkpoints.gguf.file._AT_ONCE", 3 * weights)
    rng = np.random.default_rng(number)
    blocks = []
    for _ in range(5 * 2):
        block = bytearray(rng.bytes(size))
        for at in scales:
            struct.pack_into("<e", block, at, rng.normal() / 16)
        blocks.append(bytes(block))
    tensor = Tensor(number, (5, 2 * weights), b"".join(blocks))
    file = open_gguf(write_gguf(tmp_path / "a.gguf", {}, {"w": tensor}))
    read = file.read("w")
    assert read.dtype == np.float32
    # The reference rounds once, from float64.
    expected = [[weight(block, i) for i in range(weights)] for block in blocks]
    np.testing.assert_array_equal(read.reshape(-1, weights), np.array(expected, np.float32))


@pytest.mark.parametrize(
    ("number", "dtype"),
    [(writer.F32, "float32"), (writer.F16, "float16"), (writer.BF16, "bfloat16")],
)
def test_plain_weights_keep_type_and_bits(tmp_path, number, dtype):
    values = np.random.default_rng(0).normal(size=(3, 7)).astype(np.dtype(dtype))
    file = open_gguf(
        write_gguf(tmp_path / "a.gguf", {}, {"w": Tensor(number, (3, 7), values.tobytes())})
    )
    read = file.read("w")
    assert read.dtype == values.dtype
    assert read.tobytes() == values.tobytes()


def test_a_bfloat16_is_the_upper_half_of_a_float32(tmp_path):
    data = struct.pack("<f", 1.5)[2:] + struct.pack("<f", -3.0)[2:]
    file = open_gguf(write_gguf(tmp_path / "a.gguf", {}, {"w": Tensor(writer.BF16, (2,), data)}))
    assert file.read("w").tolist() == [1.5, -3.0]
