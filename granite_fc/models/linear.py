"""Matrix products of activations and kernels, with gradients in the kernel's own layout."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax.experimental.layout import Layout, with_layout_constraint

from granite_fc.models.logical import AxisNames, constrain, gathered


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
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
    kernel = _gathered(kernel, num_inputs, axes, x.dtype)
    return contract(x, kernel, range(x.ndim - num_inputs, x.ndim), range(num_inputs), x.dtype)


def _forward(
    x: jax.Array, kernel: jax.Array, num_inputs: int, axes: AxisNames
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return linear(x, kernel, num_inputs, axes), (x, kernel)


def _backward(
    num_inputs: int, axes: AxisNames, saved: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, stored = saved
    kernel = _gathered(stored, num_inputs, axes, x.dtype)
    leading = range(x.ndim - num_inputs)
    to_x = contract(
        gradient,
        kernel,
        range(len(leading), gradient.ndim),
        range(num_inputs, kernel.ndim),
        x.dtype,
    )
    to_kernel = contract(x, gradient, leading, leading, x.dtype)
    return to_x, constrain(to_kernel, *axes).astype(stored.dtype)


def _gathered(kernel: jax.Array, num_inputs: int, axes: AxisNames, dtype: jnp.dtype) -> jax.Array:
    """Returns a kernel for use, from one as it is stored."""
    if kernel.ndim - num_inputs > 1:
        # Products with several output axes are faster on TPUs with these in another order in
        # memory. XLA would reorder the float32 kernels of all layers before the loop over them, and
        # keep them beside the parameters until its end. With the order held here, it reorders one
        # layer's at a time.
        kernel = with_layout_constraint(kernel, Layout(tuple(range(kernel.ndim))))
    return gathered(kernel.astype(dtype), axes)


def contract(
    left: jax.Array, right: jax.Array, left_axes: range, right_axes: range, dtype: jnp.dtype
) -> jax.Array:
    """Sums products over pairs of axes; the other axes of `left` come before those of `right`."""
    axes = (tuple(left_axes), tuple(right_axes))
    return jax.lax.dot_general(left, right, (axes, ((), ())), preferred_element_type=dtype)


linear.defvjp(_forward, _backward)
