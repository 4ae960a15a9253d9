"""How parameters begin.

* Embedding tables: normal with standard deviation `initializer_range`.
* Matrices that read the residual stream: normal with `initializer_range / sqrt(logits_scaling)`. In
  the granite family `logits_scaling` is the width relative to 256, so this is the maximal-update
  parametrisation's rule for matrices (Yang et al. 2022, "Tensor Programs V"); in the others it is 1
  and the rule is plain.
* Matrices that write to it (the attention's and the MLP's output): the same over `sqrt(2 *
  num_layers)`, so that the residual stream's variance does not grow with depth (Radford et al.
  2019, GPT-2).
* Biases 0, norm scales 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from granite_fc.models.config import DecoderConfig


def matrix_std(config: DecoderConfig) -> float:
    """Standard deviation of a matrix that reads the residual stream."""
    return config.initializer_range / math.sqrt(config.logits_scaling)


def output_matrix_std(config: DecoderConfig) -> float:
    """Standard deviation of a matrix that writes to the residual stream."""
    return matrix_std(config) / math.sqrt(2 * config.num_layers)


def normal(key: jax.Array, shape: Sequence[int], std: float, dtype: str) -> jax.Array:
    """Draws from a normal distribution; computed in float32 whatever `dtype` is."""
    return (std * jax.random.normal(key, tuple(shape), jnp.float32)).astype(dtype)
