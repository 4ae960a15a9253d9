"""An exponential moving average of the parameters, which often answers better than the last."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import gin
import jax
import jax.numpy as jnp

from granite_fc.errors import ConfigurationError

PyTree = Any


@gin.configurable("ema", module="granite_fc.training")
@dataclasses.dataclass(frozen=True)
class Ema:
    """An exponential moving average of what is trained, in float32.

    With p_i the parameters after step i (from 1) and d the decay, the average after step t is::

        a_t = (1 - d) / (1 - d^t) * sum of d^(t - i) p_i over i = 1 .. t

    Dividing by 1 - d^t is Adam's correction of the bias towards the beginning (Kingma and Ba, 2015,
    section 3): early on this is the mean of the few steps there were, and the initial parameters
    have no share. What is kept is a_t itself, by a_t = a_(t-1) + w (p_t - a_(t-1)) with w = (1 - d)
    / (1 - d^t).

    Attributes:
        decay: d; about the last 1 / (1 - d) steps count.
        evaluate: Whether evaluations, answers and the finished model are those of the average
            instead of the last step's parameters. Training itself never is.
    """

    decay: float = 0.999
    evaluate: bool = True

    def check(self) -> None:
        """Checks the values.

        Raises:
            ConfigurationError: The decay is out of range.
        """
        if not 0 < self.decay < 1:
            raise ConfigurationError(
                "ema.decay", found=self.decay, expected="a number between 0 and 1"
            )


def begin_ema(params: PyTree) -> PyTree:
    """Returns the average before the first step: a float32 copy of the parameters."""
    return jax.tree.map(lambda leaf: jnp.array(leaf, jnp.float32, copy=True), params)


def next_ema(ema: PyTree, params: PyTree, step: jax.Array, decay: float) -> PyTree:
    """Returns the average after a step.

    Args:
        ema: That before.
        params: The parameters after the step.
        step: Steps before it, an int32 scalar.
        decay: d.
    """
    # 1 - d^t by way of logarithms: in float32 the difference itself would lose the digits.
    remaining = -jnp.expm1((step + 1).astype(jnp.float32) * math.log(decay))
    weight = (1 - decay) / remaining
    # Not a * (1 - weight) + ...: rounded, those two weights would not add up to 1.
    return jax.tree.map(lambda a, p: a + weight * (p.astype(jnp.float32) - a), ema, params)


def averaged(params: dict[str, Any], ema: dict[str, Any]) -> dict[str, Any]:
    """Returns parameters with those that have an average replaced by it, in their own dtype."""
    replaced = dict(params)
    for name, average in ema.items():
        node = params[name]
        replaced[name] = (
            averaged(node, average) if isinstance(node, dict) else average.astype(node.dtype)
        )
    return replaced
