"""A damaged or another model is refused by the names of its weights, before one is read."""

from __future__ import annotations

import dataclasses
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.checkpoints.beginning import Beginning
from granite_fc.checkpoints.hf.safetensors_header import read_header
from granite_fc.checkpoints.hf.tokens import tokenizer_of
from granite_fc.checkpoints.published import open_published
from granite_fc.errors import ConfigurationError
from tests.checkpoints.hf.saved import save
from tests.models.families import GRANITE, LLAMA
from tests.training.small_run import Bytes
from tests.vocabularies.conftest import tokenizer_folder as tokenizer_folder

INDEX = "model.safetensors.index.json"
SIZES = Bytes()


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sharded")
    save(LLAMA, folder, shard="20KB")
    return folder


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("single")
    save(LLAMA, folder)
    return folder


def shard_of(folder: Path, weight: str) -> Path:
    return folder / json.loads((folder / INDEX).read_text())["weight_map"][weight]


def drop_shard(folder: Path) -> None:
    shard_of(folder, "model.layers.1.mlp.up_proj.weight").unlink()


def truncate(folder: Path) -> None:
    path = shard_of(folder, "model.layers.1.mlp.up_proj.weight")
    path.write_bytes(path.read_bytes()[:-100])


def lie_in_index(folder: Path) -> None:
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"]["model.layers.7.mlp.up_proj.weight"] = shard_of(
        folder, "model.norm.weight"
    ).name
    (folder / INDEX).write_text(json.dumps(index))


def omit_in_index(folder: Path) -> None:
    index = json.loads((folder / INDEX).read_text())
    del index["weight_map"]["model.norm.weight"]
    (folder / INDEX).write_text(json.dumps(index))


def leave_directory(folder: Path) -> None:
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"]["model.norm.weight"] = "../" + folder.name + "/model.safetensors"
    (folder / INDEX).write_text(json.dumps(index))


def no_json(folder: Path) -> None:
    (folder / INDEX).write_text("{")


def no_generation_config(folder: Path) -> None:
    (folder / "generation_config.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (drop_shard, "model.layers.1.mlp.up_proj.weight is in model-0"),
        (truncate, "past the file"),
        (lie_in_index, "model.layers.7.mlp.up_proj.weight is not in model-0"),
        (omit_in_index, "model.norm.weight is in model-0"),
        (leave_directory, "weight_map"),
        (no_json, "not JSON"),
        (no_generation_config, "generation_config.json: found 'not JSON"),
    ],
)
def test_damaged_directories_are_refused(
    sharded: Path, tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    folder = shutil.copytree(sharded, tmp_path / "model")
    Beginning.find(folder).check(LLAMA, SIZES)
    damage(folder)
    with pytest.raises(ConfigurationError) as error:
        Beginning.find(folder)
    assert words in error.value.message


def rename(arrays: dict[str, np.ndarray]) -> None:
    arrays["model.layers.0.mlp.upwards.weight"] = arrays.pop("model.layers.0.mlp.up_proj.weight")


def reshape(arrays: dict[str, np.ndarray]) -> None:
    for layer in (0, 1):
        name = f"model.layers.{layer}.self_attn.k_proj.weight"
        arrays[name] = arrays[name].reshape(32, 16)


def quantise(arrays: dict[str, np.ndarray]) -> None:
    arrays["model.norm.weight"] = arrays["model.norm.weight"].astype(np.int8)


def widen(arrays: dict[str, np.ndarray]) -> None:
    arrays["model.norm.weight"] = arrays["model.norm.weight"].astype(np.float64)


def untie(arrays: dict[str, np.ndarray]) -> None:
    arrays["lm_head.weight"] = arrays["model.embed_tokens.weight"] + 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (rename, ("model.layers.0.mlp.up_proj.weight is missing", "upwards.weight is left over")),
        (reshape, ("model.layers.{0-1}.self_attn.k_proj.weight is [32, 16], not [16, 32]",)),
        (quantise, ("model.norm.weight is I8",)),
        (widen, ("model.norm.weight is float64",)),
        (untie, ("lm_head.weight is not model.embed_tokens.weight",)),
    ],
)
def test_other_weights_are_refused_by_name(
    single: Path,
    tmp_path: Path,
    change: Callable[[dict[str, np.ndarray]], None],
    words: tuple[str, ...],
) -> None:
    folder = shutil.copytree(single, tmp_path / "model")
    arrays = safetensors.numpy.load_file(folder / "model.safetensors")
    change(arrays)
    safetensors.numpy.save_file(arrays, folder / "model.safetensors")
    with pytest.raises(ConfigurationError) as error:
        Beginning.find(folder).check(LLAMA, SIZES)
    for word in words:
        assert word in error.value.message


