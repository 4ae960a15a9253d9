"""Every field of a `config.json` is used, harmless or refused by name."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
import transformers
from transformers.activations import ACT2FN

from granite_fc.checkpoints.hf.config_fields import HARMLESS, MAPPED, NEUTRAL, REQUIRED
from granite_fc.checkpoints.hf.config_in import decoder_config
from granite_fc.checkpoints.hf.config_out import published_config
from granite_fc.checkpoints.hf.families import ACTIVATIONS
from granite_fc.errors import ConfigurationError
from granite_fc.models.activation import activate
from granite_fc.models.config import DecoderConfig
from tests.checkpoints.hf.saved import MODELS
from tests.models.families import FAMILIES, GPT_BIGCODE, LLAMA, VARIANTS

CLASSES = {
    "gpt_bigcode": transformers.GPTBigCodeConfig,
    "llama": transformers.LlamaConfig,
    "granite": transformers.GraniteConfig,
}


@pytest.mark.parametrize("family", CLASSES)
def test_transformers_has_no_field_that_is_not_accounted_for(family: str) -> None:
    theirs = {field.name: field.default for field in dataclasses.fields(CLASSES[family])}
    theirs |= CLASSES[family]().to_dict()
    known = MAPPED[family].keys() | NEUTRAL.keys() | HARMLESS
    assert not theirs.keys() - known
    for name, default in MAPPED[family].items():
        if default is not REQUIRED and default is not None and name in theirs:
            assert theirs[name] == default, name


@pytest.mark.parametrize("config", MODELS.values(), ids=MODELS.keys())
def test_a_config_comes_back_as_it_went_and_means_the_same_to_transformers(
    config: DecoderConfig, tmp_path: Any
) -> None:
    written = published_config(config, "model", "float32")
    read = decoder_config(written, "config.json")
    computed = {"compute_dtype", "vocab_multiple", "scan_layers", "param_dtype"}
    for field in dataclasses.fields(DecoderConfig):
        if field.name not in computed:
            assert getattr(read, field.name) == getattr(config, field.name), field.name

    # Through transformers, which moves and renames fields.
    loaded = CLASSES[written["model_type"]].from_dict(written)
    assert decoder_config(loaded.to_dict(), "config.json") == read


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_names_of_activations_mean_what_they_mean_in_transformers(name: str) -> None:
    x = torch.linspace(-6, 6, 101)
    ours = activate(ACTIVATIONS[name], x.numpy(), None)
    torch.testing.assert_close(torch.tensor(ours), ACT2FN[name](x), atol=1e-5, rtol=1e-5)


def test_published_configs_are_read_with_what_they_leave_out() -> None:
    # As bigcode/starcoder has it, whose fields are those of its first authors' servers as well.
    starcoder = decoder_config(
        {
            "activation_function": "gelu",
            "architectures": ["GPTBigCodeForCausalLM"],
            "attention_softmax_in_fp32": True,
            "inference_runner": 0,
            "max_batch_size": None,
            "model_type": "gpt_bigcode",
            "multi_query": True,
            "n_embd": 64,
            "n_head": 4,
            "n_inner": None,
            "n_layer": 2,
            "n_positions": 8192,
            "vocab_size": 49152,
        },
        "config.json",
    )
    assert starcoder.d_ff == 256 and starcoder.head_dim == 16 and starcoder.activation == "gelu"
    assert starcoder.tie_embeddings
    old = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "vocab_size": 100}
    old |= {"num_hidden_layers": 2, "num_attention_heads": 4, "rope_theta": 1e5}
    llama = decoder_config(old | {"rope_scaling": None, "rope_interleaved": False}, "config.json")
    assert llama.rope_theta == 1e5 and llama.num_kv_heads == 4 and llama.norm_eps == 1e-6
    assert not llama.tie_embeddings


LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8,
    "low_freq_factor": 1,
    "high_freq_factor": 4,
    "original_max_position_embeddings": 8192,
}


def test_positions_stretched_as_in_llama_3_1_are_read_in_the_words_of_either_release() -> None:
    plain = published_config(LLAMA, "model", "float32")
    del plain["rope_theta"], plain["rope_parameters"]
    old = plain | {"rope_theta": 5e5, "rope_scaling": {"type": "llama3", **LLAMA3}}
    new = plain | {"rope_parameters": {"rope_theta": 5e5, **LLAMA3}}
    model = decoder_config(old, "config.json")
    assert model == decoder_config(new, "config.json") == decoder_config(old | new, "config.json")
    assert (model.rope_theta, model.rope_factor, model.rope_original_positions) == (5e5, 8.0, 8192)
    assert decoder_config(published_config(model, "model", "float32"), "config.json") == model


BAD = [
    ("llama", {"model_type": "mistral"}, "model_type = 'mistral'"),
    ("llama", {"architectures": ["LlamaForTokenClassification"]}, "LlamaForTokenClassification"),
    ("llama", {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "rope_scaling.factor"),
    ("llama", {"rope_scaling": LLAMA3 | {"factor": None}}, "no rope_scaling.factor"),
    ("llama", {"rope_scaling": LLAMA3 | {"factor": "8"}}, "rope_scaling.factor = '8'"),
    ("llama", {"rope_parameters": LLAMA3 | {"factor": 0.5}}, "rope_factor = 0.5"),
    ("llama", {"rope_parameters": LLAMA3 | {"high_freq_factor": 1}}, "rope_high_freq_factor = 1.0"),
    ("llama", {"rope_scaling": LLAMA3 | {"beta_fast": 32}}, "rope_scaling.beta_fast = 32"),
    ("llama", {"rope_scaling": LLAMA3}, "rope_parameters and rope_scaling scale positions"),
    ("llama", {"rope_theta": 5e5}, "rope_theta = 500000.0 beside rope_parameters.rope_theta"),
    ("llama", {"hidden_act": "relu"}, "hidden_act = 'relu'"),
    ("llama", {"sliding_window": 4096}, "sliding_window = 4096"),
    ("llama", {"layer_types": ["full_attention", "sliding_attention"]}, "layer_types"),
    ("llama", {"layer_types": [["full_attention"]]}, "layer_types"),
    ("llama", {"quantization_config": {"bits": 4}}, "quantization_config"),
    ("llama", {"hidden_size": "64"}, "hidden_size = '64'"),
    ("llama", {"mlp_bias": 1}, "mlp_bias = 1"),
    ("llama", {"num_key_value_heads": 3}, "num_kv_heads = 3"),
    ("llama", {"attention_multiplier": 0.1}, "attention_multiplier = 0.1, which is not known"),
    ("granite", {"my_new_gate": True}, "my_new_gate = True, which is not known"),
    ("gpt_bigcode", {"multi_query": False}, "multi_query = False"),
    ("gpt_bigcode", {"num_key_value_heads": 4}, "num_key_value_heads = 4"),
    ("gpt_bigcode", {"add_cross_attention": True}, "add_cross_attention = True"),
    ("gpt_bigcode", {"hidden_size": 64}, "hidden_size = 64 beside n_embd = 32"),
]


@pytest.mark.parametrize(("family", "change", "words"), BAD, ids=[words for *_, words in BAD])
def test_what_changes_the_maths_is_refused_by_name(
    family: str, change: dict[str, Any], words: str
) -> None:
    written = published_config(FAMILIES[family], "model", "float32")
    decoder_config(written, "config.json")
    with pytest.raises(ConfigurationError, match=r"config\.json") as error:
        decoder_config(written | change, "config.json")
    assert words in error.value.message


def test_every_wrong_field_is_named_at_once() -> None:
    written = published_config(LLAMA, "model", "float32")
    del written["hidden_size"]
    with pytest.raises(ConfigurationError) as error:
        decoder_config(written | {"use_moe": 1, "sliding_window": 8}, "config.json")
    for words in ("no hidden_size", "use_moe = 1", "sliding_window = 8"):
        assert words in error.value.message


def test_models_that_transformers_has_no_place_for_are_not_exported() -> None:
    for config, words in (
        (VARIANTS["gpt_bigcode multi-head, exact GELU"], "num_kv_heads = 4"),
        (dataclasses.replace(GPT_BIGCODE, residual_multiplier=0.5), "residual_multiplier = 0.5"),
        (
            dataclasses.replace(LLAMA, norm="layernorm", gated_mlp=False),
            "norm = 'layernorm', gated",
        ),
    ):
        with pytest.raises(ConfigurationError) as error:
            published_config(config, "model", "float32")
        assert words in error.value.message
