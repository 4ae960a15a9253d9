"""Attention on TPUs: JAX's splash kernel, made to skip what packing leaves empty.

The kernel works through blocks of queries and keys and holds no `[length, length]` array. Which
blocks it visits it reads from small tables. JAX builds these from a mask known in advance; here
they are computed from the segment ids of the row at hand, so that a row packed with many short
segments costs what the segments cost and not what its length would.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from jax.experimental.pallas.ops.tpu.splash_attention import (
    splash_attention_kernel,
    splash_attention_mask_info,
)

from granite_fc.models import logical, remat

# Lanes of a TPU's vector unit: blocks are multiples of it.
_LANES = 128
# Larger blocks save loads of keys and values and cost memory on the chip.
_LARGEST_BLOCK = 512
_MASKED = -0.7 * float(jnp.finfo(jnp.float32).max)


def servable(q_length: int, kv_length: int) -> bool:
    """Returns whether the kernel can attend within rows of this length as they are laid out."""
    parts = logical.ways("activation_length", q_length)
    return q_length == kv_length and q_length % (_LANES * parts) == 0


def splash_attention(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    *,
    segment_ids: jax.Array,
    scale: float,
) -> jax.Array:
    """Attends as `reference_attention` does where rows are in the order of their positions.

    Queries are cut over devices along the row; keys and values are whole there. Heads are cut, and
    key/value heads with them: repeated where there are fewer than parts, unless there is only one.

    Args:
        query: `[batch, length, heads, head_dim]`.
        key: `[batch, length, kv_heads, head_dim]`.
        value: `[batch, length, kv_heads, head_dim]`.
        segment_ids: int32 `[batch, length]`; 0 is no segment. In a row, positions rise within each
            segment.
        scale: Scores are multiplied by it.

    Returns:
        `[batch, length, heads, head_dim]` of `query`'s type; zeros where there is no segment.
    """
    length, heads = query.shape[1:3]
    kv_heads = key.shape[2]
    repeats = _repeats(heads, kv_heads)
    if repeats > 1:
        key, value = (jnp.repeat(x, repeats, axis=2) for x in (key, value))
    q_axes = ("activation_batch", "activation_length", "activation_heads", None)
    kv_axes = (
        "activation_batch",
        "activation_kv_length",
        None if kv_heads == 1 else "activation_kv_heads",
        None,
    )
    mixed = logical.on_shards(
        functools.partial(_attend, interpret=logical.platform() != "tpu"),
        query * jnp.asarray(scale, query.dtype),
        key,
        value,
        segment_ids,
        segment_ids,
        jnp.arange(length, dtype=jnp.int32),
        in_axes=(
            q_axes,
            kv_axes,
            kv_axes,
            ("activation_batch", "activation_length"),
            ("activation_batch", "activation_kv_length"),
            ("activation_length",),
        ),
        out_shape=query.shape,
        out_axes=q_axes,
    )
    return jnp.where((segment_ids > 0)[:, :, None, None], mixed, 0)


def _repeats(heads: int, kv_heads: int) -> int:
    """Returns how often each key/value head is repeated so that its query heads' parts hold it."""
    parts = logical.ways("activation_heads", heads)
    if kv_heads == 1 or kv_heads % parts == 0:
        return 1
    return next(n for n in range(1, heads // kv_heads + 1) if (kv_heads * n) % parts == 0)


def _attend(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    q_segment_ids: jax.Array,
    kv_segment_ids: jax.Array,
    q_places: jax.Array,
    *,
    interpret: bool,
) -> jax.Array:
    """Attends on one device, with `q_places` the places of its queries in the whole row."""
    batch, q_length, heads, head_dim = query.shape
    kv_length = key.shape[1]
    block_q, block_kv = _block(q_length), _block(kv_length)
    tables = _tables(q_segment_ids, kv_segment_ids, q_places, block_q, block_kv)
    # The rows of the batch are to the kernel one row, whose blocks off the diagonal no table names.
    places = q_places + kv_length * jnp.arange(batch, dtype=jnp.int32)[:, None]
    rows = _mask_info(tables.next_kv, tables.rows_need, places)
    columns = _mask_info(tables.next_q, tables.columns_need, places)
    is_mqa = key.shape[2] == 1
    kernel = splash_attention_kernel.SplashAttentionKernel(
        fwd_mask_info=rows,
        dq_mask_info=rows,
        dkv_mask_info=columns,
        is_mqa=is_mqa,
        save_residuals=False,
        mask_value=_MASKED,
        attn_logits_soft_cap=None,
        mask_function=_causal,
        residual_checkpoint_name=remat.ATTENTION_OUTPUT,
        interpret=interpret,
        block_sizes=splash_attention_kernel.BlockSizes(
            block_q=block_q,
            block_kv=block_kv,
            block_q_dkv=block_q,
            block_kv_dkv=block_kv,
            block_q_dq=block_q,
            block_kv_dq=block_kv,
        ),
    )

    def heads_first(x: jax.Array) -> jax.Array:
        return jnp.swapaxes(x.reshape(-1, *x.shape[2:]), 0, 1)

    query, key, value = (heads_first(x) for x in (query, key, value))
    if is_mqa:
        key, value = key[0], value[0]
    segment_ids = splash_attention_kernel.SegmentIds(
        q=q_segment_ids.reshape(-1), kv=kv_segment_ids.reshape(-1)
    )
    # Without residuals asked for, the kernel returns the one array.
    mixed = cast(jax.Array, kernel(query, key, value, segment_ids))
    return jnp.swapaxes(mixed, 0, 1).reshape(batch, q_length, heads, head_dim)


def _block(length: int) -> int:
    block = _LARGEST_BLOCK
    while length % block:
        block //= 2
    return block


class _Tables(NamedTuple):
    """Which blocks the kernel computes, and which it fetches next.

    The forward kernel and the one for the queries' gradient walk through a row of blocks for each
    block of queries; the one for the keys' and values' through a column for each block of keys.

    Attributes:
        rows_need: `[batch * q_blocks, kv_blocks]`, whether any query of a block may see any key of
            a block of the same row of the batch.
        next_kv: Of the same shape, the block of keys that is needed next, out of those of all rows.
        columns_need: `[q_blocks, batch * kv_blocks]`, as `rows_need`.
        next_q: Of the same shape, the block of queries that is needed next.
    """

    rows_need: jax.Array
    next_kv: jax.Array
    columns_need: jax.Array
    next_q: jax.Array


def _tables(
    q_ids: jax.Array, kv_ids: jax.Array, q_places: jax.Array, block_q: int, block_kv: int
) -> _Tables:
    batch = q_ids.shape[0]
    q_ids, kv_ids = q_ids.reshape(batch, -1, block_q), kv_ids.reshape(batch, -1, block_kv)
    kv_start = block_kv * jnp.arange(kv_ids.shape[1], dtype=jnp.int32)
    needed = (
        (kv_start <= q_places.reshape(-1, block_q).max(-1)[:, None])
        & (kv_ids.min(-1)[:, None, :] <= q_ids.max(-1)[:, :, None])
        & (kv_ids.max(-1)[:, None, :] >= q_ids.min(-1)[:, :, None])
    )

    def walk(needed: jax.Array) -> tuple[jax.Array, jax.Array]:
        lines = needed.reshape(-1, needed.shape[2])
        return lines.astype(jnp.int8), _next_needed(needed).reshape(lines.shape)

    rows_need, next_kv = walk(needed)
    columns_need, next_q = walk(jnp.swapaxes(needed, 1, 2))
    return _Tables(rows_need, next_kv, columns_need.T, next_q.T)


def _next_needed(needed: jax.Array) -> jax.Array:
    """Returns which block the first True at or after each entry names, in row-major order.

    Args:
        needed: bool `[batch, lines, blocks]`.

    Returns:
        int32 of the same shape, out of `batch * blocks`; after the last True that one again, which
        keeps the kernel from fetching anything more.
    """
    _, lines, blocks = needed.shape
    flat = needed.reshape(-1)
    index = jnp.arange(flat.size, dtype=jnp.int32)
    last = jnp.max(jnp.where(flat, index, 0))
    first_after = jax.lax.cummin(jnp.where(flat, index, last), reverse=True)
    return (first_after // (lines * blocks) * blocks + first_after % blocks).reshape(needed.shape)


def _mask_info(
    needed_next: jax.Array, needed: jax.Array, places: jax.Array
) -> splash_attention_mask_info.MaskInfo:
    return splash_attention_mask_info.MaskInfo(
        data_next=needed_next[None],
        mask_next=None,
        block_mask=needed[None],
        partial_mask_blocks=None,
        # Annotated as a constant; the kernel reads it as any other array.
        q_sequence=cast(Any, places.reshape(-1)),
    )


def _causal(q_places: jax.Array, kv_places: jax.Array) -> jax.Array:
    return q_places >= kv_places
