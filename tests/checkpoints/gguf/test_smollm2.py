"""A real model from a GGUF file: its tokens, its logits and what it knows."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from granite_fc.checkpoints.gguf.file import open_gguf
from granite_fc.checkpoints.gguf.published import read_gguf
from granite_fc.checkpoints.hf.check import described
from granite_fc.checkpoints.hf.onto_mesh import load_params
from granite_fc.checkpoints.hf.tensors import Published
from granite_fc.checkpoints.hf.tokens import tokenizer_of
from granite_fc.models.decoder import count_params
from tests.checkpoints.gguf.plain_bpe import PlainBpe
from tests.checkpoints.hf.saved import on_one_device, our_logits
from tests.real_data import DATA_DIR, needs_public_data

_TEXTS = [
    "TOPv2_HinglishTOP/**/*.tsv",
    "APIBank/training-data/*.json",
    "SealTools/**/*.jsonl",
    "GlaiveDemo/data/*.json",
    "MetaTool/dataset/*.json",
    "*/README.md",
]


@pytest.fixture(scope="module")
def published(smollm2: Path) -> Published:
    return read_gguf(smollm2)


@needs_public_data
def test_tokens_are_those_of_the_merges(smollm2: Path, published: Published) -> None:
    assert DATA_DIR is not None
    vocabulary = tokenizer_of(published)
    plain = PlainBpe(dict(open_gguf(smollm2).metadata))
    files = sorted(file for pattern in _TEXTS for file in DATA_DIR.glob(pattern))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines(True)]
    assert len(lines) > 30_000
    for line in random.Random(0).sample(lines, 10_000):
        ids = plain.encode(line[:2000])
        assert vocabulary.encode(line[:2000]) == ids
        assert vocabulary.decode(ids) == line[:2000]


def test_it_continues_and_computes_as_in_transformers(published: Published) -> None:
    config = dataclasses.replace(described(published), compute_dtype="float32")
    assert count_params(config) == 134_515_008
    params = load_params(published, config, on_one_device(config))
    vocabulary = tokenizer_of(published)
    tokens = np.array([vocabulary.encode("The capital of France is")])
    ours = our_logits(config, params, tokens, np.ones_like(tokens))
    assert vocabulary.decode([int(ours[0, -1].argmax())]) == " Paris"

    weights = {name: published.source.read(name) for name in published.source.infos()}
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    theirs = _hugging_face_model(published.config, weights)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(tokens)).logits.numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-3)


def _hugging_face_model(config: Mapping[str, Any], weights: dict[str, np.ndarray]) -> Any:
    """The transformers model; drawing weights that are replaced at once would take seconds."""
    settings = transformers.LlamaConfig(**config)
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(settings)
    tensors = {name: torch.from_numpy(weight) for name, weight in weights.items()}
    model.load_state_dict(tensors, assign=True)
    model.model.rotary_emb = type(model.model.rotary_emb)(settings)
    return model.eval()
