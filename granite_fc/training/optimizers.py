"""AdamW, Adafactor and Muon of Optax's parts, aware of logical axes and stacked layers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import gin
import jax
import jax.numpy as jnp
import optax
from optax.contrib import MuonDimensionNumbers, scale_by_muon

from granite_fc.errors import ConfigurationError
from granite_fc.training.ema import Ema
from granite_fc.training.freezing import frozen_names
from granite_fc.training.parameter_kinds import kind, map_axes, matrix_dimensions
from granite_fc.training.per_layer import per_layer
from granite_fc.training.rate_factors import Multipliers, rate_factors, scale_by_factors
from granite_fc.training.schedules import LearningRateSchedule
from granite_fc.training.weight_names import check_patterns

PyTree = Any

# Settings of which several optimizers have some: decays, and what has to be above 0.
_DECAYS = ("b1", "b2", "momentum", "decay_rate")
_POSITIVE = ("eps", "rms", "ns_steps", "clipping_threshold", "min_dim_size_to_factor")


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """What all optimizers share.

    An update is -factor * rate(step) * (direction + weight_decay * parameter), the decay for
    matrices and embeddings alone: biases and norms have none.

    Weights are named as in `model-info.txt`, such as `blocks/mlp/up/kernel`, and chosen by regular
    expressions that match the whole name. With adapters only theirs can be chosen, such as
    `blocks/mlp/up/adapter/lora_a`: what they stand beside is frozen anyway.

    Attributes:
        learning_rate: The schedule, or one constant rate.
        weight_decay: Decoupled weight decay, multiplied by the learning rate.
        frozen: A regular expression, or several: weights that one of them matches stay as they
            are. They have no gradient, no decay and no state, and count in no norm. Each has to
            match one at least.
        layer_decay: The learning rate of each block is that of the one above times this; see
            `granite_fc.training.rate_factors`.
        rate_multipliers: (regular expression, factor) pairs; a weight's rate is multiplied by the
            first that matches.
        ema: An average of the parameters that is kept beside them, or None.
    """

    learning_rate: LearningRateSchedule | float = dataclasses.field(
        default_factory=LearningRateSchedule
    )
    weight_decay: float = 0.0
    frozen: str | Sequence[str] = ()
    layer_decay: float = 1.0
    rate_multipliers: Multipliers = ()
    ema: Ema | None = None

    def schedule(self) -> LearningRateSchedule:
        """Returns the schedule, also where only a number was given."""
        if isinstance(self.learning_rate, LearningRateSchedule):
            return self.learning_rate
        return LearningRateSchedule(peak=self.learning_rate, decay="constant")

    def check(self, train_steps: int) -> None:
        """Checks the values.

        Raises:
            ConfigurationError: A value is out of range.
        """
        self.schedule().check(train_steps)
        check_patterns(self._frozen_patterns, key=self._key("frozen"))
        for pair in self.rate_multipliers:
            if not (isinstance(pair, (list, tuple)) and len(pair) == 2 and _is_factor(pair[1])):
                raise ConfigurationError(
                    self._key("rate_multipliers"),
                    found=pair,
                    expected="a regular expression and a number above 0",
                    remedy=f"What is not to be trained is named in {self._key('frozen')}.",
                )
        check_patterns(
            [pattern for pattern, _ in self.rate_multipliers], key=self._key("rate_multipliers")
        )
        if isinstance(self.ema, Ema):
            self.ema.check()
        for name, value in vars(self).items():
            if name == "weight_decay" and not 0 <= value < math.inf:
                expected = "a number of at least 0"
            elif name in _DECAYS and not 0 <= value < 1:
                expected = "a number from 0 to 1, 1 excluded"
            elif name in _POSITIVE and value is not None and not 0 < value < math.inf:
                expected = "a number above 0"
            elif name == "mu_dtype" and value not in (None, "bfloat16", "float32"):
                expected = "None, 'bfloat16' or 'float32'"
            elif name == "layer_decay" and not 0 < value <= 1:
                expected = "a number from 0, excluded, to 1"
            elif name == "ema" and not (value is None or isinstance(value, Ema)):
                expected = "@ema() or None"
            else:
                continue
            raise ConfigurationError(self._key(name), found=value, expected=expected)

    def frozen_names(self, axes: PyTree) -> frozenset[str]:
        """Returns the names of the weights that `frozen` matches.

        Args:
            axes: Tree of the parameters' logical axes; with adapters, the adapters'.

        Raises:
            ConfigurationError: A pattern matches none, or all are matched.
        """
        return frozen_names(self._frozen_patterns, axes, key=self._key("frozen"))

    def direction(self, axes: PyTree) -> optax.GradientTransformation:
        """Returns the transformation from gradients to the direction of ascent.

        Args:
            axes: Tree of the parameters' logical axes.
        """
        raise TypeError("Optimizer is the part that adamw, adafactor and muon share")

    def build(
        self, axes: PyTree, train_steps: int, num_layers: int = 0
    ) -> optax.GradientTransformation:
        """Returns the whole transformation.

        Args:
            axes: Tree of the logical axes of the parameters that are trained.
            train_steps: Steps in all, where the schedule ends.
            num_layers: Blocks of the model, for `layer_decay`.

        Raises:
            ConfigurationError: A pattern of `rate_multipliers` matches no weight first.
        """
        schedule = self.schedule()
        parts = [self.direction(axes)]
        if self.weight_decay:
            decayed = map_axes(lambda names: kind(names) != "vector", axes)
            parts.append(optax.add_decayed_weights(self.weight_decay, mask=decayed))
        if self.layer_decay != 1.0 or self.rate_multipliers:
            factors = rate_factors(
                axes,
                layer_decay=self.layer_decay,
                num_layers=num_layers,
                multipliers=self.rate_multipliers,
                key=self._key("rate_multipliers"),
            )
            parts.append(scale_by_factors(factors))
        parts.append(optax.scale_by_learning_rate(lambda step: schedule.rate(step, train_steps)))
        return optax.chain(*parts)

    @property
    def _frozen_patterns(self) -> Sequence[str]:
        return (self.frozen,) if isinstance(self.frozen, str) else self.frozen

    def _key(self, setting: str) -> str:
        return f"{type(self).__name__.lower()}.{setting}"


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


def _is_factor(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 < value < math.inf


def _dtype(name: str | None) -> Any:
    return None if name is None else jnp.dtype(name)
