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

from granite_fc.checkpoints.initial import restore_params
from granite_fc.decoding.engine import Engine
from granite_fc.decoding.request import Request
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params, hidden_states
from granite_fc.models.head import logits
from granite_fc.sharding.activate import activate
from granite_fc.training import trained_model
from granite_fc.vocabularies.vocabulary import Vocabulary
from tests.training.small_run import STEPS, Bytes, model, run, write_cache

# What a run file would bind.
CONFIG = "INITIAL_CHECKPOINT_PATH = None\nRANDOM_SEED = {seed}\n"
MODELS = {
    "whole": model(),
    "qlora": model(adapter=AdapterConfig(rank=2, alpha=8, base_dtype="nf4", block_size=4)),
}


class Other(Bytes):
    name = "other"
    digest = "1" * 64


@pytest.fixture(autouse=True)
def configuration() -> Iterator[None]:
    yield
    gin.clear_config()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    write_cache(folder / "cache")
    return folder / "cache"


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


@pytest.mark.parametrize("config", MODELS.values(), ids=MODELS.keys())
def test_answers_are_those_of_the_run(
    cache: Path, tmp_path: Path, config: DecoderConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").symlink_to(cache)
    run(tmp_path, model=config, generation_examples=3)
    found = loaded(tmp_path, config, monkeypatch)
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
    if config.adapter is not None:
        with pytest.raises(ConfigurationError, match="INITIAL_CHECKPOINT_PATH"):
            loaded(tmp_path, config, monkeypatch, seed=1)
        return
    # Kernels take no more room than their use needs, which changes nothing.
    narrow = dataclasses.replace(config, compute_dtype="bfloat16")
    kept = loaded(tmp_path, narrow, monkeypatch).params
    assert kept["blocks"]["attention"]["query"]["kernel"].dtype == jnp.bfloat16
    stored = restore_params(tmp_path / "model", abstract_params(config))
    tokens = np.arange(1, 9)[None]

    def scores(params: Any) -> np.ndarray:
        positions = np.arange(8)[None]
        hidden = hidden_states(narrow, params, tokens, positions, np.ones_like(positions))
        return np.asarray(logits(narrow, params, hidden))

    np.testing.assert_array_equal(scores(jax.device_get(kept)), scores(stored))

    with pytest.raises(ConfigurationError, match="VOCABULARY: found 'other"):
        loaded(tmp_path, config, monkeypatch, vocabulary=Other())
    with pytest.raises(ConfigurationError, match=r"DecoderConfig\.d_model"):
        loaded(tmp_path, model(d_model=32), monkeypatch)
