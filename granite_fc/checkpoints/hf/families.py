"""What the three families are called, and which names are theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from granite_fc.checkpoints.hf import gpt_bigcode, llama
from granite_fc.checkpoints.hf.weights import Row

TABLES: Mapping[str, Sequence[Row]] = {
    "gpt_bigcode": gpt_bigcode.TABLE,
    "llama": llama.TABLE,
    "granite": llama.TABLE,
}
BUFFERS = {
    "gpt_bigcode": gpt_bigcode.BUFFERS,
    "llama": llama.BUFFERS,
    "granite": llama.BUFFERS,
}
ARCHITECTURES = {
    "gpt_bigcode": "GPTBigCodeForCausalLM",
    "llama": "LlamaForCausalLM",
    "granite": "GraniteForCausalLM",
}

# What transformers' names of activations mean (its `activations.py`): the tanh approximation has
# several, which differ in how it is computed.
ACTIVATIONS = {
    **dict.fromkeys(("gelu", "gelu_python"), "gelu"),
    **dict.fromkeys(
        ("gelu_pytorch_tanh", "gelu_python_tanh", "gelu_new", "gelu_fast", "gelu_accurate"),
        "gelu_tanh",
    ),
    **dict.fromkeys(("silu", "swish"), "silu"),
}
THEIR_ACTIVATION = {"gelu": "gelu", "gelu_tanh": "gelu_pytorch_tanh", "silu": "silu"}
MULTIPLIERS = (
    "embedding_multiplier",
    "attention_multiplier",
    "residual_multiplier",
    "logits_scaling",
)
