"""What all optimizers share: the schedule, weight decay, and which weights move, how far."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import optax

from granite_fc.errors import ConfigurationError
from granite_fc.training.ema import Ema
from granite_fc.training.freezing import frozen_names
from granite_fc.training.parameter_kinds import kind, map_axes
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


def _is_factor(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 < value < math.inf
