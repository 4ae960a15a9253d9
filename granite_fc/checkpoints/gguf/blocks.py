"""How GGUF files store weights: plain, or in blocks of a few bits a weight with scales.

Written from the layouts that ggml publishes (ggml/src/ggml-common.h). What is d there, a scale, and
m or dmin, a minimum, keeps its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import ml_dtypes
import numpy as np


class BlockType(NamedTuple):
    """A type of tensor.

    Attributes:
        name: As ggml spells it.
        weights: Weights of a block; rows are whole blocks.
        layout: The bytes of a block.
        dtype: What its weights are given as.
        unpack: Turns blocks `[n]` of `layout` into weights, `[n, weights]`.
    """

    name: str
    weights: int
    layout: np.dtype
    dtype: str
    unpack: Callable[[np.ndarray], np.ndarray]


def _plain(values: np.ndarray) -> np.ndarray:
    return values[:, None]


def _q8_0(blocks: np.ndarray) -> np.ndarray:
    return _column(blocks["d"]) * blocks["qs"]


def _q4_0(blocks: np.ndarray) -> np.ndarray:
    return _column(blocks["d"]) * (_nibbles(blocks["qs"]) - np.float32(8))


def _q4_1(blocks: np.ndarray) -> np.ndarray:
    return _column(blocks["d"]) * _nibbles(blocks["qs"]) + _column(blocks["m"])


def _q5_0(blocks: np.ndarray) -> np.ndarray:
    return _column(blocks["d"]) * (_five_bits(blocks) - np.float32(16))


def _q5_1(blocks: np.ndarray) -> np.ndarray:
    return _column(blocks["d"]) * _five_bits(blocks) + _column(blocks["m"])


def _q4_k(blocks: np.ndarray) -> np.ndarray:
    # Eight runs of 32 weights, each with a scale and a minimum of six bits. Those of the first four
    # lie in a byte each; of the others, four bits lie apart and two on top of the former.
    first, second, apart = np.split(blocks["scales"], 3, axis=1)
    scales = np.concatenate([first & 63, apart & 15 | first >> 6 << 4], axis=1)
    minima = np.concatenate([second & 63, apart >> 4 | second >> 6 << 4], axis=1)
    quants = _nibbles(blocks["qs"].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    weights = (_column(blocks["d"]) * scales)[..., None] * quants
    weights -= (_column(blocks["dmin"]) * minima)[..., None]
    return weights.reshape(-1, 256)


def _q6_k(blocks: np.ndarray) -> np.ndarray:
    # Two halves of four runs of 32 weights; a scale for every 16.
    low = _nibbles(blocks["ql"].reshape(-1, 2, 64)).reshape(-1, 2, 4, 32)
    high = blocks["qh"].reshape(-1, 2, 1, 32) >> np.array([[0], [2], [4], [6]], np.uint8) & 3
    quants = (low + np.float32(16) * high - np.float32(32)).reshape(-1, 16, 16)
    scales = _column(blocks["d"]) * blocks["scales"]
    return (scales[..., None] * quants).reshape(-1, 256)


def _column(halves: np.ndarray) -> np.ndarray:
    return halves.astype(np.float32)[:, None]


def _nibbles(data: np.ndarray) -> np.ndarray:
    """Returns the low halves of bytes along the last axis, then the high ones."""
    return np.concatenate([data & 15, data >> 4], axis=-1).astype(np.float32)


def _five_bits(blocks: np.ndarray) -> np.ndarray:
    fifth = np.unpackbits(blocks["qh"], axis=-1, bitorder="little")
    return _nibbles(blocks["qs"]) + np.float32(16) * fifth


def _quantised(
    name: str, weights: int, fields: list[tuple], unpack: Callable[[np.ndarray], np.ndarray]
) -> BlockType:
    return BlockType(name, weights, np.dtype(fields), "float32", unpack)


_D, _M, _DMIN = ("d", "<f2"), ("m", "<f2"), ("dmin", "<f2")
_NIBBLES, _FIFTH = ("qs", "u1", 16), ("qh", "u1", 4)

# By their numbers in a file.
BLOCK_TYPES = {
    0: BlockType("F32", 1, np.dtype("<f4"), "float32", _plain),
    1: BlockType("F16", 1, np.dtype("<f2"), "float16", _plain),
    2: _quantised("Q4_0", 32, [_D, _NIBBLES], _q4_0),
    3: _quantised("Q4_1", 32, [_D, _M, _NIBBLES], _q4_1),
    6: _quantised("Q5_0", 32, [_D, _FIFTH, _NIBBLES], _q5_0),
    7: _quantised("Q5_1", 32, [_D, _M, _FIFTH, _NIBBLES], _q5_1),
    8: _quantised("Q8_0", 32, [_D, ("qs", "i1", 32)], _q8_0),
    12: _quantised("Q4_K", 256, [_D, _DMIN, ("scales", "u1", 12), ("qs", "u1", 128)], _q4_k),
    14: _quantised(
        "Q6_K", 256, [("ql", "u1", 128), ("qh", "u1", 64), ("scales", "i1", 16), _D], _q6_k
    ),
    30: BlockType("BF16", 1, np.dtype(ml_dtypes.bfloat16), "bfloat16", _plain),
}

# Those that are not read, so that a message can name them.
OTHER_TYPES = {
    9: "Q8_1",
    10: "Q2_K",
    11: "Q3_K",
    13: "Q5_K",
    15: "Q8_K",
    16: "IQ2_XXS",
    17: "IQ2_XS",
    18: "IQ3_XXS",
    19: "IQ1_S",
    20: "IQ4_NL",
    21: "IQ3_S",
    22: "IQ2_S",
    23: "IQ4_XS",
    24: "I8",
    25: "I16",
    26: "I32",
    27: "I64",
    28: "F64",
    29: "IQ1_M",
    34: "TQ1_0",
    35: "TQ2_0",
    39: "MXFP4",
}
