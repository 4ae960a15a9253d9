"""A number that tells one model's parameters from another's."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


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
        place = jnp.zeros(leaf.shape, jnp.uint32)
        for axis, length in enumerate(leaf.shape):
            place = place * jnp.uint32(length) + jax.lax.broadcasted_iota(
                jnp.uint32, leaf.shape, axis
            )
        mixed = _mix(_mix(place + jnp.uint32(number * 0x9E3779B1 % 2**32)) ^ bits)
        total += jnp.sum(mixed, dtype=jnp.uint32)
    return total


def _mix(x: jax.Array) -> jax.Array:
    # The finaliser of MurmurHash3 (Appleby, public domain).
    x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
    return x ^ (x >> 16)
