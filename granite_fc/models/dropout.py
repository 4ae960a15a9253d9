"""Dropout with explicit keys."""

from __future__ import annotations

import jax
import jax.numpy as jnp

_LEVELS = 1 << 16


def dropout(x: jax.Array, rate: float, key: jax.Array | None) -> jax.Array:
    """Zeroes a share of the entries and scales the others up, so that the expectation stays.

    Args:
        x: Any array.
        rate: Share to drop, in [0, 1); taken to the nearest 1/65536, with the scale to match.
        key: A PRNG key used nowhere else; None switches dropout off.

    Returns:
        An array of the shape and type of `x`.
    """
    dropped_levels = round(rate * _LEVELS)
    if key is None or dropped_levels == 0:
        return x
    # Sixteen bits an entry cost half of what a float's thirty-two would.
    keep = jax.random.bits(key, x.shape, jnp.uint16) >= jnp.uint16(dropped_levels)
    scale = _LEVELS / (_LEVELS - dropped_levels)
    return jnp.where(keep, x * jnp.asarray(scale, x.dtype), jnp.zeros((), x.dtype))
