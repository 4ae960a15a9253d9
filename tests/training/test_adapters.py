"""Training with adapters: what changes, what is kept, what a checkpoint holds."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import weakref
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import pytest

from granite_fc.checkpoints.checkpoints import CheckpointPolicy, Checkpoints
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.adapters.fingerprint import fingerprint
from granite_fc.models.adapters.frozen import Storage
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params, count_params, init_params
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.training.mfu import ModelFlops
from granite_fc.training.optimizer import Optimizer
from granite_fc.training.optimizers import Adafactor, AdamW, Muon
from granite_fc.training.placement import BatchPlacement
from granite_fc.training.programs import Programs
from granite_fc.training.resumption import check_same_model
from granite_fc.training.step import initial_key, model_params
from tests.training import small_run
from tests.training.test_meshes import GPT_BIGCODE, LENGTH, LLAMA, ROWS, batch, small_recipe

STEPS = 8
QLORA = AdapterConfig(rank=2, alpha=8, dropout=0.1, base_dtype="nf4", block_size=4)


def programs_of(
    model: DecoderConfig, mesh: MeshConfig | None = None, optimizer: Optimizer | None = None
) -> Programs:
    mesh = mesh or MeshConfig(fsdp=1)
    recipe = small_recipe(model, optimizer or AdamW(1e-2), STEPS)
    devices = jax.devices()[: int(np.prod(list(mesh.sizes().values())))]
    return Programs(recipe, make_mesh(mesh, devices), LogicalAxisRules())


def steps(programs: Programs, state: Any) -> tuple[Any, np.ndarray]:
    placement = BatchPlacement(programs.batch_sharding, (ROWS, LENGTH))
    train_step, _ = programs.compile_train_step()
    found = []
    for _ in range(STEPS):
        # One batch again and again, which even few parameters can learn.
        state, metrics = train_step(state, placement.put(batch(0)))
        found.append([float(metrics["loss"]), float(metrics["grad_norm"])])
    return state, np.asarray(found)


def digests(tree: Any) -> dict[str, str]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {
        jax.tree_util.keystr(path): hashlib.sha256(np.asarray(leaf).tobytes()).hexdigest()
        for path, leaf in leaves
    }


def names(tree: Any) -> set[str]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in leaves}


def test_training_changes_adapters_alone_lowers_the_loss_and_is_the_same_on_a_mesh() -> None:
    # Embeddings of some size, so that what blocks write to the residual stream matters to logits.
    model = dataclasses.replace(GPT_BIGCODE, adapter=QLORA, initializer_range=0.3)
    alone = programs_of(model)
    state = alone.init()
    frozen, adapters = digests(state["frozen"]), digests(state["params"])
    state, expected = steps(alone, state)
    assert digests(state["frozen"]) == frozen
    after = digests(state["params"])
    assert after.keys() == adapters.keys()
    assert all(after[name] != adapters[name] for name in adapters)
    assert expected[-1, 0] < expected[0, 0] - 0.3

    programs = programs_of(model, MeshConfig(fsdp=2, sequence=2, tensor=2))
    spread, found = steps(programs, programs.init())
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    assert digests(spread["frozen"]) == frozen
    assert int(spread["base"]) == int(state["base"])


@pytest.mark.parametrize("optimizer", [AdamW(1e-2), Adafactor(1e-2), Muon(1e-2)])
def test_optimizers_keep_state_of_adapters_alone(optimizer: Optimizer) -> None:
    model = dataclasses.replace(LLAMA, adapter=QLORA)
    programs = programs_of(model, optimizer=optimizer)
    state = programs.layout.state
    assert all("/adapter/lora_" in name for name in names(state["params"]))
    assert not any("/adapter/" in name for name in names(state["frozen"]))
    assert names(model_params(state)) == names(abstract_params(model))
    of_parameters = {name for name in names(state["opt_state"]) if "/blocks/" in f"/{name}"}
    assert of_parameters and all("/adapter/lora_" in name for name in of_parameters)
    rest = names(state["opt_state"]) - of_parameters
    assert all("kernel" not in name and "embedding" not in name for name in rest)


def test_the_table_of_parameters_lists_base_and_adapters() -> None:
    model = dataclasses.replace(LLAMA, adapter=QLORA)
    text = programs_of(model).layout.info()
    assert f"parameters: {count_params(model):,} in " in text
    lines = {line.split()[0]: line for line in text.splitlines() if line.startswith("blocks/")}
    assert "uint8" in lines["blocks/mlp/up/kernel/values"]
    assert "embed_blocks" in lines["blocks/mlp/up/kernel/scales"]
    assert "lora_rank" in lines["blocks/attention/query/adapter/lora_a"]


def test_flops_leave_out_the_gradients_of_frozen_kernels() -> None:
    plain = ModelFlops.of(LLAMA)
    adapted = ModelFlops.of(dataclasses.replace(LLAMA, adapter=QLORA))
    # Per layer A and B of rank 2: query, key, value, output, gate, up and down.
    widths = (16 + 16) + 2 * (16 + 8) + (16 + 16) + 2 * (16 + 32) + (32 + 16)
    assert adapted.per_token == plain.per_token * 4 / 6 + 6 * LLAMA.num_layers * 2 * widths
    assert adapted.per_attended == plain.per_attended


def save_base(folder: Path, seed: int) -> str:
    """Writes the checkpoint of a whole model to put adapters beside; returns its path."""
    with Checkpoints(folder) as checkpoints:
        checkpoints.save(1, {"params": init_params(small_run.model(), jax.random.key(seed))}, {})
    return str(folder)


def tune(folder: Path, name: str, base: str, **changes: Any) -> dict[str, Any]:
    """Runs to step 4; returns what its checkpoint holds."""
    settings = {
        "model_dir": str(folder / name),
        "model": small_run.model(adapter=QLORA),
        "initial_checkpoint_path": base,
        "checkpoints": CheckpointPolicy(period=2),
        "microbatches": 1,
        "eval_examples": 0,
        "train_steps": 4,
        "optimizer": AdamW(1e-2),
    }
    small_run.run(folder, **(settings | changes))
    return ocp.StandardCheckpointer().restore(folder / name / "checkpoints" / "4" / "state")


def test_a_stopped_run_goes_on_to_the_last_bit_beside_its_own_base(tmp_path: Path) -> None:
    small_run.write_cache(tmp_path / "cache")
    base = save_base(tmp_path / "base", 0)
    whole = tune(tmp_path, "whole", base)
    # No checkpoint holds the base.
    assert set(whole) == {"step", "params", "opt_state", "base"}
    assert all("/adapter/lora_" in name for name in names(whole["params"]))

    stopped = tmp_path / "stopped" / "checkpoints"
    stopped.mkdir(parents=True)
    shutil.copytree(tmp_path / "whole" / "checkpoints" / "2", stopped / "2")
    with pytest.raises(ConfigurationError, match=r"INITIAL_CHECKPOINT_PATH.*fingerprint"):
        tune(tmp_path, "stopped", save_base(tmp_path / "other", 1))
    int8 = small_run.model(adapter=dataclasses.replace(QLORA, base_dtype="int8"))
    with pytest.raises(ConfigurationError, match=r"AdapterConfig\.base_dtype: found 'int8', exp"):
        tune(tmp_path, "stopped", base, model=int8)
    assert digests(tune(tmp_path, "stopped", base)) == digests(whole)


def test_adapters_go_on_with_another_dropout_and_with_nothing_else_of_them_changed() -> None:
    def check(**changes: Any) -> None:
        stored = {"model": dataclasses.asdict(small_run.model(adapter=QLORA)), "step": 2}
        check_same_model(json.loads(json.dumps(stored)), small_run.model(**changes))

    check(adapter=dataclasses.replace(QLORA, dropout=0.3), residual_dropout=0.3)
    for changes, told in (
        ({"rank": 4, "alpha": 1.0}, r"AdapterConfig\.rank, AdapterConfig\.alpha: found '4, 1\.0'"),
        ({"target": "blocks/mlp/up"}, r"AdapterConfig\.target"),
    ):
        with pytest.raises(ConfigurationError, match=told):
            check(adapter=dataclasses.replace(QLORA, **changes))
    with pytest.raises(ConfigurationError, match=r"DecoderConfig\.adapter: found 'None', exp"):
        check()


@pytest.mark.parametrize("mesh", [MeshConfig(fsdp=1), MeshConfig(fsdp=2, tensor=2)])
def test_a_given_base_is_stored_array_by_array_as_one_that_is_drawn(
    mesh: MeshConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = programs_of(dataclasses.replace(LLAMA, adapter=QLORA), mesh)
    drawn = programs.init()
    key = initial_key(programs.recipe.seed)
    base = jax.jit(
        lambda: init_params(dataclasses.replace(LLAMA, adapter=None), key),
        out_shardings=jax.tree.map(lambda leaf: leaf.sharding, programs.abstract_base),
    )()
    arrays = [weakref.ref(leaf) for leaf in jax.tree.leaves(base)]
    alive: list[int] = []

    def store(storage: Storage, kernel: jax.Array) -> Any:
        alive.append(sum(array() is not None for array in arrays))
        return stored_as(storage, kernel)

    stored_as = Storage.store
    monkeypatch.setattr(Storage, "store", store)
    begun = programs.init_from_params(base)
    # Each kernel is given up before the next one is stored.
    assert len(set(alive)) == len(alive) == 7
    assert alive == sorted(alive, reverse=True)
    assert digests(begun) == digests(drawn)


def test_a_fingerprint_tells_values_and_places_and_not_layouts() -> None:
    values = jax.random.normal(jax.random.key(0), (8, 4))
    tree = {"a": values, "b": values.astype(jnp.bfloat16)}
    expected = int(fingerprint(tree))
    mesh = make_mesh(MeshConfig(fsdp=4, tensor=2))
    spread = jax.device_put(tree, jax.NamedSharding(mesh, jax.P("fsdp", "tensor")))
    assert int(jax.jit(fingerprint)(spread)) == expected
    exchanged = values.at[0].set(values[1]).at[1].set(values[0])
    for other in (values.at[7, 3].add(1e-6), exchanged, -values):
        assert int(fingerprint(tree | {"a": other})) != expected
