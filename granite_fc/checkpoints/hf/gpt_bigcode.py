"""The weights of gpt_bigcode: Granite code 20B and 34B, StarCoder.

Multi-query attention: `c_attn` holds the queries of all heads, then the one key, then the one
value. With a key and a value for each head it would be each head's query, key and value in turn, of
which no published model is made; such a model is refused (see `config`).
"""

from __future__ import annotations

from granite_fc.checkpoints.hf.forms import Bias, Linear, Same, Vocabulary
from granite_fc.checkpoints.hf.weights import Row

_LAYER = "transformer.h.{layer}"

TABLE = (
    Row("embedding/table", "transformer.wte.weight", Vocabulary()),
    Row("positions/table", "transformer.wpe.weight", Same()),
    Row("blocks/attention_norm/scale", f"{_LAYER}.ln_1.weight", Same()),
    Row("blocks/attention_norm/bias", f"{_LAYER}.ln_1.bias", Same()),
    Row("blocks/attention/query/kernel", f"{_LAYER}.attn.c_attn.weight", Linear()),
    Row("blocks/attention/key/kernel", f"{_LAYER}.attn.c_attn.weight", Linear()),
    Row("blocks/attention/value/kernel", f"{_LAYER}.attn.c_attn.weight", Linear()),
    Row("blocks/attention/query/bias", f"{_LAYER}.attn.c_attn.bias", Bias()),
    Row("blocks/attention/key/bias", f"{_LAYER}.attn.c_attn.bias", Bias()),
    Row("blocks/attention/value/bias", f"{_LAYER}.attn.c_attn.bias", Bias()),
    Row("blocks/attention/output/kernel", f"{_LAYER}.attn.c_proj.weight", Linear(num_inputs=2)),
    Row("blocks/attention/output/bias", f"{_LAYER}.attn.c_proj.bias", Bias()),
    Row("blocks/mlp_norm/scale", f"{_LAYER}.ln_2.weight", Same()),
    Row("blocks/mlp_norm/bias", f"{_LAYER}.ln_2.bias", Same()),
    Row("blocks/mlp/up/kernel", f"{_LAYER}.mlp.c_fc.weight", Linear()),
    Row("blocks/mlp/up/bias", f"{_LAYER}.mlp.c_fc.bias", Bias()),
    Row("blocks/mlp/down/kernel", f"{_LAYER}.mlp.c_proj.weight", Linear()),
    Row("blocks/mlp/down/bias", f"{_LAYER}.mlp.c_proj.bias", Bias()),
    Row("final_norm/scale", "transformer.ln_f.weight", Same()),
    Row("final_norm/bias", "transformer.ln_f.bias", Same()),
    Row("head/table", "lm_head.weight", Vocabulary()),
)

# Buffers that older versions of transformers saved: the causal mask.
BUFFERS = r"transformer\.h\.\d+\.attn\.(bias|masked_bias)"
