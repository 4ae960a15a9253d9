"""Training some weights and not others, at rates of their own, with an average beside them."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gin
import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import pytest

from granite_fc.checkpoints.checkpoints import CheckpointPolicy
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.decoder import logical_axes
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.training import trained_model
from granite_fc.training.decoder_loss import decoder_loss
from granite_fc.training.ema import Ema, begin_ema, next_ema
from granite_fc.training.mfu import ModelFlops
from granite_fc.training.optimizer import Optimizer
from granite_fc.training.optimizers import Adafactor, AdamW, Muon
from granite_fc.training.placement import BatchPlacement
from granite_fc.training.programs import Programs
from granite_fc.training.rate_factors import rate_factors
from granite_fc.training.run_data import open_run_data
from granite_fc.training.schedules import LearningRateSchedule
from granite_fc.training.teacher_forced import evaluate_losses
from tests.training import small_run
from tests.training.test_meshes import LENGTH, LLAMA, ROWS, batch, small_recipe

STEPS = 4
MODEL = dataclasses.replace(LLAMA, num_layers=3, tie_embeddings=False, residual_dropout=0.0)
QLORA = AdapterConfig(rank=2, alpha=8, base_dtype="nf4", block_size=4)
FROZEN = ("embedding/.*", "blocks/attention/key/kernel")
OPTIMIZER = AdamW(
    LearningRateSchedule(1e-2, warmup_steps=1, decay="linear"),
    weight_decay=0.2,
    frozen=FROZEN,
    layer_decay=0.5,
    rate_multipliers=(("blocks/mlp/up/kernel", 0.25), ("blocks/mlp/.*", 2.0)),
    ema=Ema(0.8),
)


def flat(tree: Any) -> dict[str, np.ndarray]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf)
        for path, leaf in leaves
    }


def names(tree: Any) -> set[str]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in leaves}


def programs_of(model: Any, optimizer: Optimizer, mesh: MeshConfig, devices: int) -> Programs:
    recipe = small_recipe(model, optimizer, STEPS)
    return Programs(recipe, make_mesh(mesh, jax.devices()[:devices]), LogicalAxisRules())


def expected_factor(name: str, layer: int) -> float:
    """What `OPTIMIZER` multiplies the rate of a weight of `MODEL` by, in words of its own."""
    if name.startswith("blocks/mlp/up/"):
        multiplier = 0.25
    else:
        multiplier = 2.0 if name.startswith("blocks/mlp/") else 1.0
    depth = {0: 0.25, 1: 0.5, 2: 1.0}[layer] if name.startswith("blocks/") else 1.0
    return multiplier * depth


def reference(params: dict[str, Any]) -> list[dict[str, np.ndarray]]:
    """The parameters after each step, by AdamW as its paper has it, a weight and a layer a time."""
    loss = decoder_loss(MODEL)
    structure = jax.tree.structure(params)

    @jax.jit
    def gradients(params: Any, number: Any) -> Any:
        def mean(params: Any) -> jax.Array:
            total, _ = loss(params, number, None, 1e-4)
            return total / number["loss_weights"].sum()

        return jax.grad(mean)(params)

    current = {name: leaf.astype(np.float64) for name, leaf in flat(params).items()}
    trained = [n for n in current if n != "blocks/attention/key/kernel" and n[:9] != "embedding"]
    first = {name: np.zeros_like(current[name]) for name in trained}
    second = {name: np.zeros_like(current[name]) for name in trained}
    found = []
    for step in range(STEPS):
        tree = jax.tree.unflatten(structure, [leaf.astype(np.float32) for leaf in current.values()])
        grads = {n: g.astype(np.float64) for n, g in flat(gradients(tree, batch(step))).items()}
        norm = np.sqrt(sum((grads[name] ** 2).sum() for name in trained))
        progress = (step - 1) / (STEPS - 1)
        rate = 1e-2 * (0.5 if step == 0 else 1 - 0.9 * progress)
        for name in trained:
            grad = grads[name] / max(norm, 1.0)
            first[name] = 0.9 * first[name] + 0.1 * grad
            second[name] = 0.95 * second[name] + 0.05 * grad**2
            direction = first[name] / (1 - 0.9 ** (step + 1))
            direction /= np.sqrt(second[name] / (1 - 0.95 ** (step + 1))) + 1e-8
            if "norm" not in name:
                direction = direction + 0.2 * current[name]
            layers = len(direction) if name.startswith("blocks/") else 1
            factors = np.array([expected_factor(name, layer) for layer in range(layers)])
            if name.startswith("blocks/"):
                factors = factors.reshape(-1, *[1] * (direction.ndim - 1))
            current[name] = current[name] - rate * factors * direction
        found.append(dict(current))
    return found


def test_steps_are_those_of_a_plain_reference_and_frozen_weights_stay_to_the_last_bit() -> None:
    programs = programs_of(MODEL, OPTIMIZER, MeshConfig(fsdp=4, tensor=2), 8)
    state = programs.init()
    before = flat(state["params"])
    expected = reference(jax.device_get(state["params"]))
    held = {"embedding/table", "blocks/attention/key/kernel"}
    assert not [name for name in names(state["opt_state"]) if name.endswith(tuple(held))]
    assert any(name.endswith("mlp/up/kernel") for name in names(state["opt_state"]))
    assert names(state["ema"]) == before.keys() - held

    placement = BatchPlacement(programs.batch_sharding, (ROWS, LENGTH))
    train_step, _ = programs.compile_train_step()
    for step in range(STEPS):
        state, metrics = train_step(state, placement.put(batch(step)))
    after = flat(state["params"])
    for name, value in after.items():
        if name in held:
            np.testing.assert_array_equal(value, before[name])
        else:
            np.testing.assert_allclose(value, expected[-1][name], atol=3e-5, err_msg=name)
    trained = [after[name] for name in after if name not in held]
    norm = np.sqrt(sum(np.square(leaf, dtype=np.float64).sum() for leaf in trained))
    np.testing.assert_allclose(metrics["param_norm"], norm, rtol=1e-5)
    # (1 - d) / (1 - d^t) * sum of d^(t - i) p_i.
    weights = 0.2 * 0.8 ** np.arange(STEPS - 1, -1, -1) / (1 - 0.8**STEPS)
    for name, value in flat(state["ema"]).items():
        average = sum(w * params[name] for w, params in zip(weights, expected, strict=True))
        np.testing.assert_allclose(value, average, atol=3e-5, err_msg=name)
    up, up_ema = (state[part]["blocks"]["mlp"]["up"]["kernel"] for part in ("params", "ema"))
    assert up_ema.dtype == jnp.float32 and up_ema.sharding == up.sharding
    assert up.sharding.spec == jax.P(None, "fsdp", "tensor")


@pytest.mark.parametrize("decay", [0.5, 0.999, 0.99999])
def test_the_average_is_its_closed_form_from_the_first_step_on(decay: float) -> None:
    values = 3 + np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)
    ema = begin_ema({"a": jnp.full(4, -5, jnp.bfloat16)})
    update = jax.jit(lambda ema, values, step: next_ema(ema, {"a": values}, step, decay))
    for step, value in enumerate(values):
        ema = update(ema, value, jnp.int32(step))
        weights = decay ** np.arange(step, -1, -1.0)
        average = weights @ values[: step + 1].astype(np.float64) / weights.sum()
        np.testing.assert_allclose(ema["a"], average, atol=1e-5)


def test_rates_fall_from_the_top_block_down_and_the_first_pattern_counts() -> None:
    factors = rate_factors(
        logical_axes(dataclasses.replace(LLAMA, num_layers=4, positions="learned")),
        layer_decay=0.5,
        num_layers=4,
        multipliers=((".*/query/.*", 3.0), ("blocks/.*", 1.0), ("final_norm/scale", 5.0)),
        key="adamw.rate_multipliers",
    )
    query, down = (
        factors["blocks"][part][name]["kernel"]
        for part, name in (("attention", "query"), ("mlp", "down"))
    )
    assert query.shape == (4, 1, 1, 1) and down.shape == (4, 1, 1)
    np.testing.assert_array_equal(down.ravel(), [0.125, 0.25, 0.5, 1.0])
    np.testing.assert_array_equal(query.ravel(), [0.375, 0.75, 1.5, 3.0])
    assert factors["embedding"]["table"] == factors["positions"]["table"] == 0.0625
    assert factors["final_norm"]["scale"] == 5.0


@pytest.mark.parametrize("optimizer", [AdamW, Adafactor, Muon])
def test_among_adapters_patterns_choose_adapters_alone(optimizer: type[Optimizer]) -> None:
    model = dataclasses.replace(MODEL, adapter=QLORA)
    configured = optimizer(frozen=".*/lora_a", layer_decay=0.5, ema=Ema())
    state = programs_of(model, configured, MeshConfig(fsdp=1), 1).layout.state
    assert {name.rsplit("/", 1)[1] for name in names(state["params"])} == {"lora_a", "lora_b"}
    assert {name.rsplit("/", 1)[1] for name in names(state["ema"])} == {"lora_b"}
    assert not [name for name in names(state["opt_state"]) if "lora_a" in name]
    with pytest.raises(ConfigurationError, match=r"embedding/table.*mlp/up/adapter/lora_a"):
        programs_of(model, optimizer(frozen="embedding/table"), MeshConfig(fsdp=1), 1)


def test_flops_leave_out_the_gradients_of_frozen_weights() -> None:
    every = ModelFlops.of(MODEL).per_token
    key = MODEL.num_layers * 16 * 2 * 4
    table = 32 * 16
    assert ModelFlops.of(MODEL, {"blocks/attention/key/kernel"}).per_token == every - 2 * key
    # The table that is looked up in costs no product; the one that makes logits does.
    assert ModelFlops.of(MODEL, {"embedding/table"}).per_token == every
    assert ModelFlops.of(MODEL, {"head/table"}).per_token == every - 2 * table


@pytest.mark.parametrize(
    ("optimizer", "named"),
    [
        (AdamW(frozen="blocks/mlp/u"), r"adamw\.frozen: found 'blocks/mlp/u'.*blocks/mlp/up/ker"),
        (Muon(frozen=(".*",)), r"muon\.frozen.*leave a weight to train"),
        (AdamW(frozen="("), r"adamw\.frozen: found '\('.*regular expression"),
        (AdamW(rate_multipliers=(("mlp", 0.1),)), r"adamw\.rate_multipliers: found 'mlp'"),
        (
            AdamW(rate_multipliers=(("blocks/.*", 0.1), ("blocks/mlp/.*", 2.0))),
            r"rate_multipliers: found 'blocks/mlp/\.\*', expected .* first to match",
        ),
        (AdamW(rate_multipliers=((".*", 0.0),)), r"number above 0\. .* in adamw\.frozen"),
        (AdamW(rate_multipliers=("blocks",)), r"adamw\.rate_multipliers: found 'blocks'"),
        (
            AdamW(frozen="embedding/.*", rate_multipliers=(("embedding/.*", 2.0),)),
            r"adamw\.rate_multipliers.*a trained weight",
        ),
        (AdamW(layer_decay=1.5), r"adamw\.layer_decay: found 1\.5"),
        (AdamW(ema=Ema(1.0)), r"ema\.decay: found 1\.0"),
        (AdamW(ema="@ema"), r"adamw\.ema: found '@ema', expected @ema\(\)"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    optimizer: Optimizer, named: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=named):
        small_run.run(tmp_path, optimizer=optimizer)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def no_configuration() -> Iterator[None]:
    yield
    gin.clear_config()


def tune(folder: Path, name: str, **changes: Any) -> tuple[dict[str, Any], Any]:
    """Runs to step 4; returns what its checkpoint holds, and its evaluation."""
    settings: dict[str, Any] = {
        "model_dir": str(folder / name),
        "checkpoints": CheckpointPolicy(period=2),
        "train_steps": STEPS,
        "eval_period": 0,
        "microbatches": 1,
        "mesh": MeshConfig(fsdp=8),
        "optimizer": AdamW(1e-2, frozen="embedding/table", layer_decay=0.5, ema=Ema(0.5)),
    }
    result = small_run.run(folder, **(settings | changes))
    assert result is not None
    path = folder / name / "checkpoints" / str(STEPS) / "state"
    return flat(ocp.StandardCheckpointer().restore(path)), result.evaluation


def test_a_run_goes_on_to_the_last_bit_and_is_evaluated_by_its_average(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_configuration: None
) -> None:
    small_run.write_cache(tmp_path / "cache")
    whole, evaluation = tune(tmp_path, "whole")
    stopped = tmp_path / "stopped" / "checkpoints"
    stopped.mkdir(parents=True)
    shutil.copytree(tmp_path / "whole" / "checkpoints" / "2", stopped / "2")
    for changed, named in (
        (AdamW(frozen="embedding/.*|final_norm/.*", ema=Ema(0.5)), r"adamw\.frozen.*as in the ch"),
        (AdamW(ema=Ema(0.5)), r"adamw\.frozen: found 'nothing', expected embedding/table"),
        (AdamW(frozen="embedding/table", ema=Ema(0.6)), r"ema\.decay: found '0\.6', expected 0\.5"),
        (AdamW(frozen="embedding/table"), r"ema\.decay: found 'None'"),
    ):
        with pytest.raises(ConfigurationError, match=named):
            tune(tmp_path, "stopped", optimizer=changed)
    again, _ = tune(tmp_path, "stopped")
    assert again.keys() == whole.keys()
    for name, value in whole.items():
        np.testing.assert_array_equal(again[name], value, err_msg=name)

    def loaded(evaluate: bool) -> trained_model.TrainedModel:
        gin.clear_config()
        gin.parse_config(f"ema.evaluate = {evaluate}")
        monkeypatch.setattr(trained_model, "DecoderConfig", small_run.model)
        monkeypatch.setattr(trained_model, "load_vocabulary", small_run.Bytes)
        return trained_model.load(tmp_path / "whole" / "checkpoints" / str(STEPS))

    average, last = loaded(True), loaded(False)
    for name, value in flat(last.params).items():
        np.testing.assert_array_equal(value, whole[f"params/{name}"])
    for name, value in flat(average.params).items():
        of = "params" if name == "embedding/table" else "ema"
        np.testing.assert_array_equal(value, whole[f"{of}/{name}"])

    data = open_run_data(
        "small",
        str(tmp_path / "cache"),
        sequence_length=small_run.LENGTH,
        batch_size=8,
        seed=0,
        eval_examples=256,
        eval_split="validation",
    )
    recipe = dataclasses.replace(small_recipe(average.config, AdamW(), 1), sequence_length=32)
    programs = Programs(recipe, average.mesh, average.rules)
    placement = BatchPlacement(programs.batch_sharding, recipe.batch_shape)
    step = programs.eval_step()

    def loss(params: Any) -> float:
        _, together = evaluate_losses(params, data.evaluation, step, placement, data.subtasks)
        return together["loss"]

    np.testing.assert_allclose(evaluation["loss"], loss(average.params), rtol=1e-6)
    assert abs(loss(last.params) / loss(average.params) - 1) > 1e-4
