"""Integers that look random, from other integers, in a few elementwise operations."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp


def mix(x: jax.Array) -> jax.Array:
    """Returns a uint32 array of which every bit depends on all bits of the entry in `x`.

    One to one: the finaliser of MurmurHash3 (Appleby, public domain).
    """
    x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
    return x ^ (x >> 16)


def places(shape: Sequence[int]) -> jax.Array:
    """Returns the uint32 array of this shape that counts its entries, modulo 2^32."""
    place = jnp.zeros(shape, jnp.uint32)
    for axis, length in enumerate(shape):
        along = jax.lax.broadcasted_iota(jnp.uint32, tuple(shape), axis)
        place = place * jnp.uint32(length) + along
    return place
