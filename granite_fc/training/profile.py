"""A profile of some training steps, for TensorBoard's or XProf's trace viewer."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path

import gin
import jax

from granite_fc.errors import ConfigurationError
from granite_fc.training.hosts import Hosts

PROFILE = "profile"


@gin.configurable(module="granite_fc.training")
@dataclasses.dataclass(frozen=True)
class Profile:
    """Which steps are profiled, and where.

    Attributes:
        steps: The first and the last of them, counted from 1 as in the log; None profiles nothing.
            The first step of a start shows its warming up: better take later ones.
        all_hosts: Whether every host writes a profile, each in a folder of its own; else host 0
            alone.
    """

    steps: tuple[int, int] | None = None
    all_hosts: bool = False

    def check(self) -> None:
        """Checks the values.

        Raises:
            ConfigurationError: `steps` is no range of steps.
        """
        if self.steps is None:
            return
        numbers = tuple(self.steps)
        whole = all(isinstance(each, int) and not isinstance(each, bool) for each in numbers)
        if len(numbers) != 2 or not whole or not 1 <= numbers[0] <= numbers[1]:
            raise ConfigurationError(
                "PROFILE_STEPS",
                found=self.steps,
                expected="the first and the last step, such as (20, 22), or None",
            )


class StepProfiler:
    """Writes the profile of one host; as a context manager it ends one that is under way.

    Args:
        profile: Which steps.
        folder: Where it goes.
        hosts: The hosts.

    Attributes:
        folder: Where this host's goes.
    """

    def __init__(self, profile: Profile, folder: Path, hosts: Hosts) -> None:
        on_this_host = hosts.is_leader or profile.all_hosts
        self._first, self._last = profile.steps if profile.steps and on_this_host else (0, 0)
        # The profiler names files after the machine, which may be that of several hosts.
        self.folder = folder / f"host-{hosts.index}" if profile.all_hosts else folder
        self._runs = False

    def before(self, step: int, finish: Callable[[], None]) -> None:
        """Called before a step; begins where it is the first one.

        Args:
            step: The step, counted from 1.
            finish: Waits for the steps before, which are no part of the profile.
        """
        if step == self._first:
            finish()
            jax.profiler.start_trace(str(self.folder))
            self._runs = True

    def step(self, step: int) -> contextlib.AbstractContextManager[object]:
        """Marks a step in the profile."""
        if self._runs:
            return jax.profiler.StepTraceAnnotation("train", step_num=step)
        return contextlib.nullcontext()

    def after(self, step: int, finish: Callable[[], None]) -> bool:
        """Called after a step; ends where it is the last one, and returns whether it did."""
        if not self._runs or step < self._last:
            return False
        finish()
        self.__exit__()
        return True

    def __enter__(self) -> StepProfiler:
        return self

    def __exit__(self, *_: object) -> None:
        if self._runs:
            self._runs = False
            jax.profiler.stop_trace()
