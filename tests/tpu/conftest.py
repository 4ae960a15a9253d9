"""Programs compiled for TPUs that are not there, and read."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import jax
import pytest

from granite_fc.sharding.topology import Topology


@pytest.fixture(autouse=True)
def optimizations() -> Iterator[None]:
    """Compiles as a user's program is compiled, unlike the rest of the suite."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture(scope="session")
def tpu_devices() -> Callable[..., list[Any]]:
    """From a topology's name, such as "v5p:2x2x1", to devices that compile and never run.

    More than one slice may be asked for.
    """
    if importlib.util.find_spec("libtpu") is None:
        pytest.skip("libtpu, the TPU compiler, is not installed")
    return lambda name, num_slices=1: Topology.parse(name, num_slices).devices()
