"""Dropout with explicit keys."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from granite_fc.models.hashing import mix, places

_LEVELS = 1 << 32


def dropout(x: jax.Array, rate: float, key: jax.Array | None) -> jax.Array:
    """Zeroes a share of the entries and scales the others up, so that the expectation stays.

    Which entries does not depend on how `x` is laid out over devices.

    Args:
        x: Any array.
        rate: Share to drop, in [0, 1).
        key: A PRNG key used nowhere else; None switches dropout off.

    Returns:
        An array of the shape and type of `x`.
    """
    dropped_levels = round(rate * _LEVELS)
    if key is None or dropped_levels == 0:
        return x
    keep = _bits(key, x.shape) >= jnp.uint32(dropped_levels)
    scale = _LEVELS / (_LEVELS - dropped_levels)
    return jnp.where(keep, x * jnp.asarray(scale, x.dtype), jnp.zeros((), x.dtype))


def _bits(key: jax.Array, shape: Sequence[int]) -> jax.Array:
    # The key's generator seeds a hash of each entry's row and column. JAX's own generator takes ten
    # times the operations for each entry, and compilers for TPUs minutes with some of its loops.
    *rows, columns = shape or (1,)
    seed = jax.random.bits(key, (3,), jnp.uint32)
    first = mix(mix(places((*rows, 1)) + seed[0]) ^ seed[1])
    second = mix(first ^ seed[2])
    column = jax.lax.broadcasted_iota(jnp.uint32, (*rows, columns), len(rows))
    return mix(mix(column * jnp.uint32(0x9E3779B1) + first) ^ second).reshape(shape)
