"""Rotary position embedding."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def rope_tables(positions: jax.Array, head_dim: int, theta: float) -> tuple[jax.Array, jax.Array]:
    """Returns the cosines and sines of every position's angles.

    Pair `i` of a head turns by `position * theta ** (-2 i / head_dim)` radians.

    Args:
        positions: int32 `[batch, length]`.
        head_dim: Even width of a head.
        theta: Base of the wavelengths.

    Returns:
        Two float32 arrays `[batch, length, head_dim // 2]`.
    """
    frequencies = theta ** (-jnp.arange(0, head_dim, 2, dtype=jnp.float32) / head_dim)
    angles = positions[..., None].astype(jnp.float32) * frequencies
    return jnp.cos(angles), jnp.sin(angles)


def apply_rope(x: jax.Array, tables: tuple[jax.Array, jax.Array]) -> jax.Array:
    """Turns queries or keys by their positions.

    A pair is entry `i` of a head's first half with entry `i` of its second half, the order of
    Hugging Face's weights.

    Args:
        x: `[batch, length, heads, head_dim]`.
        tables: What `rope_tables` returned for the same positions.

    Returns:
        An array of the shape and type of `x`; computed in float32.
    """
    cos, sin = (table[:, :, None, :] for table in tables)
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    turned = jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)
    return turned.astype(x.dtype)
