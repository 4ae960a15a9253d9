"""The whole suite runs on eight simulated devices, so that a mesh is a mesh on any machine.

It may be spread over workers: `pytest -n 2`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jax
import pytest

_TESTS = Path(__file__).parent

jax.config.update("jax_platforms", "cpu")
# For the processes that tests start: with libtpu installed they would look for a TPU.
os.environ["JAX_PLATFORMS"] = "cpu"
jax.config.update("jax_num_cpu_devices", 8)
# Tests compile much and compute little: this takes a third of the time.
jax.config.update("jax_disable_most_optimizations", True)


# What takes longest is begun first, so that no worker is left with it at the end.
_LONG = ("multihost", "end_to_end", "planning", "tpu", "training")
# Rooms whose files share what takes minutes to make: one worker takes them whole.
_SHARED = ("multihost", "end_to_end")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives a worker whole files or rooms, so that what they share is made once."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return next((room for room in _SHARED if f"/{room}/" in file), file)

    return Scheduling(config, log)


def _begins_after(item: pytest.Item) -> int:
    room = item.path.relative_to(_TESTS).parts[0]
    return _LONG.index(room) if room in _LONG else len(_LONG)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_begins_after)
