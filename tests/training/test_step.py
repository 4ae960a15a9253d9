from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from granite_fc.sharding.activate import activate
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.shardings import batch_sharding, named, partitions_of, state_partitions
from granite_fc.training.optimizer import Optimizer
from granite_fc.training.optimizers import Adafactor, AdamW, Muon
from granite_fc.training.step import make_eval_step, make_train_step
from tests.training.standin import AXES, init_params, init_state, make_batch, make_loss

GROUPS = 3


def run(
    steps: int,
    mesh_config: MeshConfig | None = None,
    *,
    optimizer: Optimizer | None = None,
    microbatches: int = 1,
    dropout: float = 0.1,
    z_loss: float = 1e-3,
    clip_norm: float | None = 1.0,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    mesh_config = mesh_config or MeshConfig(fsdp=1)
    optimizer = optimizer or AdamW(learning_rate=3e-3)
    sizes = mesh_config.sizes().values()
    mesh = make_mesh(mesh_config, jax.devices()[: int(np.prod(list(sizes)))])
    rules = LogicalAxisRules()
    transformation = optimizer.build(AXES, steps)
    shapes = jax.eval_shape(init_params, jax.random.key(0))
    partitions = partitions_of(AXES, shapes, mesh.shape, rules)
    opt_state = jax.eval_shape(transformation.init, shapes)
    shardings = {
        "step": named(mesh, jax.P()),
        "params": named(mesh, partitions),
        "opt_state": named(mesh, state_partitions(opt_state, shapes, partitions)),
    }
    step = make_train_step(
        loss_function=make_loss(dropout),
        transformation=transformation,
        learning_rate=lambda s: optimizer.schedule().rate(s, steps),
        num_subtasks=GROUPS,
        seed=3,
        microbatches=microbatches,
        z_loss=z_loss,
        clip_norm=clip_norm,
        param_shardings=shardings["params"],
    )
    data = batch_sharding(mesh, rules, (8, 16))
    with activate(mesh, rules):
        state = jax.jit(lambda: init_state(transformation, 3), out_shardings=shardings)()
        step = jax.jit(
            step,
            in_shardings=(shardings, data),
            out_shardings=(shardings, None),
            donate_argnums=0,
        )
        history = []
        for number in range(steps):
            state, metrics = step(state, jax.device_put(make_batch(number), data))
            history.append(jax.device_get(metrics))
    return state, history


@pytest.mark.parametrize(
    "optimizer", [Adafactor(learning_rate=3e-3, min_dim_size_to_factor=4), Muon(3e-3)]
)
def test_other_optimizers_are_the_same_on_a_mesh(optimizer: Optimizer) -> None:
    _, alone = run(4, optimizer=optimizer)
    state, spread = run(4, MeshConfig(fsdp=4, tensor=2), optimizer=optimizer)
    np.testing.assert_allclose([m["loss"] for m in spread], [m["loss"] for m in alone], rtol=1e-4)
    mix = state["params"]["blocks"]["mix"]
    assert mix.sharding.spec == jax.P(None, "fsdp", "tensor")


def test_microbatches_change_nothing() -> None:
    one_state, one = run(5, dropout=0.0)
    state, many = run(5, dropout=0.0, microbatches=4)
    for name in one[0]:
        np.testing.assert_allclose(
            [m[name] for m in many], [m[name] for m in one], rtol=2e-5, atol=1e-6, err_msg=name
        )
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
        state["params"],
        one_state["params"],
    )


def test_microbatches_on_a_mesh() -> None:
    _, one = run(3, dropout=0.0)
    _, many = run(3, MeshConfig(fsdp=2, data=2, sequence=2), dropout=0.0, microbatches=2)
    np.testing.assert_allclose([m["loss"] for m in many], [m["loss"] for m in one], rtol=1e-5)


def test_metrics_are_those_of_numpy() -> None:
    batch = make_batch(0)
    params = init_params(jax.random.fold_in(jax.random.key(3), 2**32 - 1))
    _, (metrics,) = run(1, dropout=0.0, z_loss=0.01)
    token = jax.device_get(make_loss(0.0)(params, batch, None, 0.0)[1])
    weights = batch["loss_weights"]
    total = weights.sum()
    expected = (weights * (token.nll + 0.01 * token.logsumexp**2)).sum() / total
    np.testing.assert_allclose(metrics["loss"], expected, rtol=1e-6)
    for group in range(GROUPS):
        member = (batch["subtask_ids"] == group) & (batch["segment_ids"] > 0)
        inside = np.where(member, weights, 0)
        np.testing.assert_allclose(metrics["weights"][group], inside.sum())
        np.testing.assert_allclose(metrics["nll"][group], (inside * token.nll).sum(), rtol=1e-5)
        np.testing.assert_allclose(metrics["correct"][group], (inside * token.correct).sum())
        np.testing.assert_allclose(
            metrics["entropy"][group], (inside * token.entropy).sum(), rtol=1e-5
        )
        examples = {
            (row, segment)
            for row, segment in zip(
                np.nonzero(member)[0], batch["segment_ids"][member], strict=True
            )
        }
        assert metrics["examples"][group] == len(examples)
    pairs = 0
    for row in batch["segment_ids"]:
        for segment in set(row) - {0}:
            length = int((row == segment).sum())
            pairs += length * (length + 1) // 2
    assert metrics["attended"] == pairs
    assert metrics["positions"] == (batch["segment_ids"] > 0).sum()


def test_gradients_are_clipped_to_the_global_norm() -> None:
    # At rate 1 Adam's first update hides the gradient's scale, so plain descent is looked at.
    import optax

    step = make_train_step(
        loss_function=make_loss(0.0),
        transformation=optax.sgd(1.0),
        learning_rate=lambda s: s * 1.0,
        num_subtasks=GROUPS,
        seed=0,
        clip_norm=0.01,
    )
    state = init_state(optax.sgd(1.0), 0)
    _, metrics = jax.jit(step)(state, make_batch(0))
    assert metrics["grad_norm"] > 0.01
    np.testing.assert_allclose(metrics["update_norm"], 0.01, rtol=1e-5)


def test_a_batch_without_loss_changes_no_parameter_to_nan() -> None:
    batch = make_batch(0)
    batch["loss_weights"][:] = 0
    optimizer = AdamW(1e-3, weight_decay=0.0)
    transformation = optimizer.build(AXES, 2)
    step = make_train_step(
        loss_function=make_loss(0.0),
        transformation=transformation,
        learning_rate=lambda s: optimizer.schedule().rate(s, 2),
        num_subtasks=GROUPS,
        seed=0,
    )
    state, metrics = jax.jit(step)(init_state(transformation, 0), batch)
    assert metrics["loss"] == 0
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state))


def test_evaluation_sums_are_those_of_a_step_without_dropout() -> None:
    params = init_params(jax.random.fold_in(jax.random.key(3), 2**32 - 1))
    evaluate = jax.jit(make_eval_step(loss_function=make_loss(0.5), num_subtasks=GROUPS))
    sums = evaluate(params, make_batch(0))
    _, (metrics,) = run(1, dropout=0.0)
    for name in ("weights", "nll", "correct", "entropy", "examples"):
        np.testing.assert_allclose(sums[name], metrics[name], rtol=1e-5)
