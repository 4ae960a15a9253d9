"""Rotary position embedding."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np


def rope_frequencies(
    head_dim: int,
    theta: float,
    *,
    factor: float = 1.0,
    low_freq_factor: float = 1.0,
    high_freq_factor: float = 4.0,
    original_positions: int = 8192,
) -> np.ndarray:
    """Returns by how many radians each pair of a head turns from one position to the next.

    Pair `i` turns by `theta ** (-2 i / head_dim)`. Llama 3.1 stretches this for rows longer than it
    was pretrained on ("llama3" in transformers): pairs that turn fewer than `low_freq_factor` times
    within `original_positions` turn `factor` times as slowly, those that turn more than
    `high_freq_factor` times as before, and those between by a straight line from one to the other.

    Args:
        head_dim: Even width of a head.
        theta: Base of the wavelengths.
        factor: How much slower the slowest pairs turn; 1 changes none.
        low_freq_factor: Turns.
        high_freq_factor: Turns, more than `low_freq_factor`.
        original_positions: The rows of pretraining before they were lengthened.

    Returns:
        A float32 array `[head_dim // 2]`.
    """
    frequencies = theta ** (-np.arange(0, head_dim, 2) / head_dim)
    turns = original_positions * frequencies / (2 * math.pi)
    kept = np.clip((turns - low_freq_factor) / (high_freq_factor - low_freq_factor), 0.0, 1.0)
    return (frequencies * (kept + (1 - kept) / factor)).astype(np.float32)


def rope_tables(positions: jax.Array, frequencies: np.ndarray) -> tuple[jax.Array, jax.Array]:
    """Returns the cosines and sines of every position's angles.

    Args:
        positions: int32 `[batch, length]`.
        frequencies: What `rope_frequencies` returned.

    Returns:
        Two float32 arrays `[batch, length, head_dim // 2]`.
    """
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
