"""Attention of a few new positions to those in a cache and to each other."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from granite_fc.models.attention.reference import MASKED


class Kept(NamedTuple):
    """Keys and values of one layer that are kept from earlier calls.

    Attributes:
        keys: `[batch, kv_heads, slots, head_dim]`: as products read them.
        values: As `keys`.
        positions: int32 `[batch, slots]`.
        segment_ids: int32 `[batch, slots]`; 0 where a slot is empty.
    """

    keys: jax.Array
    values: jax.Array
    positions: jax.Array
    segment_ids: jax.Array


def cached_attention(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    *,
    segment_ids: jax.Array,
    positions: jax.Array,
    kept: Kept,
    scale: float,
) -> jax.Array:
    """Attends as `reference_attention` would to what is kept and what is new, one after the other.

    The two are not joined, since that would copy what is kept.

    Args:
        query: `[batch, length, heads, head_dim]`.
        key: `[batch, length, kv_heads, head_dim]`; `kv_heads` divides `heads`.
        value: As `key`.
        segment_ids: int32 `[batch, length]`, of the new positions; 0 is no segment.
        positions: int32 `[batch, length]`, counted within the segment.
        kept: The earlier positions.
        scale: Scores are multiplied by it.

    Returns:
        An array like `query`; zeros where a query sees nothing.
    """
    batch, length, heads, head_dim = query.shape
    kv_heads = key.shape[2]
    grouped = query.reshape(batch, length, kv_heads, heads // kv_heads, head_dim)
    grouped = grouped.transpose(0, 2, 3, 1, 4)
    new = Kept(key.transpose(0, 2, 1, 3), value.transpose(0, 2, 1, 3), positions, segment_ids)

    def scores(of: Kept) -> jax.Array:
        visible = (
            (segment_ids[:, :, None] == of.segment_ids[:, None, :])
            & (segment_ids[:, :, None] > 0)
            & (positions[:, :, None] >= of.positions[:, None, :])
        )
        products = jnp.einsum(
            "bkgqd,bksd->bkgqs", grouped, of.keys, preferred_element_type=jnp.float32
        )
        return scale * products + jnp.where(visible, 0.0, MASKED)[:, None, None]

    both = scores(kept), scores(new)
    largest = jnp.maximum(*(x.max(-1, keepdims=True) for x in both))
    weights = tuple(jnp.exp(x - largest) for x in both)
    total = sum(x.sum(-1, keepdims=True) for x in weights)
    mixed = sum(
        jnp.einsum(
            "bkgqs,bksd->bkgqd",
            (x / total).astype(value.dtype),
            of.values,
            preferred_element_type=jnp.float32,
        )
        for x, of in zip(weights, (kept, new), strict=True)
    )
    # A position of a segment sees at least itself.
    mixed = jnp.where((segment_ids > 0)[:, None, None, :, None], mixed, 0.0)
    mixed = mixed.astype(query.dtype).transpose(0, 3, 1, 2, 4)
    return mixed.reshape(batch, length, heads, head_dim)
