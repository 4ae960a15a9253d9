"""A number that tells one model's parameters from another's."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from granite_fc.models.hashing import mix, places


def fingerprint(params: Any) -> jax.Array:
    """Returns a uint32 scalar of the parameters' bits and their order.

    It is a sum of integers, so that it is the same however the arrays are laid out over devices.
    It guards against mistakes, not against intent.

    Args:
        params: Tree of arrays of 16 or 32 bits an entry.
    """
    total = jnp.zeros((), jnp.uint32)
    for number, leaf in enumerate(jax.tree.leaves(params)):
        unsigned = jnp.uint16 if leaf.dtype.itemsize == 2 else jnp.uint32
        bits = jax.lax.bitcast_convert_type(leaf, unsigned).astype(jnp.uint32)
        place = places(leaf.shape) + jnp.uint32(number * 0x9E3779B1 % 2**32)
        total += jnp.sum(mix(mix(place) ^ bits), dtype=jnp.uint32)
    return total
