"""Every field that a `config.json` of the three families may have, and what it does to the maths.

From the configuration classes of transformers 4 and 5, and from what published models have besides.
A field that is in none of these tables is refused by name: nobody knows what it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Fields that decide what a model computes, with what transformers takes where one is not there.
# REQUIRED is a field without which nothing can be said.
REQUIRED = object()
_LLAMA: Mapping[str, Any] = {
    "vocab_size": REQUIRED,
    "hidden_size": REQUIRED,
    "intermediate_size": REQUIRED,
    "num_hidden_layers": REQUIRED,
    "num_attention_heads": REQUIRED,
    "num_key_value_heads": None,
    "head_dim": None,
    "hidden_act": "silu",
    "max_position_embeddings": 2048,
    "initializer_range": 0.02,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": False,
    "rope_theta": None,
    "rope_parameters": None,
    "rope_scaling": None,
    "attention_bias": False,
    "mlp_bias": False,
}
MAPPED: Mapping[str, Mapping[str, Any]] = {
    "gpt_bigcode": {
        "vocab_size": REQUIRED,
        "n_embd": REQUIRED,
        "n_inner": None,
        "n_layer": REQUIRED,
        "n_head": REQUIRED,
        "n_positions": 1024,
        "activation_function": "gelu_pytorch_tanh",
        "initializer_range": 0.02,
        "layer_norm_epsilon": 1e-5,
        "scale_attn_weights": True,
        "multi_query": True,
        "num_key_value_heads": None,
        "tie_word_embeddings": True,
    },
    "llama": _LLAMA,
    "granite": {
        **_LLAMA,
        "embedding_multiplier": 1.0,
        "logits_scaling": 1.0,
        "residual_multiplier": 1.0,
        "attention_multiplier": 1.0,
    },
}

# Other names that transformers takes for some of them.
ALIASES: Mapping[str, Mapping[str, str]] = {
    "gpt_bigcode": {
        "hidden_size": "n_embd",
        "max_position_embeddings": "n_positions",
        "num_attention_heads": "n_head",
        "num_hidden_layers": "n_layer",
    },
    "llama": {},
    "granite": {},
}

# Fields that would change the maths, and what they have to be for it to stay as it is.
NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "add_cross_attention": (False,),
    "auto_map": (None, {}),
    "cross_attention_hidden_size": (None,),
    "is_encoder_decoder": (False,),
    "layer_types": (None,),
    "logit_scale": (None, 1.0),
    "partial_rotary_factor": (None, 1.0),
    "per_layer_config": (None, {}),
    "pruned_heads": (None, {}),
    "quantization_config": (None,),
    "rope_interleaved": (None, False),
    "sliding_window": (None,),
    "tie_encoder_decoder": (False,),
    "use_sliding_window": (False,),
}

# Fields that say nothing about the maths of a forward pass over text: names, ids of special tokens,
# dropout (a run has its own), the precision of a softmax that is float32 here, what a forward pass
# returns, what servers once read; and from max_length on how text was sampled.
HARMLESS = frozenset(
    {
        "_attn_implementation",
        "_attn_implementation_autoset",
        "_commit_hash",
        "_name_or_path",
        "architectures",
        "attention_dropout",
        "attention_softmax_in_fp32",
        "attn_implementation",
        "attn_pdrop",
        "bos_token_id",
        "chunk_size_feed_forward",
        "decoder_start_token_id",
        "dtype",
        "embd_pdrop",
        "eos_token_id",
        "finetuning_task",
        "id2label",
        "inference_runner",
        "is_decoder",
        "is_llama_config",
        "label2id",
        "max_batch_size",
        "max_sequence_length",
        "model_type",
        "name_or_path",
        "num_labels",
        "output_attentions",
        "output_hidden_states",
        "pad_key_length",
        "pad_token_id",
        "pre_allocate_kv_cache",
        "prefix",
        "pretraining_tp",
        "problem_type",
        "resid_pdrop",
        "return_dict",
        "runner_max_sequence_length",
        "scale_attention_softmax_in_fp32",
        "sep_token_id",
        "summary_activation",
        "summary_first_dropout",
        "summary_proj_to_labels",
        "summary_type",
        "summary_use_proj",
        "task_specific_params",
        "tf_legacy_loss",
        "tie_last_hidden_states",
        "tokenizer_class",
        "torch_dtype",
        "torchscript",
        "transformers.js_config",
        "transformers_version",
        "use_bfloat16",
        "use_cache",
        "validate_runner_input",
        "max_length",
        "min_length",
        "bad_words_ids",
        "begin_suppress_tokens",
        "diversity_penalty",
        "do_sample",
        "early_stopping",
        "encoder_no_repeat_ngram_size",
        "exponential_decay_length_penalty",
        "forced_bos_token_id",
        "forced_eos_token_id",
        "length_penalty",
        "no_repeat_ngram_size",
        "num_beam_groups",
        "num_beams",
        "num_return_sequences",
        "output_scores",
        "remove_invalid_values",
        "repetition_penalty",
        "return_dict_in_generate",
        "suppress_tokens",
        "temperature",
        "top_k",
        "top_p",
        "typical_p",
    }
)
