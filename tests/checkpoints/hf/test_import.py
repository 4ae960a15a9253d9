"""What transformers saved computes the same here."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from granite_fc.checkpoints.hf.check import check_same_decoder, described
from granite_fc.checkpoints.hf.onto_mesh import load_params
from granite_fc.checkpoints.published import open_published
from granite_fc.models.config import DecoderConfig
from tests.checkpoints.hf.saved import MODELS, assert_same, on_one_device, our_logits, save


@pytest.mark.parametrize("config", MODELS.values(), ids=MODELS.keys())
def test_logits_equal_those_of_what_was_saved(config: DecoderConfig, tmp_path: Path) -> None:
    model, params = save(config, tmp_path, shard="20KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    published = open_published(tmp_path)
    assert published is not None
    check_same_decoder(described(published), config, "config.json")
    read = load_params(published, config, on_one_device(config))
    assert_same(read, params)

    tokens = np.random.default_rng(0).integers(0, config.vocab_size, (3, 13))
    segment_ids = (np.arange(13) < np.array([[13], [4], [9]])).astype(np.int32)
    with torch.no_grad():
        theirs = model(
            input_ids=torch.tensor(tokens), attention_mask=torch.tensor(segment_ids)
        ).logits.numpy()
    real = segment_ids.astype(bool)
    assert theirs[real].std() > 0.3, "weights too small to tell anything"
    for scan in (True, False):
        ours = our_logits(dataclasses.replace(config, scan_layers=scan), read, tokens, segment_ids)
        np.testing.assert_allclose(ours[real], theirs[real], atol=1e-4, rtol=1e-4)
