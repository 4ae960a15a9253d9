"""The optimizer's state in the hosts' memory: the same training, in less of the devices'."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import gin
import jax
import numpy as np
import pytest

import tests.training.small_tasks  # noqa: F401  # Declares the mixture.
from granite_fc.checkpoints.checkpoints import Checkpoints
from granite_fc.errors import ConfigurationError
from granite_fc.planning.configured import read_run
from granite_fc.planning.memory import held
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.offload import HOST, is_on_host, on_host
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.training.first_state import first_state, saved_part
from granite_fc.training.optimizer import Optimizer
from granite_fc.training.optimizers import Adafactor, AdamW, Muon
from granite_fc.training.placement import BatchPlacement
from granite_fc.training.programs import Programs
from tests.training.test_meshes import LLAMA, batch, small_recipe

STEPS = 4


@functools.cache
def compiled(optimizer: Optimizer, devices: int, *, offload: bool) -> tuple[Programs, Any]:
    recipe = small_recipe(LLAMA, optimizer, 100, offload=offload)
    mesh = make_mesh(MeshConfig(fsdp=-1, tensor=min(devices, 2)), jax.devices()[:devices])
    programs = Programs(recipe, mesh, LogicalAxisRules())
    return programs, programs.compile_train_step()[0]


def go_on(programs: Programs, train_step: Any, state: Any, steps: range) -> tuple[list[float], Any]:
    placement = BatchPlacement(programs.batch_sharding, programs.recipe.batch_shape)
    losses = []
    for step in steps:
        for leaf in jax.tree.leaves(state["opt_state"]):
            assert is_on_host(leaf) == (programs.recipe.offload_optimizer and leaf.ndim > 0)
        assert not any(map(is_on_host, jax.tree.leaves(state["params"])))
        state, metrics = train_step(state, placement.put(batch(step)))
        losses.append(float(metrics["loss"]))
    return losses, state


def assert_same(found: Any, expected: Any) -> None:
    """Bit for bit: what is moved is not rounded."""
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(found), jax.device_get(expected))


@pytest.mark.parametrize(
    ("optimizer", "devices"),
    [(AdamW(), 1), (AdamW(), 8), (Adafactor(min_dim_size_to_factor=8), 8), (Muon(), 8)],
    ids=lambda value: type(value).__name__ if isinstance(value, Optimizer) else str(value),
)
def test_training_is_the_same(optimizer: Optimizer, devices: int) -> None:
    found = []
    for offload in (False, True):
        programs, train_step = compiled(optimizer, devices, offload=offload)
        found.append(go_on(programs, train_step, programs.init(), range(STEPS)))
    assert found[1][0] == found[0][0]
    assert_same(found[1][1], found[0][1])


@pytest.mark.parametrize(("before", "after"), [(True, True), (True, False), (False, True)])
def test_a_run_goes_on_from_a_checkpoint_of_either(
    tmp_path: Path, before: bool, after: bool
) -> None:
    programs, train_step = compiled(AdamW(), 8, offload=before)
    _, state = go_on(programs, train_step, programs.init(), range(2))
    with Checkpoints(tmp_path) as saved:
        saved.save(2, saved_part(state), {})
        # The next step takes the place of the state that is still being written.
        _, expected = go_on(programs, train_step, state, range(2, STEPS))
        saved.wait()
        programs, train_step = compiled(AdamW(), 8, offload=after)
        restored, step = first_state(programs, saved, None)
    assert step == 2
    _, found = go_on(programs, train_step, restored, range(2, STEPS))
    assert_same(found, expected)


def test_given_parameters_begin_a_run() -> None:
    programs, train_step = compiled(AdamW(), 8, offload=True)
    drawn = programs.init()
    state = programs.init_from_params(drawn["params"])
    assert_same(state, drawn)
    go_on(programs, train_step, state, range(1))


def test_a_plan_counts_only_what_lies_on_the_chip() -> None:
    there, here = (
        compiled(AdamW(), 8, offload=offload)[0].abstract_state["opt_state"]
        for offload in (True, False)
    )
    counter = 4
    assert held(here, host=True) == 0
    assert held(there, host=True) + held(there) == held(here)
    # That of the moments, and that of the schedule.
    assert held(there) == 2 * counter


def test_the_macro_reaches_the_run() -> None:
    needed = [("TRAIN_STEPS", "200"), ("BATCH_SIZE", "8"), ("SEQUENCE_LENGTH", "16")]
    needed.append(("MIXTURE_OR_TASK_NAME", "small"))
    files = ["runs/train.gin", "models/tiny.gin"]
    try:
        assert not read_run(files, needed).recipe.offload_optimizer
        assert read_run(files, [*needed, ("OFFLOAD_OPTIMIZER", "True")]).recipe.offload_optimizer
    finally:
        gin.clear_config()


def test_devices_without_such_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, kind: str) -> Any:
        raise ValueError(f"cannot address {kind}")

    sharding = jax.sharding.NamedSharding(
        jax.sharding.Mesh(np.array(jax.devices()[:1]), ("x",)), jax.sharding.PartitionSpec()
    )
    monkeypatch.setattr(jax.sharding.NamedSharding, "with_memory_kind", refuse)
    with pytest.raises(ConfigurationError, match="OFFLOAD_OPTIMIZER") as caught:
        on_host(jax.ShapeDtypeStruct((2,), np.float32), sharding, key="OFFLOAD_OPTIMIZER")
    assert HOST in str(caught.value)
