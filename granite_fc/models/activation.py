"""The MLP's nonlinearity, with or without a gate, and its derivative as one pass."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def activate(activation: str, x: jax.Array, gated: jax.Array | None) -> jax.Array:
    """Applies an activation, and lets the result gate another array.

    The derivative is the usual one. It is spelt out so that the two of a gated activation are
    finished before the matrix products that need them begin: each of these would otherwise work
    them out again for every tile.

    Args:
        activation: Its name in `DecoderConfig`.
        x: What is activated, computed in float32.
        gated: What the result is multiplied with, of the shape of `x`, or None.

    Returns:
        An array of the shape and type of `x`.
    """
    return _compute(activation, x, gated)


def _compute(activation: str, x: jax.Array, gated: jax.Array | None) -> jax.Array:
    y = _FUNCTIONS[activation](x.astype(jnp.float32))
    if gated is not None:
        y = y * gated.astype(jnp.float32)
    return y.astype(x.dtype)


def _forward(
    activation: str, x: jax.Array, gated: jax.Array | None
) -> tuple[jax.Array, tuple[jax.Array, jax.Array | None]]:
    return activate(activation, x, gated), (x, gated)


def _backward(
    activation: str, saved: tuple[jax.Array, jax.Array | None], gradient: jax.Array
) -> tuple[jax.Array, jax.Array | None]:
    _, pull_back = jax.vjp(functools.partial(_compute, activation), *saved)
    gradients = pull_back(gradient)
    return gradients if saved[1] is None else jax.lax.optimization_barrier(gradients)


activate.defvjp(_forward, _backward)


def _gelu(x: jax.Array) -> jax.Array:
    return 0.5 * x * (1.0 + jax.lax.erf(x / math.sqrt(2.0)))


_FUNCTIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "silu": jax.nn.silu,
    "gelu": _gelu,
    "gelu_tanh": functools.partial(jax.nn.gelu, approximate=True),
}
