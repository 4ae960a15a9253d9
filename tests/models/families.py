"""Small decoders of every family, beside their Hugging Face originals with the same weights."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
import transformers

from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params

TINY = DecoderConfig(
    vocab_size=61,
    d_model=32,
    num_layers=2,
    num_heads=4,
    num_kv_heads=2,
    head_dim=8,
    d_ff=40,
    max_positions=128,
    initializer_range=0.2,
    compute_dtype="float32",
)
GPT_BIGCODE = dataclasses.replace(
    TINY,
    num_kv_heads=1,
    positions="learned",
    norm="layernorm",
    activation="gelu_tanh",
    gated_mlp=False,
    attention_bias=True,
    mlp_bias=True,
)
LLAMA = TINY
GRANITE = dataclasses.replace(
    TINY,
    embedding_multiplier=12.0,
    attention_multiplier=0.09,
    residual_multiplier=0.22,
    logits_scaling=3.0,
)
FAMILIES = {"gpt_bigcode": GPT_BIGCODE, "llama": LLAMA, "granite": GRANITE}
VARIANTS = {
    "gpt_bigcode multi-query, tanh GELU": GPT_BIGCODE,
    "gpt_bigcode multi-head, exact GELU": dataclasses.replace(
        GPT_BIGCODE, num_kv_heads=4, activation="gelu"
    ),
    "llama grouped, tied": LLAMA,
    "llama multi-head, biases, untied, wide heads": dataclasses.replace(
        LLAMA,
        num_kv_heads=4,
        head_dim=12,
        attention_bias=True,
        mlp_bias=True,
        tie_embeddings=False,
        rope_theta=500.0,
    ),
    # Of the four pairs two are stretched whole, one in part and one not at all.
    "llama positions stretched as in Llama 3.1": dataclasses.replace(
        LLAMA, rope_theta=500.0, rope_factor=8.0, rope_original_positions=64
    ),
    "granite multipliers": GRANITE,
    "granite multi-query, biases": dataclasses.replace(
        GRANITE, num_kv_heads=1, attention_bias=True, mlp_bias=True, tie_embeddings=False
    ),
}


def random_params(config: DecoderConfig, seed: int = 0) -> dict[str, Any]:
    """Parameters whose biases and norm scales are random as well."""
    rng = np.random.default_rng(seed)

    def draw(path: tuple[Any, ...], leaf: jax.ShapeDtypeStruct) -> jax.Array:
        mean = 1.0 if path[-1].key == "scale" else 0.0
        return jnp.asarray(mean + 0.2 * rng.standard_normal(leaf.shape), leaf.dtype)

    return jax.tree_util.tree_map_with_path(draw, abstract_params(config))


def sequence(config: DecoderConfig, batch: int, length: int, seed: int = 0) -> tuple[Any, Any, Any]:
    """Random tokens, with the positions and segments of unpacked rows."""
    tokens = jax.random.randint(jax.random.key(seed), (batch, length), 0, config.vocab_size)
    positions = jnp.broadcast_to(jnp.arange(length), (batch, length))
    return tokens, positions, jnp.ones((batch, length), jnp.int32)


def hugging_face_model(config: DecoderConfig, params: dict[str, Any]) -> torch.nn.Module:
    """The transformers model of `config`, holding `params`."""
    if config.positions == "learned":
        model = transformers.GPTBigCodeForCausalLM(
            transformers.GPTBigCodeConfig(
                vocab_size=config.vocab_size,
                n_positions=config.max_positions,
                n_embd=config.d_model,
                n_layer=config.num_layers,
                n_head=config.num_heads,
                n_inner=config.d_ff,
                activation_function={"gelu": "gelu", "gelu_tanh": "gelu_pytorch_tanh"}[
                    config.activation
                ],
                layer_norm_epsilon=config.norm_eps,
                multi_query=config.num_kv_heads == 1,
                scale_attn_weights=config.attention_multiplier is None,
                tie_word_embeddings=config.tie_embeddings,
                bos_token_id=0,
                eos_token_id=0,
                attn_implementation="eager",
            )
        )
        weights = _gpt_bigcode_weights(config, params)
    else:
        common = dict(
            vocab_size=config.vocab_size,
            max_position_embeddings=config.max_positions,
            hidden_size=config.d_model,
            intermediate_size=config.d_ff,
            num_hidden_layers=config.num_layers,
            num_attention_heads=config.num_heads,
            num_key_value_heads=config.num_kv_heads,
            head_dim=config.head_dim,
            rms_norm_eps=config.norm_eps,
            rope_parameters=_rope_parameters(config),
            attention_bias=config.attention_bias,
            mlp_bias=config.mlp_bias,
            tie_word_embeddings=config.tie_embeddings,
            attn_implementation="eager",
        )
        if config.attention_multiplier is None:
            model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**common))
        else:
            model = transformers.GraniteForCausalLM(
                transformers.GraniteConfig(
                    **common,
                    embedding_multiplier=config.embedding_multiplier,
                    attention_multiplier=config.attention_multiplier,
                    residual_multiplier=config.residual_multiplier,
                    logits_scaling=config.logits_scaling,
                )
            )
        weights = _llama_weights(config, params)
    if config.tie_embeddings:
        embedding = "transformer.wte" if config.positions == "learned" else "model.embed_tokens"
        weights["lm_head.weight"] = weights[f"{embedding}.weight"]
    else:
        weights["lm_head.weight"] = np.asarray(params["head"]["table"])
    model.load_state_dict({name: torch.tensor(np.array(x)) for name, x in weights.items()})
    return model.float().eval()


def _rope_parameters(config: DecoderConfig) -> dict[str, Any]:
    if config.rope_factor == 1.0:
        return {"rope_type": "default", "rope_theta": config.rope_theta}
    return {
        "rope_type": "llama3",
        "rope_theta": config.rope_theta,
        "factor": config.rope_factor,
        "low_freq_factor": config.rope_low_freq_factor,
        "high_freq_factor": config.rope_high_freq_factor,
        "original_max_position_embeddings": config.rope_original_positions,
    }


def hugging_face_logits(
    config: DecoderConfig, params: dict[str, Any], tokens: Any, segment_ids: Any
) -> np.ndarray:
    """Logits of the original on rows padded at the right."""
    with torch.no_grad():
        return hugging_face_model(config, params)(
            input_ids=torch.tensor(np.array(tokens), dtype=torch.long),
            attention_mask=torch.tensor(np.array(segment_ids), dtype=torch.long),
        ).logits.numpy()


def _flat(kernel: np.ndarray, outputs: int) -> np.ndarray:
    """[*inputs, *outputs] to PyTorch's [outputs, inputs]."""
    return np.asarray(kernel).reshape(-1, outputs).T


