"""Small models in GGUF files, beside the Hugging Face weights and tokenizers they are made of."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import tokenizers
from tokenizers import models, pre_tokenizers, trainers

from tests.checkpoints.gguf.writer import Tensor, f32

TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEXTS = [
    "SYSTEM: You are a helpful assistant with access to the following functions.\n",
    "What's the weather in São Paulo on 2019-03-01? It'll be 25 °C, they've said.\n",
    '<function_call> {"name": "get_weather", "arguments": {"city": "東京", "days": 12345}}\n',
    "\n\n\tdef f(x):  return  x+1  # ½ of Ⅻ\r\n",
]


@functools.cache
def small_tokenizer() -> tokenizers.Tokenizer:
    """Byte-level BPE of 300 tokens, the special ones first."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(False)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 4, trainer)
    return tokenizer


def tokenizer_metadata(tokenizer: tokenizers.Tokenizer, pre: str = "smollm") -> dict[str, Any]:
    """What a GGUF file says of a tokenizer."""
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    size = tokenizer.get_vocab_size()
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.tokens": [tokenizer.id_to_token(i) for i in range(size)],
        "tokenizer.ggml.token_type": [3 if i < len(SPECIAL_TOKENS) else 1 for i in range(size)],
        "tokenizer.ggml.merges": [" ".join(pair) for pair in merges],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.padding_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": TEMPLATE,
    }


def llama_metadata(**changes: Any) -> dict[str, Any]:
    """What a file says of a model of two layers, with four heads of width 8 and two of keys."""
    metadata = {
        "general.architecture": "llama",
        "general.name": "small",
        "llama.block_count": 2,
        "llama.context_length": 64,
        "llama.embedding_length": 32,
        "llama.feed_forward_length": 40,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.freq_base": 500.0,
        "llama.rope.dimension_count": 8,
        "llama.vocab_size": 300,
    }
    return metadata | {f"llama.{key}": value for key, value in changes.items()}


def hugging_face_weights(*, biases: bool = False, tied: bool = True) -> dict[str, np.ndarray]:
    """Random weights of that model under their Hugging Face names."""
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (300, 32),
        "model.norm.weight": (32,),
    }
    if not tied:
        shapes["lm_head.weight"] = (300, 32)
    for layer in range(2):
        at = f"model.layers.{layer}"
        shapes[f"{at}.input_layernorm.weight"] = (32,)
        shapes[f"{at}.post_attention_layernorm.weight"] = (32,)
        for module, outputs, inputs in (
            ("self_attn.q_proj", 32, 32),
            ("self_attn.k_proj", 16, 32),
            ("self_attn.v_proj", 16, 32),
            ("self_attn.o_proj", 32, 32),
            ("mlp.gate_proj", 40, 32),
            ("mlp.up_proj", 40, 32),
            ("mlp.down_proj", 32, 40),
        ):
            shapes[f"{at}.{module}.weight"] = (outputs, inputs)
            if biases:
                shapes[f"{at}.{module}.bias"] = (outputs,)
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


_GGUF_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "model.layers": "blk",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def gguf_tensors(weights: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """The same weights as a GGUF file has them: renamed, pairs of rotary rows side by side."""
    tensors = {}
    for name, weight in weights.items():
        if ".q_proj." in name or ".k_proj." in name:
            # Row i of a head's first half becomes row 2 i, row i of its second half row 2 i + 1.
            heads, width = len(weight) // 8, 8
            weight = np.stack(
                [
                    weight[head * width + half * width // 2 + i]
                    for head in range(heads)
                    for i in range(width // 2)
                    for half in (0, 1)
                ]
            )
        for theirs, ours in _GGUF_NAMES.items():
            name = name.replace(theirs, ours)
        tensors[name] = f32(weight)
    return tensors
