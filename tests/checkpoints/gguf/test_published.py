"""A GGUF file as the model that it was made of."""

from __future__ import annotations

import json

import numpy as np
import pytest

from granite_fc.checkpoints.gguf.published import read_gguf
from granite_fc.checkpoints.hf.check import described
from granite_fc.errors import ConfigurationError
from tests.checkpoints.gguf import writer
from tests.checkpoints.gguf.models import (
    gguf_tensors,
    hugging_face_weights,
    llama_metadata,
    small_tokenizer,
    tokenizer_metadata,
)
from tests.checkpoints.gguf.writer import Typed, f32, write_gguf


def _metadata(**changes):
    return llama_metadata(**changes) | tokenizer_metadata(small_tokenizer())


@pytest.mark.parametrize("biases", [False, True], ids=["plain", "biases"])
@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
def test_weights_are_those_that_hugging_face_has(tmp_path, biases, tied):
    weights = hugging_face_weights(biases=biases, tied=tied)
    published = read_gguf(write_gguf(tmp_path / "a.gguf", _metadata(), gguf_tensors(weights)))
    infos = published.source.infos()
    assert infos.keys() == weights.keys()
    for name, weight in weights.items():
        assert infos[name] == (weight.shape, "float32")
        np.testing.assert_array_equal(published.source.read(name), weight, err_msg=name)
    assert published.config["tie_word_embeddings"] is tied
    assert published.config["attention_bias"] is published.config["mlp_bias"] is biases


def test_config_says_what_the_metadata_says(tmp_path):
    import transformers

    path = write_gguf(tmp_path / "a.gguf", _metadata(), gguf_tensors(hugging_face_weights()))
    config = transformers.LlamaConfig(**read_gguf(path).config)
    assert (config.num_hidden_layers, config.hidden_size, config.intermediate_size) == (2, 32, 40)
    assert (config.num_attention_heads, config.num_key_value_heads, config.head_dim) == (4, 2, 8)
    assert (config.vocab_size, config.max_position_embeddings) == (300, 64)
    assert (config.rms_norm_eps, config.rope_parameters["rope_theta"]) == (1e-5, 500.0)
    assert config.rope_parameters["rope_type"] == "default"
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (1, 2, 2)


