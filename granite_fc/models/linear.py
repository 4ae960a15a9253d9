"""Matrix products of activations and kernels, with gradients in the kernel's own layout."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax.experimental.layout import Layout, with_layout_constraint

from granite_fc.models.logical import AxisNames, constrain, gathered, on_shards


def linear(x: jax.Array, kernel: jax.Array, num_inputs: int, axes: AxisNames) -> jax.Array:
    """Contracts the last `num_inputs` axes of `x` with the first of `kernel`.

    The derivative is the usual one. It is spelt out for two reasons. What a backward pass keeps is
    the kernel as it is stored: it is gathered again where it is used again, so that no policy of
    rematerialisation ever holds more than one layer whole. And JAX's own derivative computes the
    kernel's gradient transposed, for which XLA on CPUs falls back to a product that is four times
    as slow.

    Args:
        x: `[batch, length, *inputs]`.
        kernel: `[*inputs, *outputs]`, as stored; it is used in the type of `x`.
        num_inputs: Number of input axes.
        axes: The logical names of the kernel's axes.

    Returns:
        `[batch, length, *outputs]`, of the type of `x`.
    """
    if kernel.ndim - num_inputs > 1:
        kernel = _in_order(kernel, axes)
    return _linear(x, kernel, num_inputs, axes)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _in_order(kernel: jax.Array, axes: AxisNames) -> jax.Array:
    """Holds a kernel to the order in memory that it is stored in.

    Products with several output axes are faster on TPUs with these in another order. XLA would
    bring the float32 kernels of all layers into it before the loop over them, and keep them beside
    the parameters until its end; from here on it has one layer's to do so with.
    """
    layout = Layout(tuple(range(kernel.ndim)))
    return on_shards(
        lambda part: with_layout_constraint(part, layout),
        kernel,
        in_axes=(axes,),
        out_shape=kernel.shape,
        out_axes=axes,
    )


_in_order.defvjp(
    lambda kernel, axes: (_in_order(kernel, axes), None),
    lambda axes, _, gradient: (gradient,),
)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _linear(x: jax.Array, kernel: jax.Array, num_inputs: int, axes: AxisNames) -> jax.Array:
    kernel = gathered(kernel.astype(x.dtype), axes)
    return contract(x, kernel, range(x.ndim - num_inputs, x.ndim), range(num_inputs), x.dtype)


def _forward(
    x: jax.Array, kernel: jax.Array, num_inputs: int, axes: AxisNames
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _linear(x, kernel, num_inputs, axes), (x, kernel)


def _backward(
    num_inputs: int, axes: AxisNames, saved: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, stored = saved
    kernel = gathered(stored.astype(x.dtype), axes)
    leading = range(x.ndim - num_inputs)
    to_x = contract(
        gradient,
        kernel,
        range(len(leading), gradient.ndim),
        range(num_inputs, kernel.ndim),
        x.dtype,
    )
    if num_inputs == 1:
        to_kernel = constrain(contract(x, gradient, leading, leading, x.dtype), *axes)
    else:
        # The axis that is cut comes first: only then do all chips make this a reduce-scatter.
        turned = contract(gradient, x, leading, leading, x.dtype)
        turned = constrain(turned, *axes[num_inputs:], *axes[:num_inputs])
        num_outputs = kernel.ndim - num_inputs
        to_kernel = jnp.moveaxis(turned, range(num_outputs), range(num_inputs, kernel.ndim))
    return to_x, constrain(to_kernel, *axes).astype(stored.dtype)


def contract(
    left: jax.Array, right: jax.Array, left_axes: range, right_axes: range, dtype: jnp.dtype
) -> jax.Array:
    """Sums products over pairs of axes; the other axes of `left` come before those of `right`."""
    axes = (tuple(left_axes), tuple(right_axes))
    return jax.lax.dot_general(left, right, (axes, ((), ())), preferred_element_type=dtype)


_linear.defvjp(_forward, _backward)
