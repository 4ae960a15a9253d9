"""The two small matrices beside a projection."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from flax import nnx

from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.dropout import dropout
from granite_fc.models.linear import linear
from granite_fc.models.logical import AxisNames, constrain

# The side of a matrix that is not the residual stream is all that its parts can be spread over.
_SPREAD = {"mlp": "lora_mlp", "head_dim": "lora_head_dim"}


class Adapter(nnx.Module):
    """`(alpha / rank) * dropout(x) A B`, with A `[*inputs, rank]` and B `[rank, *outputs]`.

    Its arrays are empty; `draw` makes those to merge in.

    Args:
        shape: The kernel's.
        axes: The logical names of the kernel's axes.
        num_inputs: How many of them are inputs.
        config: Rank, scale and dropout.
        site: Which array of the block it reads; tells its dropout mask from the others'.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        axes: AxisNames,
        num_inputs: int,
        config: AdapterConfig,
        site: int,
    ) -> None:
        self.config = config
        self.site = site
        self.num_inputs = num_inputs
        self.axes_a = (*_spread(axes[:num_inputs]), "lora_rank")
        self.axes_b = ("lora_rank", *_spread(axes[num_inputs:]))
        self.lora_a = nnx.Param(
            jnp.zeros((*shape[:num_inputs], config.rank), jnp.float32), logical_axes=self.axes_a
        )
        self.lora_b = nnx.Param(
            jnp.zeros((config.rank, *shape[num_inputs:]), jnp.float32), logical_axes=self.axes_b
        )

    def __call__(self, x: jax.Array, dropout_key: jax.Array | None) -> jax.Array:
        """Maps `[batch, length, *inputs]` to `[batch, length, *outputs]`, in the type of `x`."""
        key = None if dropout_key is None else jax.random.fold_in(dropout_key, self.site)
        x = dropout(x, self.config.dropout, key)
        low = linear(x, self.lora_a[...], self.num_inputs, self.axes_a)
        low = constrain(low, "activation_batch", "activation_length", None)
        low = low * jnp.asarray(self.config.scale, low.dtype)
        return linear(low, self.lora_b[...], 1, self.axes_b)


def _spread(side: AxisNames) -> AxisNames:
    return tuple(_SPREAD.get(str(name), name) for name in side)


def draw(name: str, shape: tuple[int, ...], key: jax.Array) -> jax.Array:
    """Returns the initial float32 matrix of one layer.

    A is uniform within 1 / sqrt(inputs) of 0, as in Hugging Face's PEFT (a Kaiming initialisation
    with slope sqrt(5)); B is 0.

    Args:
        name: "lora_a" or "lora_b".
        shape: Its shape.
        key: A PRNG key used nowhere else.
    """
    if name == "lora_b":
        return jnp.zeros(shape, jnp.float32)
    bound = 1.0 / math.sqrt(math.prod(shape[:-1]))
    return jax.random.uniform(key, shape, jnp.float32, -bound, bound)
