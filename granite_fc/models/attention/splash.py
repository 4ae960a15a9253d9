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
from granite_fc.models.attention.blocks import needed_blocks
from granite_fc.models.attention.shards import attend_on_shards

# Larger blocks save loads of keys and values; smaller ones skip more of a packed row.
LARGEST_BLOCK = 512
_MASKED = -0.7 * float(jnp.finfo(jnp.float32).max)


def splash_attention(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    *,
    segment_ids: jax.Array,
    scale: float,
) -> jax.Array:
    """Attends as `reference_attention` does where rows are in the order of their positions.

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
    attend = functools.partial(_attend, interpret=logical.platform() != "tpu")
    # The kernel knows no scale.
    scaled = query * jnp.asarray(scale, query.dtype)
    return attend_on_shards(attend, scaled, key, value, segment_ids)


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
        # One backward kernel for all three gradients would leave a copy of the queries' for every
        # block of keys, to be summed afterwards.
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
    block = LARGEST_BLOCK
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
    needed = needed_blocks(q_ids, kv_ids, q_places, block_q, block_kv)

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
