"""The functions of the world, ready to be called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tasks.sources.simulator.links import ALL
from tasks.sources.simulator.phrases import Split
from tasks.sources.simulator.world import World


def executable_functions(seed: int, split: Split) -> dict[str, Callable[..., Any]]:
    """Returns name to callable for every function, on a fresh world of their own.

    Calling what an episode calls, in order, gives the results that the episode records. They take
    keyword arguments, as `granite_fc.calls.execute` passes them.
    """
    world = World(seed, split)
    return world.bound(function.name_and_call for function in ALL)
