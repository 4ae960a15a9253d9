"""Which blocks of queries and keys have anything to do with each other."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def needed_blocks(
    q_segment_ids: jax.Array,
    kv_segment_ids: jax.Array,
    q_places: jax.Array,
    block_q: int,
    block_kv: int,
) -> jax.Array:
    """Returns for each pair of blocks whether a query of one may see a key of the other.

    What it costs to attend within a packed row is then what its segments cost. Segment ids are
    compared by the range that a block spans, which is exact where they rise along the row.

    Args:
        q_segment_ids: int32 `[batch, q_length]`.
        kv_segment_ids: int32 `[batch, kv_length]`.
        q_places: int32 `[q_length]`, where the queries stand among the keys.
        block_q: Queries in a block; divides their number.
        block_kv: Keys in a block; divides their number.

    Returns:
        bool `[batch, q_blocks, kv_blocks]`; every block of queries needs that of its own place.
    """
    batch = q_segment_ids.shape[0]
    q_ids = _padding_last(q_segment_ids).reshape(batch, -1, block_q)
    kv_ids = _padding_last(kv_segment_ids).reshape(batch, -1, block_kv)
    kv_start = block_kv * jnp.arange(kv_ids.shape[1], dtype=jnp.int32)
    return (
        (kv_start <= q_places.reshape(-1, block_q).max(-1)[:, None])
        & (kv_ids.min(-1)[:, None, :] <= q_ids.max(-1)[:, :, None])
        & (kv_ids.max(-1)[:, None, :] >= q_ids.min(-1)[:, :, None])
    )


def _padding_last(segment_ids: jax.Array) -> jax.Array:
    """Renames number 0 so that ids still rise where a row ends in padding."""
    return jnp.where(segment_ids == 0, jnp.iinfo(jnp.int32).max, segment_ids)
