"""The model of a checkpoint answers as the run's own did at its end."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gin
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from granite_fc.decoding.engine import Engine
from granite_fc.decoding.request import Request
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import hidden_states
from granite_fc.models.head import logits
from granite_fc.sharding.activate import activate
from granite_fc.training import trained_model
from granite_fc.vocabularies.vocabulary import Vocabulary
from tests.models.families import FAMILIES, random_params
from tests.training.small_run import STEPS, Bytes, model, run, write_cache

# What a run file would bind.
CONFIG = "INITIAL_CHECKPOINT_PATH = None\nRANDOM_SEED = {seed}\n"
QLORA = model(adapter=AdapterConfig(rank=2, alpha=8, base_dtype="nf4", block_size=4))


class Other(Bytes):
    name = "other"
    digest = "1" * 64


@pytest.fixture(autouse=True)
def configuration() -> Iterator[None]:
    yield
    gin.clear_config()


def loaded(
    folder: Path,
    config: DecoderConfig,
    monkeypatch: pytest.MonkeyPatch,
    *,
    vocabulary: Vocabulary | None = None,
    seed: int = 0,
) -> trained_model.TrainedModel:
    gin.parse_config(CONFIG.format(seed=seed))
    monkeypatch.setattr(trained_model, "DecoderConfig", lambda: config)
    monkeypatch.setattr(trained_model, "load_vocabulary", lambda: vocabulary or Bytes())
    return trained_model.load(folder / "model" / "checkpoints" / str(STEPS))


def test_a_checkpoint_of_adapters_answers_as_its_run_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cache(tmp_path / "cache")
    run(tmp_path, model=QLORA, generation_examples=3, eval_examples=0)
    found = loaded(tmp_path, QLORA, monkeypatch)
    assert found.step == STEPS
    assert found.mesh.shape["fsdp"] == jax.device_count()
    lines = [
        json.loads(line)
        for path in sorted((tmp_path / "model" / "predictions" / str(STEPS)).iterdir())
        for line in path.read_text().splitlines()
    ]
    prompts = [Bytes().encode(line["inputs"]) for line in lines]
    with activate(found.mesh, found.rules):
        engine = Engine(found.config, found.params, found.vocabulary)
    answers = engine.answer([Request(prompt, 24) for prompt in prompts])
    compared = 0
    for (answer,), line in zip(answers, lines, strict=True):
        text = Bytes().decode(answer.tokens)
        length = min(len(text), len(line["prediction"]))
        assert text[:length] == line["prediction"][:length]
        compared += length
    assert compared > 20

    with pytest.raises(ConfigurationError, match="INITIAL_CHECKPOINT_PATH"):
        loaded(tmp_path, QLORA, monkeypatch, seed=1)
    with pytest.raises(ConfigurationError, match="VOCABULARY: found 'other"):
        loaded(tmp_path, QLORA, monkeypatch, vocabulary=Other())
    with pytest.raises(ConfigurationError, match=r"DecoderConfig\.d_model"):
        loaded(tmp_path, dataclasses.replace(QLORA, d_model=32), monkeypatch)


@pytest.mark.parametrize("config", FAMILIES.values(), ids=FAMILIES.keys())
def test_kernels_take_no_more_room_than_their_use_needs_which_changes_nothing(
    config: DecoderConfig,
) -> None:
    config = dataclasses.replace(config, compute_dtype="bfloat16")
    params = random_params(config)
    kept = jax.tree.map(jnp.copy, params)
    trained_model.keep_as_used(config, kept)
    assert kept["blocks"]["attention"]["query"]["kernel"].dtype == jnp.bfloat16
    tokens = np.arange(1, 9)[None]

    def scores(params: Any) -> np.ndarray:
        positions = np.arange(8)[None]
        hidden = hidden_states(config, params, tokens, positions, np.ones_like(positions))
        return np.asarray(logits(config, params, hidden))

    np.testing.assert_array_equal(scores(kept), scores(params))
