"""The weights of llama, and of granite, which adds numbers and no weights."""

from __future__ import annotations

from granite_fc.checkpoints.hf.forms import Bias, Linear, Same, Vocabulary
from granite_fc.checkpoints.hf.weights import Row

_LAYER = "model.layers.{layer}"

TABLE = (
    Row("embedding/table", "model.embed_tokens.weight", Vocabulary()),
    Row("blocks/attention_norm/scale", f"{_LAYER}.input_layernorm.weight", Same()),
    Row("blocks/attention/query/kernel", f"{_LAYER}.self_attn.q_proj.weight", Linear()),
    Row("blocks/attention/query/bias", f"{_LAYER}.self_attn.q_proj.bias", Bias()),
    Row("blocks/attention/key/kernel", f"{_LAYER}.self_attn.k_proj.weight", Linear()),
    Row("blocks/attention/key/bias", f"{_LAYER}.self_attn.k_proj.bias", Bias()),
    Row("blocks/attention/value/kernel", f"{_LAYER}.self_attn.v_proj.weight", Linear()),
    Row("blocks/attention/value/bias", f"{_LAYER}.self_attn.v_proj.bias", Bias()),
    Row(
        "blocks/attention/output/kernel", f"{_LAYER}.self_attn.o_proj.weight", Linear(num_inputs=2)
    ),
    Row("blocks/attention/output/bias", f"{_LAYER}.self_attn.o_proj.bias", Bias()),
    Row("blocks/mlp_norm/scale", f"{_LAYER}.post_attention_layernorm.weight", Same()),
    Row("blocks/mlp/gate/kernel", f"{_LAYER}.mlp.gate_proj.weight", Linear()),
    Row("blocks/mlp/gate/bias", f"{_LAYER}.mlp.gate_proj.bias", Bias()),
    Row("blocks/mlp/up/kernel", f"{_LAYER}.mlp.up_proj.weight", Linear()),
    Row("blocks/mlp/up/bias", f"{_LAYER}.mlp.up_proj.bias", Bias()),
    Row("blocks/mlp/down/kernel", f"{_LAYER}.mlp.down_proj.weight", Linear()),
    Row("blocks/mlp/down/bias", f"{_LAYER}.mlp.down_proj.bias", Bias()),
    Row("final_norm/scale", "model.norm.weight", Same()),
    Row("head/table", "lm_head.weight", Vocabulary()),
)

# Buffers that older versions of transformers saved: the rotary wavelengths.
BUFFERS = r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq"
