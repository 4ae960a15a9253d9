"""Answers begin in their rows from prompts that lie elsewhere, one of which travels at a time."""

from __future__ import annotations

import math
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from granite_fc.decoding.rows import Beginning, Rows, begin, empty_rows
from granite_fc.models.cache import KEPT_AXES
from granite_fc.models.logical import Constraint, constrain, current_constraint, use_constraint
from granite_fc.sharding.activate import activate
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules
from tests.models.families import LLAMA

LENGTH, RING = 512, 64
SHAPE = LLAMA.num_layers, LLAMA.num_kv_heads, LENGTH, LLAMA.head_dim


def beginning_of(source: list[int], row: list[int], position: list[int]) -> Beginning:
    def column(values: list[int], dtype: type = np.int32) -> np.ndarray:
        return np.asarray(values, dtype)

    nothing = [0] * len(row)
    return Beginning(
        source=column(source),
        row=column(row),
        token=column(nothing),
        position=column(position),
        limit=column(nothing),
        seed=np.zeros((len(row), 2), np.uint32),
        sample=column(nothing),
        temperature=column(nothing, np.float32),
        top_k=column(nothing),
        top_p=column(nothing, np.float32),
    )


def prompts_of(constraint: Constraint | None, count: int) -> jax.Array:
    def make() -> jax.Array:
        shape = SHAPE[0], count, *SHAPE[1:]
        with use_constraint(constraint):
            return constrain(jnp.arange(np.prod(shape)).reshape(shape) / 64.0, *KEPT_AXES)

    return jax.jit(make)()


def compiled_for(devices: int) -> tuple[int, list[int]]:
    """Bytes of temporaries a device, and elements of what travels, with a prompt and row each."""
    mesh = make_mesh(MeshConfig(data=1, fsdp=devices), jax.devices()[:devices])
    with activate(mesh, LogicalAxisRules()):
        constraint = current_constraint()
        rows = empty_rows(LLAMA, constraint, devices, LENGTH, RING)
        prompts = prompts_of(constraint, devices)
        everyone = list(range(devices))
        compiled = (
            jax.jit(begin, static_argnums=0, donate_argnums=1)
            .lower(constraint, rows, prompts, prompts, beginning_of(everyone, everyone, everyone))
            .compile()
        )
    collective = r" = (\S+|\(.*?\)) (?:all-|reduce-scatter|collective-)"
    shapes = re.findall(r"\w+\[([\d,]+)\]", " ".join(re.findall(collective, compiled.as_text())))
    assert shapes
    sent = [math.prod(map(int, shape.split(","))) for shape in shapes]
    return compiled.memory_analysis().temp_size_in_bytes, sent


def test_what_a_device_needs_does_not_grow_with_the_devices() -> None:
    (two, _), (eight, sent) = compiled_for(2), compiled_for(8)
    assert eight < 1.1 * two
    assert max(sent) <= math.prod(SHAPE), "one prompt at a time"


@pytest.mark.parametrize("devices", [1, 8])
def test_rows_hold_the_prompts_they_were_given_and_the_others_what_they_had(devices: int) -> None:
    source, row, position = (
        [2, 0, 2, 0, 0, 0, 0, 0],
        [5, 1, 0, 8, 8, 8, 8, 8],
        [9, 3, 512] + [0] * 5,
    )

    def begun() -> tuple[Rows, Any]:
        constraint = current_constraint()
        rows = empty_rows(LLAMA, constraint, 8, LENGTH, RING)
        prompts = prompts_of(constraint, 4)
        return (
            begin(constraint, rows, prompts, -prompts, beginning_of(source, row, position)),
            np.asarray(prompts),
        )

    if devices == 1:
        rows, prompts = begun()
    else:
        with activate(make_mesh(MeshConfig(data=2, fsdp=2, tensor=2)), LogicalAxisRules()):
            rows, prompts = begun()
    for at in range(8):
        kept = rows.cache.keys[:, at, :, :LENGTH], rows.cache.values[:, at, :, :LENGTH]
        if at not in row:
            assert not np.any(kept) and not rows.running[at]
            continue
        i = row.index(at)
        np.testing.assert_array_equal(kept[0], prompts[:, source[i]])
        np.testing.assert_array_equal(kept[1], -prompts[:, source[i]])
        assert rows.cache.segment_ids[at].tolist() == [1] * position[i] + [0] * (
            LENGTH + RING - position[i]
        )
        assert rows.running[at]