def _divisors(theta: float, factor: float) -> tuple[np.ndarray, dict]:
    """What llama.cpp's converter writes of Llama 3.1's rule, and the rule in `config.json`."""
    import transformers
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    rule = {"rope_type": "llama3", "factor": factor, "low_freq_factor": 1.0}
    rule |= {"high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
    config = transformers.LlamaConfig(head_dim=8, rope_parameters=rule | {"rope_theta": theta})
    stretched, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    plain = theta ** (-np.arange(0, 8, 2) / 8)
    return (plain / stretched.numpy()).astype(np.float32), rule


def test_positions_are_stretched_as_the_divisors_say(tmp_path):
    divisors, rule = _divisors(5e5, 32.0)
    assert divisors[0] == 1 < divisors[2] < divisors[3] == 32
    weights = hugging_face_weights()
    tensors = gguf_tensors(weights) | {"rope_freqs.weight": f32(divisors)}
    metadata = _metadata(**{"rope.freq_base": 5e5})
    published = read_gguf(write_gguf(tmp_path / "a.gguf", metadata, tensors))
    assert published.config["rope_scaling"] == rule
    assert published.source.infos().keys() == weights.keys()
    model = described(published)
    assert (model.rope_theta, model.rope_factor) == (5e5, 32.0)


@pytest.mark.parametrize("kind", ["another rule", "fewer", "shrunk", "not a number", "endless"])
def test_other_divisors_are_refused(tmp_path, kind):
    divisors, _ = _divisors(5e5, 32.0)
    wrong = {
        "another rule": np.array([1, 2, 16, 32]),
        "fewer": divisors[:3],
        "shrunk": divisors / 64,
        "not a number": np.array([1, 1, np.nan, 32]),
        "endless": np.array([1, 1, np.inf, np.inf]),
    }[kind]
    tensors = gguf_tensors(hugging_face_weights()) | {"rope_freqs.weight": f32(wrong)}
    metadata = _metadata(**{"rope.freq_base": 5e5})
    path = write_gguf(tmp_path / "a.gguf", metadata, tensors)
    with pytest.raises(ConfigurationError, match=r"rope_freqs\.weight: found '\d divisors"):
        read_gguf(path)


def test_what_a_file_may_leave_out(tmp_path):
    metadata = _metadata()
    for key in ("attention.head_count_kv", "rope.freq_base", "rope.dimension_count", "vocab_size"):
        del metadata[f"llama.{key}"]
    del metadata["tokenizer.ggml.bos_token_id"], metadata["tokenizer.ggml.padding_token_id"]
    path = write_gguf(tmp_path / "a.gguf", metadata, gguf_tensors(hugging_face_weights()))
    published = read_gguf(path)
    assert published.config["num_key_value_heads"] == 4
    assert published.config["rope_theta"] == 10_000.0
    assert published.config["bos_token_id"] is None
    assert json.loads(published.files["generation_config.json"]) == {"eos_token_id": 2}


def test_all_that_ends_an_answer_is_told(tmp_path):
    ends = {"tokenizer.ggml.eos_token_id": 0, "tokenizer.ggml.eot_token_id": 2}
    metadata = _metadata() | ends | {"tokenizer.ggml.eom_token_id": 0}
    path = write_gguf(tmp_path / "a.gguf", metadata, gguf_tensors(hugging_face_weights()))
    files = read_gguf(path).files
    generation = json.loads(files["generation_config.json"])
    assert generation == {"bos_token_id": 1, "eos_token_id": [0, 2], "pad_token_id": 2}
    assert json.loads(files["tokenizer_config.json"])["eos_token"] == "<|endoftext|>"


@pytest.mark.parametrize(
    "harmless",
    [
        {"rope.scaling.type": "none", "rope.scaling.original_context_length": 32},
        {"expert_count": 0},
        {"attention.key_length": 8, "attention.value_length": 8},
    ],
)
def test_metadata_without_effect_is_taken(tmp_path, harmless):
    tensors = gguf_tensors(hugging_face_weights())
    config = read_gguf(write_gguf(tmp_path / "a.gguf", _metadata(), tensors)).config
    assert read_gguf(write_gguf(tmp_path / "b.gguf", _metadata(**harmless), tensors)).config == (
        config
    )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rope.scaling.type": "yarn"}, "llama.rope.scaling.type: found 'yarn'"),
        ({"rope.scaling.factor": 4.0}, "llama.rope.scaling.factor: found 4.0"),
        ({"rope.scale_linear": 2.0}, "llama.rope.scale_linear: found 2.0"),
        ({"rope.dimension_count": 4}, "llama.rope.dimension_count: found 4"),
        ({"expert_count": 8}, "llama.expert_count: found 8"),
        ({"attention.sliding_window": 16}, "llama.attention.sliding_window: found 16"),
        ({"logit_scale": 0.5}, "llama.logit_scale: found 0.5"),
        ({"attention.causal": False}, "llama.attention.causal: found False"),
        ({"attention.value_length": 16}, "llama.attention.value_length: found 16"),
        ({"attention.head_count_kv": 3}, "llama.attention.head_count_kv: found 3"),
        ({"attention.head_count": 0}, "llama.attention.head_count: found 0"),
        ({"attention.head_count": [4, 4]}, "llama.attention.head_count: found 'a list of 2'"),
        ({"attention.head_count": 5, "attention.head_count_kv": 5}, "llama.embedding_length"),
        ({"embedding_length": 31}, "llama.embedding_length: found 31"),
        ({"block_count": Typed(writer.I32, -1)}, "llama.block_count: found -1"),
        ({"vocab_size": 301}, "llama.vocab_size: found 301"),
        ({"rope.freq_base": float("nan")}, "llama.rope.freq_base: found nan"),
    ],
)
def test_metadata_that_changes_the_maths_is_named(tmp_path, changes, named):
    path = write_gguf(
        tmp_path / "a.gguf", _metadata(**changes), gguf_tensors(hugging_face_weights())
    )
    with pytest.raises(ConfigurationError, match=named):
        read_gguf(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("general.architecture", "qwen2"),
        ("general.type", "adapter"),
        ("split.count", 3),
        ("llama.context_length", None),
        ("llama.attention.layer_norm_rms_epsilon", None),
        ("tokenizer.ggml.eos_token_id", None),
    ],
)
def test_what_is_no_whole_llama_model_is_named(tmp_path, key, value):
    metadata = {**_metadata(), key: value}
    if value is None:
        del metadata[key]
    path = write_gguf(tmp_path / "a.gguf", metadata, gguf_tensors(hugging_face_weights()))
    with pytest.raises(ConfigurationError, match=f"{key}: found {value or 'nothing'!r}"):
        read_gguf(path)


@pytest.mark.parametrize("name", ["blk.0.ffn_gate_exps.weight", "blk.00.attn_q.weight", "other"])
def test_tensors_without_a_place_are_named(tmp_path, name):
    tensors = gguf_tensors(hugging_face_weights()) | {name: f32(np.ones(8, np.float32))}
    with pytest.raises(ConfigurationError, match=name):
        read_gguf(write_gguf(tmp_path / "a.gguf", _metadata(), tensors))


def test_queries_that_make_up_no_heads_are_named(tmp_path):
    tensors = gguf_tensors(hugging_face_weights())
    tensors["blk.1.attn_k.weight"] = f32(np.ones((14, 32), np.float32))
    path = write_gguf(tmp_path / "a.gguf", _metadata(), tensors)
    with pytest.raises(ConfigurationError, match=r"blk\.1\.attn_k\.weight: found '14 rows'"):
        read_gguf(path)


def test_a_vocabulary_alone_is_no_model(tmp_path):
    with pytest.raises(ConfigurationError, match="no tensor token_embd"):
        read_gguf(write_gguf(tmp_path / "a.gguf", _metadata(), {}))
