"""Causal attention within segments in plain JAX: what every kernel is tested against."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from granite_fc.models import remat
from granite_fc.models.dropout import dropout

# Finite, so that rows with nothing to attend to stay free of NaN, forwards and backwards.
MASKED = -1e30


def reference_attention(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    *,
    q_segment_ids: jax.Array,
    kv_segment_ids: jax.Array,
    q_positions: jax.Array,
    kv_positions: jax.Array,
    scale: float,
    dropout_rate: float = 0.0,
    dropout_key: jax.Array | None = None,
    block: int = 1024,
) -> jax.Array:
    """Attends from every query to the keys of its segment that do not lie after it.

    Key/value heads are shared by groups of `heads // kv_heads` query heads and are not repeated in
    memory. Scores and softmax are float32 whatever the operands' type.

    Args:
        query: `[batch, q_length, heads, head_dim]`.
        key: `[batch, kv_length, kv_heads, head_dim]`.
        value: `[batch, kv_length, kv_heads, head_dim]`.
        q_segment_ids: int32 `[batch, q_length]`; 0 is no segment.
        kv_segment_ids: int32 `[batch, kv_length]`; a query sees the keys of its own number only,
            and 0 sees nothing.
        q_positions: int32 `[batch, q_length]`, counted within the segment.
        kv_positions: int32 `[batch, kv_length]`; a query sees positions up to its own.
        scale: Scores are multiplied by it.
        dropout_rate: Share of the attention weights to drop.
        dropout_key: A PRNG key; None switches dropout off.
        block: Most queries per row that are scored at once; longer rows are computed block by block
            and recomputed in the backward pass.

    Returns:
        `[batch, q_length, heads, head_dim]` of `query`'s type; zeros where a query sees nothing.
    """
    attend = functools.partial(
        _attend_block,
        key=key,
        value=value,
        kv_segment_ids=kv_segment_ids,
        kv_positions=kv_positions,
        scale=scale,
        dropout_rate=dropout_rate,
    )
    length = query.shape[1]
    num_blocks = -(-length // block)
    if num_blocks == 1:
        return _named(attend(query, q_segment_ids, q_positions, dropout_key))

    block = -(-length // num_blocks)
    pad = num_blocks * block - length

    def split(x: jax.Array) -> jax.Array:
        # A block takes every num_blocks-th query, so that a length spread over devices stays spread
        # in each block.
        x = jnp.pad(x, [(0, 0), (0, pad)] + [(0, 0)] * (x.ndim - 2))
        return jnp.moveaxis(x.reshape(x.shape[0], block, num_blocks, *x.shape[2:]), 2, 0)

    def body(arguments: tuple[jax.Array, ...]) -> jax.Array:
        index, queries, segment_ids, positions = arguments
        block_key = None if dropout_key is None else jax.random.fold_in(dropout_key, index)
        return attend(queries, segment_ids, positions, block_key)

    blocks = jax.lax.map(
        jax.checkpoint(body, prevent_cse=False),
        (jnp.arange(num_blocks), split(query), split(q_segment_ids), split(q_positions)),
    )
    merged = jnp.moveaxis(blocks, 0, 2).reshape(
        query.shape[0], block * num_blocks, *query.shape[2:]
    )
    return _named(merged[:, :length])


def _named(mixed: jax.Array) -> jax.Array:
    return checkpoint_name(mixed, remat.ATTENTION_OUTPUT)


def _attend_block(
    query: jax.Array,
    q_segment_ids: jax.Array,
    q_positions: jax.Array,
    dropout_key: jax.Array | None,
    *,
    key: jax.Array,
    value: jax.Array,
    kv_segment_ids: jax.Array,
    kv_positions: jax.Array,
    scale: float,
    dropout_rate: float,
) -> jax.Array:
    batch, length, heads, head_dim = query.shape
    kv_heads = key.shape[2]
    # Heads before lengths: with the transposition left to the products themselves, CPUs take four
    # times as long.
    grouped = query.reshape(batch, length, kv_heads, heads // kv_heads, head_dim)
    grouped = grouped.transpose(0, 2, 3, 1, 4)
    key, value = key.transpose(0, 2, 1, 3), value.transpose(0, 2, 1, 3)
    scores = jnp.einsum("bkgqd,bksd->bkgqs", grouped, key, preferred_element_type=jnp.float32)
    q_segment_ids, q_positions = q_segment_ids[:, :, None], q_positions[:, :, None]
    visible = (
        (q_segment_ids == kv_segment_ids[:, None, :])
        & (q_segment_ids > 0)
        & (q_positions >= kv_positions[:, None, :])
    )
    # Added rather than selected: beside it every real score vanishes, and CPUs add several times
    # faster than they select.
    bias = jnp.where(visible, 0.0, MASKED)[:, None, None]
    weights = jax.nn.softmax(scale * scores + bias, axis=-1)
    weights = dropout(weights.astype(value.dtype), dropout_rate, dropout_key)
    mixed = jnp.einsum("bkgqs,bksd->bkgqd", weights, value, preferred_element_type=jnp.float32)
    sees_any = visible.any(-1)[:, None, None, :, None]
    mixed = jnp.where(sees_any, mixed, 0.0).astype(query.dtype).transpose(0, 3, 1, 2, 4)
    return mixed.reshape(batch, length, heads, head_dim)