def _gpt_bigcode_weights(config: DecoderConfig, params: dict[str, Any]) -> dict[str, np.ndarray]:
    weights = {
        "transformer.wte.weight": params["embedding"]["table"],
        "transformer.wpe.weight": params["positions"]["table"],
        "transformer.ln_f.weight": params["final_norm"]["scale"],
        "transformer.ln_f.bias": params["final_norm"]["bias"],
    }
    d, f = config.d_model, config.d_ff
    for i in range(config.num_layers):
        block = jax.tree.map(lambda x, i=i: np.asarray(x[i]), params["blocks"])
        attention, mlp, at = block["attention"], block["mlp"], f"transformer.h.{i}"
        parts = [attention[name] for name in ("query", "key", "value")]
        if config.num_kv_heads == 1:
            kernel = np.concatenate([p["kernel"].reshape(d, -1) for p in parts], 1).T
            bias = np.concatenate([p["bias"].reshape(-1) for p in parts])
        else:  # per head: its query, key and value
            kernel = np.concatenate([p["kernel"] for p in parts], 2).reshape(d, -1).T
            bias = np.concatenate([p["bias"] for p in parts], 1).reshape(-1)
        weights |= {
            f"{at}.ln_1.weight": block["attention_norm"]["scale"],
            f"{at}.ln_1.bias": block["attention_norm"]["bias"],
            f"{at}.attn.c_attn.weight": kernel,
            f"{at}.attn.c_attn.bias": bias,
            f"{at}.attn.c_proj.weight": _flat(attention["output"]["kernel"], d),
            f"{at}.attn.c_proj.bias": attention["output"]["bias"],
            f"{at}.ln_2.weight": block["mlp_norm"]["scale"],
            f"{at}.ln_2.bias": block["mlp_norm"]["bias"],
            f"{at}.mlp.c_fc.weight": _flat(mlp["up"]["kernel"], f),
            f"{at}.mlp.c_fc.bias": mlp["up"]["bias"],
            f"{at}.mlp.c_proj.weight": _flat(mlp["down"]["kernel"], d),
            f"{at}.mlp.c_proj.bias": mlp["down"]["bias"],
        }
    return weights


def _llama_weights(config: DecoderConfig, params: dict[str, Any]) -> dict[str, np.ndarray]:
    weights = {
        "model.embed_tokens.weight": params["embedding"]["table"],
        "model.norm.weight": params["final_norm"]["scale"],
    }
    d, f, h = config.d_model, config.d_ff, config.head_dim
    names = [
        ("attention", "query", "self_attn.q_proj", config.num_heads * h),
        ("attention", "key", "self_attn.k_proj", config.num_kv_heads * h),
        ("attention", "value", "self_attn.v_proj", config.num_kv_heads * h),
        ("attention", "output", "self_attn.o_proj", d),
        ("mlp", "gate", "mlp.gate_proj", f),
        ("mlp", "up", "mlp.up_proj", f),
        ("mlp", "down", "mlp.down_proj", d),
    ]
    for i in range(config.num_layers):
        block = jax.tree.map(lambda x, i=i: np.asarray(x[i]), params["blocks"])
        at = f"model.layers.{i}"
        weights[f"{at}.input_layernorm.weight"] = block["attention_norm"]["scale"]
        weights[f"{at}.post_attention_layernorm.weight"] = block["mlp_norm"]["scale"]
        for module, ours, theirs, outputs in names:
            weights[f"{at}.{theirs}.weight"] = _flat(block[module][ours]["kernel"], outputs)
            if "bias" in block[module][ours]:
                weights[f"{at}.{theirs}.bias"] = block[module][ours]["bias"].reshape(-1)
    return weights
