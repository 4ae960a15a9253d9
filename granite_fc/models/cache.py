"""The key/value cache."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from granite_fc.models.config import DecoderConfig
from granite_fc.models.logical import constrain

# The axes of keys and values.
KEPT_AXES = (None, "activation_batch", "activation_kv_heads", "activation_kv_length", None)


class Cache(NamedTuple):
    """Keys and values of the positions seen so far, one slot each.

    All rows write the same slots. A row with nothing to write in a call (the padding after a short
    prompt) writes slots of segment 0, which nobody attends to; what a query sees is decided by
    `segment_ids` and `positions`, never by the slot.

    Attributes:
        keys: `[layers, batch, kv_heads, slots, head_dim]` of the compute type.
        values: As `keys`.
        positions: int32 `[batch, slots]`.
        segment_ids: int32 `[batch, slots]`; 0 where nothing was written.
        slot: int32 scalar, the next slot to write.
    """

    keys: jax.Array
    values: jax.Array
    positions: jax.Array
    segment_ids: jax.Array
    slot: jax.Array


def init_cache(config: DecoderConfig, batch: int, length: int) -> Cache:
    """Returns an empty cache.

    Args:
        config: The decoder's shape.
        batch: Number of rows.
        length: Number of slots: the positions of all calls together, padding included.
    """
    shape = (config.num_layers, batch, config.num_kv_heads, length, config.head_dim)
    return Cache(
        keys=constrain(jnp.zeros(shape, config.compute_dtype), *KEPT_AXES),
        values=constrain(jnp.zeros(shape, config.compute_dtype), *KEPT_AXES),
        positions=jnp.zeros((batch, length), jnp.int32),
        segment_ids=jnp.zeros((batch, length), jnp.int32),
        slot=jnp.zeros((), jnp.int32),
    )
