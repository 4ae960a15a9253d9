"""The folder of a run with adapters becomes that of one without, which answers the same."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gin
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from granite_fc.checkpoints.beginning import Beginning
from granite_fc.checkpoints.checkpoints import Checkpoints
from granite_fc.cli.main import main
from granite_fc.models.adapters.attach import join, split
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.adapters.fingerprint import fingerprint
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import (
    abstract_params,
    adapt_params,
    base_config,
    hidden_states,
    init_params,
)
from granite_fc.models.head import logits
from granite_fc.training.step import initial_key
from granite_fc.training.trained_model import configure, load
from granite_fc.vocabularies.load import load_vocabulary
from tests.training import small_run

VOCABULARY = "--gin.VOCABULARY=granite_fc_2k"
CONFIG = small_run.model(
    vocab_size=2048, gated_mlp=False, adapter=AdapterConfig(rank=2, alpha=8, base_dtype="bfloat16")
)


@pytest.fixture(autouse=True)
def clean_gin() -> Iterator[None]:
    yield
    gin.clear_config()


def write_run(folder: Path) -> Any:
    """What a run with adapters that have learned something leaves behind; returns its model."""
    fields = {field.name: getattr(CONFIG, field.name) for field in dataclasses.fields(CONFIG)}
    adapter = dataclasses.asdict(fields.pop("adapter"))
    lines = [
        "import granite_fc.models.config",
        "import granite_fc.vocabularies.load",
        "MODEL_DIR = None",
        "INITIAL_CHECKPOINT_PATH = None",
        "RANDOM_SEED = 5",
        "VOCABULARY = 'moved'",
        "load_vocabulary.path = %VOCABULARY",
        "DecoderConfig.adapter = @AdapterConfig()",
        *(f"DecoderConfig.{name} = {value!r}" for name, value in fields.items()),
        *(f"AdapterConfig.{name} = {value!r}" for name, value in adapter.items()),
    ]
    folder.mkdir()
    (folder / "config.gin").write_text("\n".join(lines))

    @jax.jit
    def draw() -> Any:
        base = init_params(base_config(CONFIG), initial_key(5))
        adapters, frozen = split(adapt_params(CONFIG, base, jax.random.key(1)))
        keys = iter(jax.random.split(jax.random.key(2), 100))
        adapters = jax.tree.map(lambda x: 0.2 * jax.random.normal(next(keys), x.shape), adapters)
        return adapters, frozen, fingerprint(base)

    adapters, frozen, number = draw()
    vocabulary = load_vocabulary("granite_fc_2k")
    about = {
        "step": 7,
        "model": dataclasses.asdict(CONFIG),
        "vocabulary": {"name": vocabulary.name, "digest": vocabulary.digest},
    }
    with Checkpoints(folder / "checkpoints") as saved:
        saved.save(7, {"params": adapters, "base": number}, about)
    return join(adapters, frozen)


@functools.partial(jax.jit, static_argnums=0)
def scores(config: DecoderConfig, params: Any) -> jax.Array:
    tokens = jnp.arange(1, 17).reshape(2, 8)
    positions = jnp.broadcast_to(jnp.arange(8), (2, 8))
    hidden = hidden_states(config, params, tokens, positions, jnp.ones((2, 8), jnp.int32))
    return logits(config, params, hidden)


def convert(source: Path, to: Path, *more: str) -> int:
    return main(["convert", f"--from={source}", f"--to={to}", "--merge", VOCABULARY, *more])


def test_a_merged_run_answers_as_its_adapters_did_and_can_be_begun_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = write_run(tmp_path / "run")
    assert convert(tmp_path / "run", tmp_path / "merged") == 0
    merged = load(configure(str(tmp_path / "merged"), [], []))
    plain = base_config(CONFIG)
    assert merged.config == plain and merged.step == 7
    expected = scores(CONFIG, params)
    found = scores(plain, jax.device_get(merged.params))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    begun = Beginning.find(tmp_path / "merged").params(CONFIG, abstract_params(plain))
    jax.tree.map(np.testing.assert_array_equal, begun, merged.params)

    assert convert(tmp_path / "run", tmp_path / "merged") == 2
    assert "which is there" in capsys.readouterr().err
    assert convert(tmp_path / "merged", tmp_path / "again") == 2
    assert "a whole model', expected a checkpoint of adapters" in capsys.readouterr().err
    assert convert(tmp_path / "run", tmp_path / "again", "--gin.RANDOM_SEED=6") == 2
    assert "INITIAL_CHECKPOINT_PATH" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"run", "merged"}
