"""Learning rates as functions of the step."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

import gin
import jax
import jax.numpy as jnp

from granite_fc.errors import ConfigurationError

_DECAYS = ("cosine", "linear", "constant")


@gin.configurable(module="granite_fc.training")
@dataclasses.dataclass(frozen=True)
class LearningRateSchedule:
    """Linear warm-up to `peak`, then a decay to `final_fraction` of it at the end of training.

    With w warm-up steps and T steps in all, step s (from 0) uses peak * (s + 1) / (w + 1) while s <
    w, then, with p = (s - w) / (T - w) and f = final_fraction:

    * constant: peak
    * linear: peak * (1 - (1 - f) p)
    * cosine: peak * (f + (1 - f) (1 + cos(pi p)) / 2)

    So no step is spent at rate 0, and step w is the first at the peak.

    Attributes:
        peak: The highest rate.
        warmup_steps: w.
        decay: Which of the three.
        final_fraction: f, from 0 to 1.
    """

    peak: float = 3e-4
    warmup_steps: int = 0
    decay: Literal["cosine", "linear", "constant"] = "cosine"
    final_fraction: float = 0.1

    def check(self, train_steps: int) -> None:
        """Checks the values.

        Raises:
            ConfigurationError: A value is out of range, or the warm-up is as long as the training.
        """
        if self.decay not in _DECAYS:
            raise ConfigurationError(
                "LearningRateSchedule.decay", found=self.decay, expected=f"one of {_DECAYS}"
            )
        if not 0 < self.peak < math.inf:
            raise ConfigurationError(
                "LearningRateSchedule.peak", found=self.peak, expected="a finite number above 0"
            )
        if not 0 <= self.final_fraction <= 1:
            raise ConfigurationError(
                "LearningRateSchedule.final_fraction",
                found=self.final_fraction,
                expected="a number from 0 to 1",
            )
        if not 0 <= self.warmup_steps < max(train_steps, 1):
            raise ConfigurationError(
                "LearningRateSchedule.warmup_steps",
                found=self.warmup_steps,
                expected=f"at least 0 and less than the {train_steps} training steps",
            )

    def rate(self, step: jax.typing.ArrayLike, train_steps: int) -> jax.Array:
        """Returns the learning rate of `step` (from 0), a float32 scalar."""
        step = jnp.asarray(step, jnp.float32)
        warm = self.peak * (step + 1) / (self.warmup_steps + 1)
        progress = (step - self.warmup_steps) / max(train_steps - self.warmup_steps, 1)
        progress = jnp.clip(progress, 0.0, 1.0)
        f = self.final_fraction
        if self.decay == "constant":
            decayed = jnp.full_like(step, self.peak)
        elif self.decay == "linear":
            decayed = self.peak * (1 - (1 - f) * progress)
        else:
            decayed = self.peak * (f + (1 - f) * (1 + jnp.cos(jnp.pi * progress)) / 2)
        return jnp.where(step < self.warmup_steps, warm, decayed)
