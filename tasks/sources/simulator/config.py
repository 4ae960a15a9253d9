"""How many episodes the simulator makes, and of which kinds: light, for gin files to bind."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import gin

from granite_fc.errors import ConfigurationError

# Shares of the kinds of episode. Calls that take no other are kept frequent: the skills of one call
# are what the rest builds on.
DEFAULT_KINDS: Mapping[str, float] = {
    "single": 0.28,
    "nested": 0.22,
    "chained": 0.12,
    "parallel": 0.16,
    "multi_turn": 0.10,
    "no_function": 0.06,
    "missing_parameter": 0.06,
}


def check_kinds(kinds: Mapping[str, float]) -> None:
    """Checks shares of kinds of episode.

    Raises:
        ConfigurationError: A kind is unknown, a share is negative, or all are zero.
    """
    for kind, share in kinds.items():
        if kind not in DEFAULT_KINDS:
            raise ConfigurationError(
                "SimulatorConfig.kinds", found=kind, expected=f"one of {', '.join(DEFAULT_KINDS)}"
            )
        if isinstance(share, bool) or not isinstance(share, int | float) or not share >= 0:
            raise ConfigurationError(
                f"SimulatorConfig.kinds[{kind!r}]", found=share, expected="a number of at least 0"
            )
    if not 0 < sum(kinds.values()) < float("inf"):
        raise ConfigurationError(
            "SimulatorConfig.kinds",
            found=dict(kinds),
            expected="at least one positive, finite share",
        )


@gin.configurable(module="tasks.sources")
@dataclasses.dataclass(frozen=True)
class SimulatorConfig:
    """What the simulator generates.

    Attributes:
        train_episodes: Number of episodes of the train split.
        validation_episodes: Number of episodes of the validation split.
        seed: Decides everything: the world and the episodes.
        kinds: Kind of episode to its share, relative to the sum of the shares given; a kind left
            out is not made.

    Raises:
        ConfigurationError: A number of episodes is negative or no integer, or a share or kind is
            wrong.
    """

    train_episodes: int = 50_000
    validation_episodes: int = 2_000
    seed: int = 0
    kinds: Mapping[str, float] = dataclasses.field(default_factory=lambda: dict(DEFAULT_KINDS))

    def __post_init__(self) -> None:
        for name in ("train_episodes", "validation_episodes", "seed"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ConfigurationError(
                    f"SimulatorConfig.{name}", found=value, expected="an integer of at least 0"
                )
        check_kinds(self.kinds)

    def episodes(self, split: str) -> int:
        """Returns the number of episodes of a split, "train" or "validation"."""
        return {"train": self.train_episodes, "validation": self.validation_episodes}[split]