def test_buffers_and_second_names_of_one_table_do_no_harm(single: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(single, tmp_path / "model")
    arrays = safetensors.numpy.load_file(folder / "model.safetensors")
    arrays["lm_head.weight"] = arrays["model.embed_tokens.weight"].copy()
    arrays["model.layers.0.self_attn.rotary_emb.inv_freq"] = np.ones(4, np.float32)
    safetensors.numpy.save_file(arrays, folder / "model.safetensors")
    Beginning.find(folder).check(LLAMA, SIZES)


def test_another_model_is_refused_by_every_field(single: Path) -> None:
    found = Beginning.find(single)
    found.check(dataclasses.replace(LLAMA, max_positions=64, scan_layers=False), SIZES)
    with pytest.raises(ConfigurationError) as error:
        found.check(dataclasses.replace(LLAMA, norm_eps=1e-6, max_positions=256), SIZES)
    assert "DecoderConfig.max_positions, DecoderConfig.norm_eps" in error.value.message
    with pytest.raises(ConfigurationError, match=r"DecoderConfig\.embedding_multiplier"):
        found.check(GRANITE, SIZES)


def test_of_two_models_in_a_directory_that_of_one_file_is_read(
    single: Path, sharded: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(sharded, tmp_path / "model")
    shutil.copy(single / "model.safetensors", folder)
    drop_shard(folder)
    # As transformers takes it.
    transformers.AutoModelForCausalLM.from_pretrained(folder)
    Beginning.find(folder).check(LLAMA, SIZES)


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("tokenizer_config.json", b'{"eos_token": ', "tokenizer_config.json: found"),
        ("tokenizer_config.json", b"[]", "tokenizer_config.json: found 'a JSON list'"),
        ("tokenizer_config.json", b'{"eos_token": "\xff"}', "tokenizer_config.json: found"),
        ("tokenizer_config.json", b"{}", "no end-of-sequence token named beside"),
        ("tokenizer.json", b"x{}", "tokenizer.json: found 'no JSON object'"),
        ("tokenizer.json", b'{"\xff": 1}', "tokenizer.json: 'utf-8' codec"),
    ],
)
def test_a_damaged_tokenizer_is_named_where_it_is(
    file: str, content: bytes, told: str, single: Path, tokenizer_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "theirs"
    shutil.copytree(single, folder)
    shutil.copytree(tokenizer_folder, folder, dirs_exist_ok=True)
    (folder / file).write_bytes(content)
    published = open_published(folder)
    assert published is not None
    with pytest.raises(ConfigurationError) as error:
        tokenizer_of(published)
    assert told in error.value.message
    # Not where it is unpacked to be read, which is gone by then.
    assert str(folder) in error.value.message


def test_pickled_weights_are_not_read(single: Path, tmp_path: Path) -> None:
    shutil.copy(single / "config.json", tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(ConfigurationError, match="pickled"):
        Beginning.find(tmp_path)


def header(entries: Any, data: bytes) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + data


ENTRY = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "BF16", "U8", "X"]),
        "shape": st.lists(st.integers(-1, 4), max_size=2),
        "data_offsets": st.lists(st.integers(-1, 40), min_size=1, max_size=3),
    }
)


@settings(max_examples=150, deadline=None)
@given(
    entries=st.dictionaries(st.sampled_from("abc"), ENTRY, max_size=3)
    | st.lists(st.integers(1, 3), max_size=3),
    cut=st.integers(0, 6) | st.just(0),
)
def test_a_header_that_is_read_is_one_that_the_library_reads(
    entries: Any, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if isinstance(entries, list):  # a sound file, which may be cut off
        begin, made = 0, {}
        for number, size in enumerate(entries):
            made[f"t{number}"] = {"dtype": "F32", "shape": [size]}
            made[f"t{number}"]["data_offsets"] = [begin, begin := begin + 4 * size]
        content = header(made, bytes(begin))
    else:
        made, content = entries, header(entries, bytes(40))
    content = content[: len(content) - cut]
    path = tmp_path_factory.getbasetemp() / "made.safetensors"
    path.write_bytes(content)
    try:
        with safetensors.safe_open(path, "numpy") as opened:
            names = opened.keys()
            expected = {name: tuple(opened.get_slice(name).get_shape()) for name in names}
    except Exception:
        expected = None
    try:
        found = {name: stored.info.shape for name, stored in read_header(path).items()}
    except ConfigurationError as error:
        assert str(path) in error.message
        found = None
    if expected is not None:
        assert found == expected
    if isinstance(entries, list):
        assert found == expected


def test_tensors_that_lie_over_each_other_are_named(tmp_path: Path) -> None:
    entries = {
        name: {"dtype": "F32", "shape": [2], "data_offsets": [begin, begin + 8]}
        for name, begin in (("first", 0), ("second", 4))
    }
    path = tmp_path / "model.safetensors"
    path.write_bytes(header(entries, bytes(12)))
    with pytest.raises(ConfigurationError, match="second lies over first"):
        read_header(path)
