"""From a decoder to the `config.json` that it is published with."""

from __future__ import annotations

from typing import Any

from granite_fc.checkpoints.hf.families import ARCHITECTURES, MULTIPLIERS, THEIR_ACTIVATION
from granite_fc.checkpoints.hf.rotary import rotary_fields
from granite_fc.errors import ConfigurationError
from granite_fc.models.config import DecoderConfig


def family_of(config: DecoderConfig, where: str) -> str:
    """Returns the family that a decoder is published as.

    Args:
        config: The decoder.
        where: Which model, for messages.

    Raises:
        ConfigurationError: None can express it; names the fields.
    """
    if config.positions == "learned":
        wanted: dict[str, Any] = {
            "norm": "layernorm",
            "gated_mlp": False,
            "attention_bias": True,
            "mlp_bias": True,
            "num_kv_heads": 1,
            "head_dim": config.d_model // config.num_heads,
            "embedding_multiplier": 1.0,
            "residual_multiplier": 1.0,
            "logits_scaling": 1.0,
        }
        family = "gpt_bigcode"
        if config.attention_multiplier not in (None, 1.0):
            wanted["attention_multiplier"] = None
    else:
        wanted = {"norm": "rmsnorm", "gated_mlp": True}
        plain = all(
            getattr(config, name) == (None if name == "attention_multiplier" else 1.0)
            for name in MULTIPLIERS
        )
        family = "llama" if plain else "granite"
    differing = [name for name, value in wanted.items() if getattr(config, name) != value]
    if config.d_model % config.num_heads:
        differing.append("num_heads")
        wanted["num_heads"] = "a divisor of d_model"
    if differing:
        raise ConfigurationError(
            where,
            found=", ".join(f"{name} = {getattr(config, name)!r}" for name in differing),
            expected=", ".join(f"{name} = {wanted[name]!r}" for name in differing)
            + f": {family} in transformers has nothing else",
        )
    return family


def published_config(config: DecoderConfig, where: str, dtype: str) -> dict[str, Any]:
    """Returns the content of `config.json`, for releases 4 and 5 of transformers.

    Args:
        config: The decoder.
        where: Which model, for messages.
        dtype: The type of its weights.

    Raises:
        ConfigurationError: See `family_of`.
    """
    family = family_of(config, where)
    common = {
        "architectures": [ARCHITECTURES[family]],
        "model_type": family,
        "torch_dtype": dtype,
        "vocab_size": config.vocab_size,
        "initializer_range": config.initializer_range,
        "tie_word_embeddings": config.tie_embeddings,
        "use_cache": True,
    }
    if family == "gpt_bigcode":
        return common | {
            "n_embd": config.d_model,
            "n_inner": config.d_ff,
            "n_layer": config.num_layers,
            "n_head": config.num_heads,
            "n_positions": config.max_positions,
            "activation_function": THEIR_ACTIVATION[config.activation],
            "layer_norm_epsilon": config.norm_eps,
            "scale_attn_weights": config.attention_multiplier is None,
            "multi_query": True,
            "attn_pdrop": config.attention_dropout,
            "embd_pdrop": config.embedding_dropout,
            "resid_pdrop": config.residual_dropout,
        }
    fields = common | {
        "hidden_size": config.d_model,
        "intermediate_size": config.d_ff,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "hidden_act": THEIR_ACTIVATION[config.activation],
        "max_position_embeddings": config.max_positions,
        "rms_norm_eps": config.norm_eps,
        "attention_bias": config.attention_bias,
        "mlp_bias": config.mlp_bias,
        "attention_dropout": config.attention_dropout,
        **rotary_fields(config),
    }
    if family == "granite":
        fields |= {name: getattr(config, name) for name in MULTIPLIERS}
        fields["attention_multiplier"] = config.attention_scale
    return fields
