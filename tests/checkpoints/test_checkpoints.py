from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from granite_fc.checkpoints.checkpoints import CheckpointPolicy, Checkpoints
from granite_fc.checkpoints.initial import find_checkpoint, read_data, restore_params
from granite_fc.errors import ConfigurationError
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.shardings import named, partitions_of, state_partitions
from granite_fc.training.optimizers import Muon
from tests.training.standin import AXES, init_state

TRANSFORMATION = Muon().build(AXES, 10)


def target(config: MeshConfig, num_devices: int) -> Any:
    mesh = make_mesh(config, jax.devices()[:num_devices])
    shapes = jax.eval_shape(lambda: init_state(TRANSFORMATION, 0))
    partitions = partitions_of(AXES, shapes["params"], mesh.shape, LogicalAxisRules())
    shardings = {
        "step": named(mesh, jax.P()),
        "params": named(mesh, partitions),
        "opt_state": named(
            mesh, state_partitions(shapes["opt_state"], shapes["params"], partitions)
        ),
    }
    return jax.tree.map(
        lambda s, sharding: jax.ShapeDtypeStruct(s.shape, s.dtype, sharding=sharding),
        shapes,
        shardings,
    )


def make_state(abstract: Any) -> Any:
    numbers = iter(range(1000))
    return jax.tree.map(
        lambda a: jax.device_put(
            (next(numbers) + np.arange(np.prod(a.shape)).reshape(a.shape)).astype(a.dtype),
            a.sharding,
        ),
        abstract,
    )


def assert_equal(a: Any, b: Any) -> None:
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_a_state_goes_from_eight_devices_to_one_and_back(tmp_path: Path) -> None:
    eight, one = target(MeshConfig(fsdp=4, tensor=2), 8), target(MeshConfig(), 1)
    state = make_state(eight)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(3, state, {"position": 3})
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.latest_step() == 3
        assert checkpoints.data(3) == {"position": 3}
        on_one = checkpoints.restore(3, one)
        checkpoints.save(4, on_one, {"position": 4})
        checkpoints.wait()
        back = checkpoints.restore(4, target(MeshConfig(data=2, fsdp=2, tensor=2), 8))
    assert_equal(on_one, state)
    assert_equal(back, state)
    assert len(on_one["params"]["embedding"].devices()) == 1
    assert back["params"]["embedding"].sharding.spec == jax.P("tensor", "fsdp")


def test_the_policy_keeps_the_latest_and_every_nth(tmp_path: Path) -> None:
    policy = CheckpointPolicy(period=1, keep=2, keep_period=4)
    with Checkpoints(tmp_path, policy) as checkpoints:
        for step in range(1, 8):
            assert checkpoints.save(step, {"x": jnp.zeros(2)}, {})
        checkpoints.wait()
        assert not checkpoints.save(7, {"x": jnp.zeros(2)}, {})
        assert checkpoints.steps() == [4, 6, 7]


def test_saving_does_not_see_what_the_next_step_writes(tmp_path: Path) -> None:
    add_one = jax.jit(lambda s: jax.tree.map(lambda x: x + 1, s), donate_argnums=0)
    state = {"x": jnp.zeros((512, 512))}
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(0, state, {})
        for _ in range(5):
            state = add_one(state)
        checkpoints.wait()
        stored = checkpoints.restore(0, jax.eval_shape(lambda: {"x": jnp.zeros((512, 512))}))
    assert_equal(stored, {"x": np.zeros((512, 512))})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s["params"].pop("final_scale"), "params/final_scale is left over"),
        (
            lambda s: s["params"].update(more=jax.ShapeDtypeStruct((2,), jnp.float32)),
            "params/more is missing",
        ),
        (
            lambda s: s["params"].update(final_scale=jax.ShapeDtypeStruct((7,), jnp.float32)),
            "params/final_scale is float32 [16], not float32 [7]",
        ),
        (
            lambda s: s["params"].update(final_scale=jax.ShapeDtypeStruct((16,), jnp.bfloat16)),
            "params/final_scale is float32 [16], not bfloat16 [16]",
        ),
    ],
)
def test_another_model_is_refused_by_name(tmp_path: Path, change: Any, words: str) -> None:
    one = target(MeshConfig(), 1)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, make_state(one), {})
        checkpoints.wait()
        change(one)
        with pytest.raises(ConfigurationError) as error:
            checkpoints.restore(1, one)
        assert words in str(error.value)
        with pytest.raises(ConfigurationError) as error:
            restore_params(tmp_path / "1", one["params"])
        assert words.removeprefix("params/") in str(error.value)


def test_parameters_alone_are_read_from_any_of_the_paths(tmp_path: Path) -> None:
    one = target(MeshConfig(), 1)
    state = make_state(one)
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        checkpoints.save(9, state, {"n": 9})
        checkpoints.save(10, state, {"n": 10})
    for path in (tmp_path, tmp_path / "checkpoints", tmp_path / "checkpoints" / "10"):
        assert find_checkpoint(path).name == "10"
    assert read_data(tmp_path) == {"n": 10}
    mesh_target = target(MeshConfig(fsdp=4, tensor=2), 8)["params"]
    params = restore_params(tmp_path / "checkpoints" / "9", mesh_target)
    assert_equal(params, state["params"])
    assert params["embedding"].sharding.spec == jax.P("tensor", "fsdp")
    with pytest.raises(ConfigurationError, match="MODEL_DIR"):
        find_checkpoint(tmp_path / "nothing")


@pytest.mark.parametrize("policy", [CheckpointPolicy(period=-1), CheckpointPolicy(keep=0)])
def test_a_wrong_policy_is_refused(policy: CheckpointPolicy) -> None:
    with pytest.raises(ConfigurationError, match="CheckpointPolicy"):
        policy.check()
