"""The whole suite runs on eight simulated devices, so that a mesh is a mesh on any machine."""

from __future__ import annotations

import os

import jax

jax.config.update("jax_platforms", "cpu")
# For the processes that tests start: with libtpu installed they would look for a TPU.
os.environ["JAX_PLATFORMS"] = "cpu"
jax.config.update("jax_num_cpu_devices", 8)
# Tests compile much and compute little: this takes a third of the time.
jax.config.update("jax_disable_most_optimizations", True)
