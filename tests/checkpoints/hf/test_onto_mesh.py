"""A published model is read onto a mesh, tensor by tensor, and trained from there."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from granite_fc.checkpoints.beginning import Beginning
from granite_fc.checkpoints.checkpoints import Checkpoints
from granite_fc.checkpoints.hf.import_model import import_model
from granite_fc.checkpoints.hf.onto_mesh import load_params
from granite_fc.checkpoints.hf.tensors import Published, TensorInfo, TensorSource
from granite_fc.checkpoints.published import open_published
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params, logical_axes
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.shardings import named, partitions_of
from granite_fc.training import loop
from granite_fc.training.first_state import first_state, saved_part
from granite_fc.training.optimizers import AdamW
from granite_fc.training.programs import Programs
from granite_fc.training.step import TrainState
from tests.checkpoints.hf.saved import assert_same, on_one_device, save
from tests.models.families import GPT_BIGCODE, LLAMA
from tests.training.small_run import model, run, write_cache
from tests.training.test_meshes import LLAMA as SMALL
from tests.training.test_meshes import small_recipe

DEEP = dataclasses.replace(GPT_BIGCODE, num_layers=6, vocab_multiple=2)


class Watched:
    """Counts the tensors that somebody still holds when the next one is read."""

    def __init__(self, source: TensorSource) -> None:
        self._source = source
        self._held: list[weakref.ref[np.ndarray]] = []
        self.most = 0

    def infos(self) -> Mapping[str, TensorInfo]:
        return self._source.infos()

    def read(self, name: str) -> np.ndarray:
        array = np.array(self._source.read(name))
        if name.startswith("transformer.h."):
            self.most = max(self.most, sum(held() is not None for held in self._held) + 1)
            self._held.append(weakref.ref(array))
        return array


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("deep")
    _, params = save(DEEP, folder)
    return folder, params


def watched(folder: Path) -> tuple[Published, Watched]:
    published = open_published(folder)
    assert published is not None
    source = Watched(published.source)
    return dataclasses.replace(published, source=source), source


def test_each_device_gets_its_part_and_no_more_than_two_tensors_are_held(
    deep: tuple[Path, Any],
) -> None:
    folder, params = deep
    published, source = watched(folder)
    mesh = make_mesh(MeshConfig(data=2, fsdp=2, tensor=2), jax.devices())
    shapes = abstract_params(DEEP)
    shardings = named(
        mesh, partitions_of(logical_axes(DEEP), shapes, mesh.shape, LogicalAxisRules())
    )
    wanted = jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, jnp.bfloat16, sharding=sharding),
        shapes,
        shardings,
    )
    read = load_params(published, DEEP, wanted)
    assert_same(read, jax.tree.map(lambda x: x.astype(jnp.bfloat16), params))
    assert jax.tree.map(lambda x: x.sharding, read) == shardings
    kernel = read["blocks"]["mlp"]["up"]["kernel"]
    assert kernel.addressable_shards[0].data.size == kernel.size // 4
    assert source.most <= 2


def test_conversion_holds_no_more_than_two_tensors(deep: tuple[Path, Any], tmp_path: Path) -> None:
    published, source = watched(deep[0])
    import_model(published, tmp_path / "ours", progress=lambda *_: None)
    assert source.most <= 2


@pytest.mark.parametrize("base_dtype", ["bfloat16", "nf4"])
def test_a_base_that_is_published_in_bfloat16_is_never_wider(
    base_dtype: str, tmp_path: Path
) -> None:
    save(LLAMA, tmp_path, dtype="bfloat16")
    adapter = AdapterConfig(base_dtype=base_dtype, block_size=8)
    config = dataclasses.replace(LLAMA, adapter=adapter)
    params = Beginning.find(tmp_path).params(config, abstract_params(LLAMA))
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype(jnp.bfloat16)}
    whole = Beginning.find(tmp_path).params(LLAMA, on_one_device(LLAMA))
    assert {leaf.dtype for leaf in jax.tree.leaves(whole)} == {jnp.dtype(jnp.float32)}
    assert_same(jax.tree.map(lambda x: x.astype("float32"), params), whole)


def test_a_stack_of_which_one_layer_is_wider_stays_as_wide(tmp_path: Path) -> None:
    save(LLAMA, tmp_path, dtype="bfloat16")
    file = tmp_path / "model.safetensors"
    arrays = safetensors.numpy.load_file(file)
    name = "model.layers.1.mlp.up_proj.weight"
    arrays[name] = arrays[name].astype("float32") + np.float32(1e-5)
    safetensors.numpy.save_file(arrays, file)
    config = dataclasses.replace(LLAMA, adapter=AdapterConfig(base_dtype="float32"))
    params = Beginning.find(tmp_path).params(config, abstract_params(LLAMA))
    mlp = params["blocks"]["mlp"]
    assert (mlp["up"]["kernel"].dtype, mlp["down"]["kernel"].dtype) == ("float32", "bfloat16")
    np.testing.assert_array_equal(mlp["up"]["kernel"][1], arrays[name].T)


def begun(config: DecoderConfig, theirs: Path, folder: Path) -> TrainState:
    """The state that a run begins or goes on with; begun, it is saved as after a step."""
    programs = Programs(
        small_recipe(config, AdamW(), 10),
        make_mesh(MeshConfig(tensor=2), jax.devices()[:2]),
        LogicalAxisRules(),
    )
    with Checkpoints(folder) as saved:
        state, step = first_state(programs, saved, Beginning.find(theirs))
        if step == 0:
            saved.save(1, saved_part(state), {})
    return state


def test_a_run_begins_with_what_was_published(tmp_path: Path) -> None:
    save(SMALL, tmp_path / "theirs")
    weights = safetensors.numpy.load_file(tmp_path / "theirs" / "model.safetensors")
    down = begun(SMALL, tmp_path / "theirs", tmp_path / "run")["params"]["blocks"]["mlp"]["down"]
    for layer in range(SMALL.num_layers):
        theirs = weights[f"model.layers.{layer}.mlp.down_proj.weight"]
        np.testing.assert_array_equal(down["kernel"][layer], theirs.T)


def test_adapters_come_back_to_the_published_model_that_they_were_made_for(tmp_path: Path) -> None:
    adapter = AdapterConfig(rank=2, target="blocks/attention/query", base_dtype="bfloat16")
    config = dataclasses.replace(SMALL, adapter=adapter)
    save(SMALL, tmp_path / "theirs", dtype="bfloat16")
    first = begun(config, tmp_path / "theirs", tmp_path / "run")
    again = begun(config, tmp_path / "theirs", tmp_path / "run")
    assert_same(again["frozen"], first["frozen"])
    # One bit of one weight.
    path = tmp_path / "theirs" / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ConfigurationError, match=r"INITIAL_CHECKPOINT_PATH.*theirs.*fingerprint"):
        begun(config, tmp_path / "theirs", tmp_path / "run")


def test_a_converted_model_is_no_run_to_go_on_with(tmp_path: Path) -> None:
    write_cache(tmp_path / "cache")
    save(model(), tmp_path / "theirs")
    published = open_published(tmp_path / "theirs")
    assert published is not None
    import_model(published, tmp_path / "model", progress=lambda *_: None)
    with pytest.raises(ConfigurationError, match="INITIAL_CHECKPOINT_PATH"):
        run(tmp_path)


def test_another_model_ends_a_run_before_a_device_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def used() -> int:
        raise AssertionError("a device was used")

    save(model(), tmp_path / "theirs")
    monkeypatch.setattr(loop.jax, "device_count", used)
    monkeypatch.setattr(loop.jax, "devices", used)
    given = {"initial_checkpoint_path": str(tmp_path / "theirs")}
    with pytest.raises(ConfigurationError, match=r"DecoderConfig\.norm_eps: found '1e-06'"):
        run(tmp_path, model=model(norm_eps=1e-6), **given)
    path = tmp_path / "theirs" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ConfigurationError, match="past the file"):
        run(tmp_path, **given)
    assert not (tmp_path / "model").exists()
