"""Models of every family as transformers saves them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np

from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params, hidden_states
from granite_fc.models.head import logits
from tests.models.families import GPT_BIGCODE, VARIANTS, hugging_face_model, random_params

# What multi-query attention of gpt_bigcode leaves of the variants, and some more.
MODELS = {
    name: config
    for name, config in VARIANTS.items()
    if config.positions == "rope" or config.num_kv_heads == 1
} | {
    "gpt_bigcode exact GELU, untied, scores unscaled": dataclasses.replace(
        GPT_BIGCODE, activation="gelu", tie_embeddings=False, attention_multiplier=1.0
    ),
    "gpt_bigcode padded vocabulary": dataclasses.replace(GPT_BIGCODE, vocab_multiple=16),
    "llama untied, padded vocabulary": dataclasses.replace(
        VARIANTS["llama grouped, tied"], vocab_multiple=64, tie_embeddings=False
    ),
}


def save(config: DecoderConfig, folder: Path, *, dtype: str = "float32", shard: str = "5GB") -> Any:
    """Saves a model with random weights, and returns it and its parameters as we have them."""
    params = zero_padding(config, random_params(config))
    if config.vocab_multiple > 1:
        plain = dataclasses.replace(config, vocab_multiple=1)
        model = hugging_face_model(plain, without_padding(config, params))
    else:
        model = hugging_face_model(config, params)
    if dtype != "float32":
        model = model.to(getattr(__import__("torch"), dtype))
    model.save_pretrained(folder, max_shard_size=shard)
    return model, params


def zero_padding(config: DecoderConfig, params: dict[str, Any]) -> dict[str, Any]:
    """Sets the rows of the tables to 0 that stand for no id."""

    def padded(table: jax.Array) -> jax.Array:
        return table.at[config.vocab_size :].set(0)

    return params | {
        name: {"table": padded(params[name]["table"])}
        for name in ("embedding", "head")
        if name in params
    }


def without_padding(config: DecoderConfig, params: dict[str, Any]) -> dict[str, Any]:
    return params | {
        name: {"table": params[name]["table"][: config.vocab_size]}
        for name in ("embedding", "head")
        if name in params
    }


def on_one_device(config: DecoderConfig, dtype: str = "float32") -> Any:
    sharding = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, dtype, sharding=sharding),
        abstract_params(config),
    )


def our_logits(config: DecoderConfig, params: Any, tokens: Any, segment_ids: Any) -> np.ndarray:
    positions = np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape)

    def compute(params: Any) -> jax.Array:
        hidden = hidden_states(config, params, tokens, positions, segment_ids)
        return logits(config, params, hidden)[..., : config.vocab_size]

    return np.asarray(jax.jit(compute)(params))


def assert_same(a: Any, b: Any) -> None:
    """Bit by bit, types as well."""
    leaves, structure = jax.tree.flatten(a)
    others, other_structure = jax.tree.flatten(b)
    assert structure == other_structure
    for one, other in zip(leaves, others, strict=True):
        one, other = np.asarray(one), np.asarray(other)
        assert one.dtype == other.dtype and one.shape == other.shape
        assert one.tobytes() == other.tobytes()
