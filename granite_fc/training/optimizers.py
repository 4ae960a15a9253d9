"""AdamW, Adafactor and Muon of Optax's parts, aware of logical axes and stacked layers."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import gin
import jax
import jax.numpy as jnp
import optax
from optax.contrib import MuonDimensionNumbers, scale_by_muon

from granite_fc.training.optimizer import Optimizer
from granite_fc.training.parameter_kinds import kind, map_axes, matrix_dimensions
from granite_fc.training.per_layer import per_layer

PyTree = Any


@gin.configurable("adamw", module="granite_fc.training")
@dataclasses.dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019).

    Attributes:
        b1: Decay of the first moment.
        b2: Decay of the second moment.
        eps: Added to the root of the second moment.
        mu_dtype: Dtype of the first moment; the parameters' where None.
    """

    weight_decay: float = 0.1
    b1: float = 0.9
    b2: float = 0.95
    eps: float = 1e-8
    mu_dtype: str | None = None

    def direction(self, axes: PyTree) -> optax.GradientTransformation:
        """Adam's direction, elementwise."""
        return optax.scale_by_adam(self.b1, self.b2, self.eps, mu_dtype=_dtype(self.mu_dtype))


@gin.configurable("adafactor", module="granite_fc.training")
@dataclasses.dataclass(frozen=True)
class Adafactor(Optimizer):
    """Adafactor (Shazeer and Stern, 2018) without momentum.

    Every layer of a stack has its own factors and its own clipping.

    Attributes:
        decay_rate: Exponent c of the second moment's decay 1 - t^-c.
        clipping_threshold: Largest root mean square of a parameter's direction.
        min_dim_size_to_factor: A second moment is factored where two axes of the parameter are at
            least this long.
        eps: Added to squared gradients.
        multiply_by_parameter_scale: Whether the rate is relative to each parameter's root mean
            square.
    """

    decay_rate: float = 0.8
    clipping_threshold: float | None = 1.0
    min_dim_size_to_factor: int = 128
    eps: float = 1e-30
    multiply_by_parameter_scale: bool = True

    def direction(self, axes: PyTree) -> optax.GradientTransformation:
        """Adafactor's direction, layer by layer."""
        parts = [
            optax.scale_by_factored_rms(
                decay_rate=self.decay_rate,
                min_dim_size_to_factor=self.min_dim_size_to_factor,
                epsilon=self.eps,
            )
        ]
        if self.clipping_threshold is not None:
            parts.append(optax.clip_by_block_rms(self.clipping_threshold))
        if self.multiply_by_parameter_scale:
            parts.append(optax.scale_by_param_block_rms())
        return per_layer(optax.chain(*parts), axes)


@gin.configurable("muon", module="granite_fc.training")
@dataclasses.dataclass(frozen=True)
class Muon(Optimizer):
    """Muon (Jordan, 2024) for hidden matrices, Adam for tables, biases and norms.

    A matrix's direction is its momentum made orthogonal by Newton-Schulz iteration, one layer at a
    time; heads and head dimensions count as one side. It is scaled by `rms` * sqrt(max(inputs,
    outputs)), which gives the update the root mean square that Adam's typically has (Liu et al.,
    2025), so one learning rate serves both.

    Attributes:
        momentum: Decay of the momentum.
        ns_steps: Newton-Schulz iterations.
        rms: Root mean square of an update at learning rate 1.
        b1: Decay of Adam's first moment.
        b2: Decay of Adam's second moment.
        eps: Added to the root of Adam's second moment.
        mu_dtype: Dtype of the momentum and of Adam's first moment; the parameters' where None.
    """

    weight_decay: float = 0.1
    momentum: float = 0.95
    ns_steps: int = 5
    rms: float = 0.2
    b1: float = 0.9
    b2: float = 0.95
    eps: float = 1e-8
    mu_dtype: str | None = None

    def direction(self, axes: PyTree) -> optax.GradientTransformation:
        """Muon's direction for matrices, Adam's for the rest."""
        mu_dtype = _dtype(self.mu_dtype)
        dimensions = map_axes(
            lambda names: (
                matrix_dimensions(names) if kind(names) == "matrix" else optax.MaskedNode()
            ),
            axes,
        )
        orthogonal = optax.chain(
            scale_by_muon(
                ns_steps=self.ns_steps,
                beta=self.momentum,
                mu_dtype=mu_dtype,
                weight_dimension_numbers=dimensions,
            ),
            _scale_by_sides(dimensions, self.rms),
        )
        adam = optax.scale_by_adam(self.b1, self.b2, self.eps, mu_dtype=mu_dtype)
        labels = map_axes(lambda names: "muon" if kind(names) == "matrix" else "adam", axes)
        return optax.partition({"muon": orthogonal, "adam": adam}, labels)


def _scale_by_sides(dimensions: PyTree, rms: float) -> optax.GradientTransformation:
    def scale(update: jax.Array, numbers: MuonDimensionNumbers) -> jax.Array:
        sides = [
            math.prod(update.shape[axis] for axis in side)
            for side in (numbers.reduction_axis, numbers.output_axis)
        ]
        return update * (rms * math.sqrt(max(sides)))

    return optax.stateless(lambda updates, _: jax.tree.map(scale, updates, dimensions))


def _dtype(name: str | None) -> Any:
    return None if name is None else jnp.dtype(name)
