"""Biases, whose gradients are sums over all positions of all devices."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from granite_fc.models.logical import AxisNames, constrain, gathered, ways

# The axis that only wide biases have: those of the MLP's inner layer.
WIDE = "mlp_bias"


def in_parts(biases: jax.Array, batch: int, length: int) -> jax.Array:
    """Gives each part of the batch a copy of wide biases, with a gradient of its own.

    The parts' gradients are then summed for all layers at once, into the parts that are stored.
    Summed layer by layer, they would be too small for that: every device would receive all.

    Args:
        biases: `[layers, width]`, of the logical axes ("layers", "mlp_bias").
        batch: Rows of the batch.
        length: Positions of a row.

    Returns:
        `[layers, parts of the batch, parts of the length, width]`, or `biases` where nothing is
        cut.
    """
    rows, positions = ways("activation_batch", batch), ways("activation_length", length)
    if rows == positions == 1:
        return biases
    layers, width = biases.shape
    copies = jnp.broadcast_to(biases[:, None, None], (layers, rows, positions, width))
    axes = ("layers", "activation_batch", "activation_length", "activation_mlp")
    return constrain(copies, *axes)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def add_bias(y: jax.Array, bias: jax.Array, axes: AxisNames) -> jax.Array:
    """Adds a bias, whose gradient is summed over positions in float32, by a matrix product.

    Args:
        y: `[batch, length, *outputs]`.
        bias: `[*outputs]` as stored, or a layer of what `in_parts` returned; it is used in the type
            of `y`.
        axes: The logical names of the outputs' axes.

    Returns:
        An array of the shape and type of `y`.
    """
    bias = bias.astype(y.dtype)
    if bias.ndim == len(axes):
        return y + gathered(bias, axes)
    return (_cut(y, bias) + bias[:, None, :, None]).reshape(y.shape)


def _forward(y: jax.Array, bias: jax.Array, axes: AxisNames) -> tuple[jax.Array, jax.Array]:
    return add_bias(y, bias, axes), bias


def _backward(axes: AxisNames, bias: jax.Array, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    # Beside a product with ones, a sum over rows takes TPUs several times as long.
    ones = jnp.ones(gradient.shape[:2], gradient.dtype)
    summed = functools.partial(jnp.einsum, preferred_element_type=jnp.float32)
    if bias.ndim == len(axes):
        to_bias = constrain(summed("bl,bl...->...", ones, gradient), *axes)
    else:
        of_parts = ("activation_batch", "activation_length", "activation_mlp")
        ones, cut = _cut(ones[..., None], bias)[..., 0], _cut(gradient, bias)
        to_bias = constrain(summed("sbtl,sbtlf->stf", ones, cut), *of_parts)
    return gradient, to_bias.astype(bias.dtype)


add_bias.defvjp(_forward, _backward)


def _cut(x: jax.Array, bias: jax.Array) -> jax.Array:
    """Splits `[batch, length, width]` as `bias`, `[parts, parts, width]`, is."""
    rows, positions, _ = bias.shape
    batch, length, width = x.shape
    return x.reshape(rows, batch // rows, positions, length // positions, width)
