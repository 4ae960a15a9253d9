"""The parts a block is made of: projections and norms."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

from granite_fc.models.adapters.frozen import FrozenKernel
from granite_fc.models.adapters.low_rank import Adapter
from granite_fc.models.bias import WIDE, add_bias
from granite_fc.models.config import DecoderConfig
from granite_fc.models.initialization import normal
from granite_fc.models.linear import linear

# A bias has no other axis over which its parts could be spread.
_BIAS_AXES = {"mlp": WIDE}


class Projection(nnx.Module):
    """A linear map between named axes: `kernel` is `[*inputs, *outputs]`, `bias` `[*outputs]`.

    Every parameter carries its logical axis names as the metadata `logical_axes`. The kernel may be
    replaced by a frozen one with an adapter beside it (`granite_fc.models.adapters.attach`).
    """

    def __init__(
        self,
        inputs: dict[str, int],
        outputs: dict[str, int],
        *,
        use_bias: bool,
        std: float,
        config: DecoderConfig,
        rngs: nnx.Rngs,
    ) -> None:
        shape = (*inputs.values(), *outputs.values())
        self.num_inputs = len(inputs)
        self.axes = (*inputs, *outputs)
        self.bias_axes = tuple(_BIAS_AXES.get(name, name) for name in outputs)
        self.dtype = config.compute_dtype
        self.kernel: nnx.Param | FrozenKernel = nnx.Param(
            normal(rngs.params(), shape, std, config.param_dtype), logical_axes=self.axes
        )
        self.bias = (
            nnx.Param(
                jnp.zeros(tuple(outputs.values()), config.param_dtype), logical_axes=self.bias_axes
            )
            if use_bias
            else None
        )
        self.adapter: Adapter | None = None

    def __call__(self, x: jax.Array, adapter_key: jax.Array | None = None) -> jax.Array:
        """Maps `[batch, length, *inputs]` to `[batch, length, *outputs]`, in the compute type.

        Args:
            x: What to map.
            adapter_key: A PRNG key of the block and step, from which an adapter's dropout draws;
                None switches it off.
        """
        x = x.astype(self.dtype)
        if isinstance(self.kernel, FrozenKernel):
            y = self.kernel(x)
        else:
            y = linear(x, self.kernel[...], self.num_inputs, self.axes)
        if self.adapter is not None:
            y = y + self.adapter(x, adapter_key)
        return y if self.bias is None else add_bias(y, self.bias[...], self.bias_axes)


class Norm(nnx.Module):
    """RMSNorm or LayerNorm over the last axis, computed in float32."""

    def __init__(self, config: DecoderConfig) -> None:
        self.epsilon = config.norm_eps
        self.dtype = config.compute_dtype
        shape = (config.d_model,)
        self.scale = nnx.Param(jnp.ones(shape, config.param_dtype), logical_axes=("norm",))
        self.bias = (
            nnx.Param(jnp.zeros(shape, config.param_dtype), logical_axes=("norm",))
            if config.norm == "layernorm"
            else None
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """Normalises `[..., d_model]`; returns the compute type."""
        x = x.astype(jnp.float32)
        if self.bias is not None:
            x = x - x.mean(-1, keepdims=True)
        x = x * jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + self.epsilon)
        x = x * self.scale[...].astype(jnp.float32)
        if self.bias is None:
            return x.astype(self.dtype)
        return _separate_gradient((x + self.bias[...].astype(jnp.float32)).astype(self.dtype))


@jax.custom_vjp
def _separate_gradient(x: jax.Array) -> jax.Array:
    """Returns `x`, whose gradient the compiler finishes before it goes on.

    LayerNorm sums its gradient over positions and over the width, in four sums. TPUs' compiler
    would do so inside the matrix product that yields the gradient, and slow the product down by
    more than a pass of its own takes.
    """
    return x


_separate_gradient.defvjp(
    lambda x: (x, None), lambda _, gradient: (jax.lax.optimization_barrier(gradient),)
)
