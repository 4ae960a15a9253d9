"""`config.json` from the metadata of a GGUF file of the architecture `llama`."""

from __future__ import annotations

from typing import Any

from granite_fc.checkpoints.gguf.file import GgufFile
from granite_fc.checkpoints.gguf.metadata import Metadata
from granite_fc.checkpoints.gguf.rotary import rotary_fields
from granite_fc.errors import ConfigurationError

_READ = {
    "llama.vocab_size",
    "llama.context_length",
    "llama.embedding_length",
    "llama.block_count",
    "llama.feed_forward_length",
    "llama.attention.head_count",
    "llama.attention.head_count_kv",
    "llama.attention.key_length",
    "llama.attention.value_length",
    "llama.attention.layer_norm_rms_epsilon",
    "llama.rope.dimension_count",
    "llama.rope.freq_base",
}
# What would change the logits, or would be no whole model, with the values that are none of that.
# Other metadata of the architecture is refused by its name.
_WITHOUT_EFFECT: dict[str, tuple[Any, ...]] = {
    "general.type": ("model",),
    "split.count": (0, 1),
    "llama.attention.causal": (True,),
    "llama.expert_count": (0,),
    "llama.expert_used_count": (0,),
    "llama.rope.scale_linear": (1.0,),
    "llama.rope.scaling.attn_factor": (1.0,),
    "llama.rope.scaling.factor": (1.0,),
    "llama.rope.scaling.type": ("none",),
    "llama.tensor_data_layout": ("reference", "Meta AI original pth"),
    "llama.use_parallel_residual": (False,),
}
# They say something of a scaling that the values above have switched off.
_IDLE = {"llama.rope.scaling.original_context_length", "llama.rope.scaling.finetuned"}


def llama_config(file: GgufFile, metadata: Metadata, vocab_size: int) -> dict[str, Any]:
    """Returns the content of `config.json`, special tokens left out.

    Args:
        file: An opened file.
        metadata: Its metadata, of the architecture `llama`.
        vocab_size: Tokens of its vocabulary.

    Raises:
        ConfigurationError: Names the metadata that is missing, contradicts the rest, or asks for
            what our decoder does not compute.
    """
    _refuse_what_changes_the_model(metadata)
    heads = _positive(metadata, "llama.attention.head_count")
    kv_heads = _positive(metadata, "llama.attention.head_count_kv", heads)
    if heads % kv_heads:
        raise metadata.error("llama.attention.head_count_kv", f"a divisor of the {heads} heads")
    width = _positive(metadata, "llama.embedding_length")
    head_dim = _positive(metadata, "llama.attention.key_length", width // heads)
    if head_dim == 0 or ("llama.attention.key_length" not in metadata and width % heads):
        raise metadata.error("llama.embedding_length", f"a multiple of the {heads} heads")
    for key in ("llama.attention.value_length", "llama.rope.dimension_count"):
        if metadata.integer(key, head_dim) != head_dim:
            raise metadata.error(key, f"{head_dim}, the width of a head")
    if metadata.integer("llama.vocab_size", vocab_size) != vocab_size:
        raise metadata.error("llama.vocab_size", f"{vocab_size:,}, the number of tokens")
    if "token_embd.weight" not in file.tensors:
        raise ConfigurationError(
            str(file.path), found="no tensor token_embd.weight", expected="a model's weights"
        )
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocab_size,
        "hidden_size": width,
        "intermediate_size": _positive(metadata, "llama.feed_forward_length"),
        "num_hidden_layers": _positive(metadata, "llama.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": head_dim,
        "max_position_embeddings": _positive(metadata, "llama.context_length"),
        "hidden_act": "silu",
        "rms_norm_eps": metadata.number("llama.attention.layer_norm_rms_epsilon"),
        **rotary_fields(file, metadata, head_dim),
        "attention_bias": _has_biases(file, ".attn_"),
        "mlp_bias": _has_biases(file, ".ffn_"),
        "tie_word_embeddings": "output.weight" not in file.tensors,
        "torch_dtype": file.tensors["token_embd.weight"].type.dtype,
    }


def _refuse_what_changes_the_model(metadata: Metadata) -> None:
    for key in metadata:
        if key in _WITHOUT_EFFECT:
            if not metadata.is_one_of(key, _WITHOUT_EFFECT[key]):
                expected = " or ".join(repr(value) for value in _WITHOUT_EFFECT[key])
                raise metadata.error(key, f"{expected}, since our decoder computes nothing else")
        elif key.startswith("llama.") and key not in _READ | _IDLE:
            raise metadata.error(key, "no such metadata: it may change what the model computes")


def _positive(metadata: Metadata, key: str, default: int | None = None) -> int:
    value = metadata.integer(key) if default is None else metadata.integer(key, default)
    if value == 0 and key in metadata:
        raise metadata.error(key, "a positive integer")
    return value


def _has_biases(file: GgufFile, part: str) -> bool:
    return any(part in name and name.endswith(".bias") for name in file.tensors)
