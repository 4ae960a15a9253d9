"""Adapters, loaded by PEFT onto the published model, compute what they do here."""

from __future__ import annotations

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import peft
import pytest
import safetensors.numpy
import torch

from granite_fc.checkpoints.hf.peft import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    peft_config,
    peft_tensors,
)
from granite_fc.models.adapters.attach import split
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.decoder import adapt_params
from tests.models.families import FAMILIES, hugging_face_model, random_params, sequence
from tests.models.test_adapters import logits_of

EVERYTHING = ("blocks/.*",)


@pytest.mark.parametrize(
    ("family", "target"),
    [
        ("llama", EVERYTHING),
        ("llama", ("blocks/attention/(query|value)",)),
        ("granite", ("blocks/mlp/.*",)),
        ("gpt_bigcode", EVERYTHING),
        ("gpt_bigcode", ("blocks/attention/(query|value)", "blocks/mlp/down")),
    ],
)
def test_peft_computes_the_same(tmp_path, family, target):
    base = FAMILIES[family]
    adapter = AdapterConfig(rank=3, alpha=7.0, target=target, base_dtype="float32")
    config = dataclasses.replace(base, adapter=adapter)
    plain = random_params(base)
    params = jax.tree_util.tree_map_with_path(
        lambda path, leaf: (
            0.2 * jax.random.normal(jax.random.key(len(str(path))), leaf.shape)
            if path[-1].key == "lora_b"
            else leaf
        ),
        adapt_params(config, plain, jax.random.key(1)),
    )
    adapters, _ = split(params)
    (tmp_path / ADAPTER_CONFIG).write_text(json.dumps(peft_config(config, adapters, "base")))
    safetensors.numpy.save_file(peft_tensors(config, adapters), tmp_path / ADAPTER_WEIGHTS)

    tokens, positions, segment_ids = sequence(base, 2, 12)
    model = peft.PeftModel.from_pretrained(hugging_face_model(base, plain), tmp_path).eval()
    assert {name for name, _ in model.named_parameters() if "lora" in name} == {
        name.replace(".weight", ".default.weight") for name in peft_tensors(config, adapters)
    }
    with torch.no_grad():
        theirs = model(input_ids=torch.tensor(np.array(tokens), dtype=torch.long)).logits.numpy()
    ours = logits_of(config, params, tokens, positions, segment_ids)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    before = logits_of(base, plain, tokens, positions, segment_ids)
    assert jnp.abs(ours - before).max() > 0.1
