"""Kernels as codes of four or eight bits with a scale for each block.

Qwix quantises; decoding is ours, since it runs in every layer of every step: a lookup that is
elementwise, so that it splits over devices as the codes do.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import qwix

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
# Codes of both four-bit types are stored as signed integers: tensorstore knows no unsigned ones.
_NF4_OFFSET = 8
_CODES = {"int8": jnp.int8, "int4": jnp.int4, "nf4": jnp.int4}


def block_length(length: int, block_size: int) -> int:
    """Returns the largest divisor of an axis' length that is at most `block_size`."""
    return next(size for size in range(min(block_size, length), 0, -1) if length % size == 0)


def code_dtype(qtype: str) -> jnp.dtype:
    """Returns the type that codes are stored in."""
    return jnp.dtype(_CODES[qtype])


def scales_shape(shape: Sequence[int], axis: int, block_size: int) -> tuple[int, ...]:
    """Returns the shape of the scales of a kernel with blocks along `axis`."""
    blocks = shape[axis] // block_length(shape[axis], block_size)
    return (*shape[:axis], blocks, *shape[axis + 1 :])


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
        The codes, of the kernel's shape; and float32 scales of shape `scales_shape`.
    """
    length = block_length(kernel.shape[axis], block_size)
    quantized = qwix.quantize(
        kernel.astype(jnp.float32),
        "nf4" if qtype == "nf4" else code_dtype(qtype),
        channelwise_axes=[i for i in range(kernel.ndim) if i != axis],
        tiled_axes={axis: length},
    )
    codes = quantized.qvalue
    if qtype == "nf4":
        codes = (codes.astype(jnp.int8) - _NF4_OFFSET).astype(code_dtype(qtype))
    return codes, quantized.scale


def dequantize(codes: jax.Array, scales: jax.Array, qtype: str, axis: int) -> jax.Array:
    """Returns the float32 kernel that codes and scales stand for.

    Args:
        codes: As from `quantize`.
        scales: Likewise.
        qtype: "int8", "int4" or "nf4".
        axis: Along which blocks lie.
    """
    shape, blocks = codes.shape, scales.shape[axis]
    wide = _nf4_values(codes) if qtype == "nf4" else codes.astype(jnp.float32)
    wide = wide.reshape(*shape[:axis], blocks, shape[axis] // blocks, *shape[axis + 1 :])
    return (wide * jnp.expand_dims(scales, axis + 1)).reshape(shape)


def _nf4_values(codes: jax.Array) -> jax.Array:
    # Bit by bit the candidates halve: 15 selections an entry, where TPUs gather one entry a time.
    indices = codes.astype(jnp.int32) + _NF4_OFFSET
    values = [jnp.float32(value) for value in NF4]
    for bit in range(4):
        is_set = (indices >> bit) & 1 == 1
        values = [
            jnp.where(is_set, odd, even)
            for even, odd in zip(values[::2], values[1::2], strict=True)
        ]
    return values[0]
