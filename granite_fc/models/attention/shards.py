"""How a kernel's call is cut over devices."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from granite_fc.models import logical

# What the kernels' blocks are multiples of.
SMALLEST_BLOCK = 128

Kernel = Callable[
    [jax.Array, jax.Array, jax.Array, jax.Array, jax.Array, jax.Array],
    jax.Array,
]


def servable(q_length: int, kv_length: int) -> bool:
    """Returns whether rows of this length, cut as they are, make whole blocks."""
    parts = logical.ways("activation_length", q_length)
    return q_length == kv_length and q_length % (SMALLEST_BLOCK * parts) == 0


def attend_on_shards(
    kernel: Kernel, query: jax.Array, key: jax.Array, value: jax.Array, segment_ids: jax.Array
) -> jax.Array:
    """Calls a kernel on every device's queries, with the keys and values that these may see.

    Queries are cut along the row, keys and values are whole there. Heads are cut, and key/value
    heads with them: repeated where there are fewer than parts, unless there is only one.

    Args:
        kernel: From queries `[batch, q_length, heads, head_dim]`, keys and values `[batch,
            kv_length, kv_heads, head_dim]`, the segment ids of both and the queries' places in the
            row, int32 `[q_length]`, to an array like the queries. A query sees the keys of its
            number that do not stand after it; number 0 counts like any other.
        query: `[batch, length, heads, head_dim]`.
        key: `[batch, length, kv_heads, head_dim]`.
        value: `[batch, length, kv_heads, head_dim]`.
        segment_ids: int32 `[batch, length]`; 0 is no segment.

    Returns:
        An array like `query`; zeros where there is no segment.
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
        kernel,
        query,
        key,
        value,
        segment_ids,
        segment_ids,
        jnp.arange(length, dtype=jnp.int32),
        in_axes=(q_axes, kv_axes, kv_axes, q_axes[:2], kv_axes[:2], q_axes[1:2]),
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
