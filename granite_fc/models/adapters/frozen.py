"""Kernels that are read and never trained, stored plainly or quantised."""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp
from flax import nnx

from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.adapters.quantization import (
    code_dtype,
    dequantize,
    quantize,
    stored_shapes,
)
from granite_fc.models.linear import contract
from granite_fc.models.logical import AxisNames, gathered

# What is stored of one kernel: its values or codes and, where it is quantised, their scales.
Stored = dict[str, jax.Array]


@dataclasses.dataclass(frozen=True)
class Storage:
    """How a kernel `[*inputs, *outputs]` is stored.

    Attributes:
        axes: The logical names of its axes.
        num_inputs: How many of them are inputs.
        adapter: Says the type and the blocks.
    """

    axes: AxisNames
    num_inputs: int
    adapter: AdapterConfig

    @property
    def block_axis(self) -> int:
        """The axis along which blocks lie: the last input, so that no lane needs two scales."""
        return self.num_inputs - 1

    @property
    def scales_axes(self) -> AxisNames:
        """The logical names of the scales' axes.

        The last has a name of its own too: where there are too few blocks to split, it is split.
        """
        at = self.block_axis
        between = self.axes[at + 1 : -1]
        return (*self.axes[:at], f"{self.axes[at]}_blocks", *between, f"{self.axes[-1]}_scales")

    def store(self, kernel: jax.Array) -> Stored:
        """Returns what is stored of a kernel."""
        if not self.adapter.is_quantized:
            return {"values": kernel.astype(self.adapter.base_dtype)}
        values, scales = quantize(
            kernel, self.adapter.base_dtype, self.block_axis, self.adapter.block_size
        )
        return {"values": values, "scales": scales}

    def kernel(self, stored: Stored, dtype: jnp.dtype) -> jax.Array:
        """Returns the whole kernel; between devices travels what is stored, or less."""
        if not self.adapter.is_quantized:
            values = stored["values"]
            if jnp.dtype(dtype).itemsize < values.dtype.itemsize:
                values = values.astype(dtype)
            return gathered(values, self.axes).astype(dtype)
        values = gathered(stored["values"], self.axes)
        scales = gathered(stored["scales"], self.scales_axes)
        whole = dequantize(values, scales, self.adapter.base_dtype, self.block_axis)
        return whole.astype(dtype)


class FrozenKernel(nnx.Module):
    """A kernel's place in a projection: `values`, and `scales` where it is quantised.

    Its arrays are empty; `Storage.store` makes those to merge in.
    """

    def __init__(self, shape: tuple[int, ...], storage: Storage) -> None:
        self.storage = storage
        adapter = storage.adapter
        if not adapter.is_quantized:
            values = jnp.zeros(shape, adapter.base_dtype)
            self.values = nnx.Param(values, logical_axes=storage.axes)
            self.scales = None
            return
        qtype = adapter.base_dtype
        codes, scales = stored_shapes(shape, qtype, storage.block_axis, adapter.block_size)
        self.values = nnx.Param(jnp.zeros(codes, code_dtype(qtype)), logical_axes=storage.axes)
        self.scales = nnx.Param(jnp.zeros(scales, jnp.float32), logical_axes=storage.scales_axes)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps `[batch, length, *inputs]` to `[batch, length, *outputs]`, in the type of `x`."""
        stored = {"values": self.values[...]}
        if self.scales is not None:
            stored["scales"] = self.scales[...]
        return frozen_linear(x, stored, self.storage)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def frozen_linear(x: jax.Array, stored: Stored, storage: Storage) -> jax.Array:
    """Contracts the input axes of `x` with those of a kernel that has no gradient.

    The backward pass keeps what is stored and makes the kernel from it again, so that under no
    policy of rematerialisation more than one layer is held dequantised; and it keeps nothing of
    `x`.

    Args:
        x: `[batch, length, *inputs]`.
        stored: The kernel.
        storage: How it is stored.

    Returns:
        `[batch, length, *outputs]`, of the type of `x`.
    """
    kernel = storage.kernel(stored, x.dtype)
    inputs = storage.num_inputs
    return contract(x, kernel, range(x.ndim - inputs, x.ndim), range(inputs), x.dtype)


def _forward(x: jax.Array, stored: Stored, storage: Storage) -> tuple[jax.Array, Stored]:
    return frozen_linear(x, stored, storage), stored


def _backward(storage: Storage, stored: Stored, gradient: jax.Array) -> tuple[jax.Array, None]:
    kernel = storage.kernel(stored, gradient.dtype)
    inputs, outputs = storage.num_inputs, kernel.ndim - storage.num_inputs
    to_x = contract(
        gradient,
        kernel,
        range(gradient.ndim - outputs, gradient.ndim),
        range(inputs, kernel.ndim),
        gradient.dtype,
    )
    return to_x, None


frozen_linear.defvjp(_forward, _backward)
