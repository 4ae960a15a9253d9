"""Kernels as codes of four or eight bits with a scale for each block.

Qwix quantises; decoding is ours, since it runs in every layer of every step: a lookup that is
elementwise, so that it splits over devices as the codes do. Codes of four bits lie two in a byte.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import qwix

from granite_fc.errors import ConfigurationError

# The 16 values of NormalFloat4 (Dettmers et al., 2023, appendix E).
NF4 = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)
# What is added to a code of four bits to be stored without a sign.
_OFFSET = {"int4": 8, "nf4": 0}


def block_length(length: int, qtype: str, block_size: int) -> int:
    """Returns the largest divisor of an axis' length that is at most `block_size`.

    With four bits a block is a whole number of bytes.

    Raises:
        ConfigurationError: There is none.
    """
    step = 2 if qtype in _OFFSET else 1
    for size in range(min(block_size, length) // step * step, 0, -step):
        if length % size == 0:
            return size
    raise ConfigurationError(
        "AdapterConfig.base_dtype",
        found=f"{qtype!r} in blocks of {block_size} for kernels with an axis of length {length}",
        expected="blocks and axes of even length",
        remedy="Take int8.",
    )


def stored_shapes(
    shape: Sequence[int], qtype: str, axis: int, block_size: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns the shapes of the codes and the scales of a kernel with blocks along `axis`."""
    length = shape[axis]
    codes = length // 2 if qtype in _OFFSET else length
    blocks = length // block_length(length, qtype, block_size)
    before, after = tuple(shape[:axis]), tuple(shape[axis + 1 :])
    return (*before, codes, *after), (*before, blocks, *after)


def code_dtype(qtype: str) -> jnp.dtype:
    """Returns the type that codes are stored in."""
    return jnp.dtype(jnp.uint8 if qtype in _OFFSET else jnp.int8)


def quantize(
    kernel: jax.Array, qtype: str, axis: int, block_size: int
) -> tuple[jax.Array, jax.Array]:
    """Rounds a kernel to codes, with the largest magnitude of each block at the end of the range.

    Args:
        kernel: Of any shape and float type.
        qtype: "int8", "int4" or "nf4".
        axis: Along which blocks lie.
        block_size: Weights in a block, or more than divide the axis (see `block_length`).

    Returns:
        Codes and float32 scales, of the shapes that `stored_shapes` says. Of four bits, the codes
        of a block's first half are the lower halves of its bytes.
    """
    length = block_length(kernel.shape[axis], qtype, block_size)
    quantized = qwix.quantize(
        kernel.astype(jnp.float32),
        {"int8": jnp.int8, "int4": jnp.int4, "nf4": "nf4"}[qtype],
        channelwise_axes=[i for i in range(kernel.ndim) if i != axis],
        tiled_axes={axis: length},
    )
    codes = quantized.qvalue
    if qtype in _OFFSET:
        codes = (codes.astype(jnp.int8) + _OFFSET[qtype]).astype(jnp.uint8)
        low, high = jnp.split(_in_blocks(codes, axis, length), 2, axis + 1)
        shape, _ = stored_shapes(kernel.shape, qtype, axis, block_size)
        codes = (low | high << 4).reshape(shape)
    return codes, quantized.scale


def dequantize(codes: jax.Array, scales: jax.Array, qtype: str, axis: int) -> jax.Array:
    """Returns the float32 kernel that codes and scales stand for.

    Args:
        codes: As from `quantize`.
        scales: Likewise.
        qtype: "int8", "int4" or "nf4".
        axis: Along which blocks lie.
    """
    codes = _in_blocks(codes, axis, codes.shape[axis] // scales.shape[axis])
    if qtype in _OFFSET:
        codes = jnp.concatenate([codes & 15, codes >> 4], axis + 1)
    if qtype == "nf4":
        wide = _nf4_values(codes)
    else:
        wide = (codes.astype(jnp.int32) - _OFFSET.get(qtype, 0)).astype(jnp.float32)
    wide = wide * jnp.expand_dims(scales, axis + 1)
    return wide.reshape(*wide.shape[:axis], -1, *wide.shape[axis + 2 :])


def _in_blocks(x: jax.Array, axis: int, length: int) -> jax.Array:
    return x.reshape(*x.shape[:axis], -1, length, *x.shape[axis + 1 :])


def _nf4_values(codes: jax.Array) -> jax.Array:
    # Bit by bit the candidates halve: 15 selections an entry, where TPUs gather one entry a time.
    codes = codes.astype(jnp.int32)
    values = [jnp.float32(value) for value in NF4]
    for bit in range(4):
        is_set = (codes >> bit) & 1 == 1
        values = [
            jnp.where(is_set, odd, even)
            for even, odd in zip(values[::2], values[1::2], strict=True)
        ]
    return values[0]
