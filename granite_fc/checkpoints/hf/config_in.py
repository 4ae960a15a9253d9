"""From a `config.json` to the decoder that it describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from granite_fc.checkpoints.hf.config_fields import ALIASES, HARMLESS, MAPPED, NEUTRAL, REQUIRED
from granite_fc.checkpoints.hf.families import ACTIVATIONS, ARCHITECTURES, MULTIPLIERS
from granite_fc.checkpoints.hf.rotary import rotary_settings
from granite_fc.errors import ConfigurationError
from granite_fc.models.config import DecoderConfig


def decoder_config(config: Mapping[str, Any], where: str) -> DecoderConfig:
    """Returns the model that a `config.json` describes, with our defaults for how it is computed.

    Args:
        config: Its content.
        where: The file's name, for messages.

    Raises:
        ConfigurationError: The architecture is none of ours; or names every field that is missing,
            unknown, of a wrong type, or changes the maths in a way that the decoder does not know.
    """
    family = _family(config, where)
    values, problems = _values(family, config)
    fields: dict[str, Any] = {}
    if not problems:
        read = _gpt_bigcode if family == "gpt_bigcode" else _llama
        fields = read(values, problems)
    if not problems:
        try:
            return DecoderConfig(**fields)
        except ConfigurationError as error:
            problems.append(f"{error.key} = {error.found!r}, not {error.expected}")
    raise ConfigurationError(
        where,
        found="; ".join(problems),
        expected=f"fields of a {family} model as the decoder computes it",
        remedy="A field that no release of transformers reads may be deleted from the file.",
    )


def _family(config: Mapping[str, Any], where: str) -> str:
    family = str(config.get("model_type"))
    if family not in MAPPED:
        raise ConfigurationError(
            where,
            found=f"model_type = {family!r}",
            expected="one of " + ", ".join(map(repr, MAPPED)),
        )
    names = config.get("architectures") or [ARCHITECTURES[family]]
    if names != [ARCHITECTURES[family]]:
        raise ConfigurationError(
            where, found=f"architectures = {names}", expected=f"[{ARCHITECTURES[family]!r}]"
        )
    return family


def _values(family: str, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The mapped fields with transformers' defaults, and what is wrong with the others."""
    problems: list[str] = []
    values = dict(MAPPED[family])
    given: dict[str, Any] = {}
    for field, value in config.items():
        name = ALIASES[family].get(field, field)
        if name in values:
            if name in given and given[name] != value:
                problems.append(f"{field} = {value!r} beside {name} = {given[name]!r}")
            given[name] = value
        elif name in NEUTRAL:
            if value not in NEUTRAL[name] and not _is_full_attention(name, value):
                allowed = " or ".join(map(repr, NEUTRAL[name]))
                problems.append(f"{field} = {value!r}, which is not {allowed}")
        elif name not in HARMLESS:
            problems.append(f"{field} = {value!r}, which is not known")
    for name, default in values.items():
        value = given.get(name, default)
        if value is REQUIRED:
            problems.append(f"no {name}")
        elif name in given and not _fits(value, default, name):
            problems.append(f"{name} = {value!r}")
        values[name] = value
    return values, problems


def _is_full_attention(name: str, value: Any) -> bool:
    kinds = value if name == "layer_types" and isinstance(value, list) else []
    return bool(kinds) and all(kind == "full_attention" for kind in kinds)


def _fits(value: Any, default: Any, name: str) -> bool:
    """Whether a value is of the type that transformers takes for a field."""
    if isinstance(value, bool) or isinstance(default, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, str):
        return isinstance(value, str)
    if isinstance(default, float) or name == "rope_theta":
        return isinstance(value, (int, float)) or (value is None and default is None)
    if name in ("rope_parameters", "rope_scaling"):
        return value is None or isinstance(value, dict)
    if default is None:
        return value is None or isinstance(value, int)
    return isinstance(value, int)


def _activation(name: str, values: Mapping[str, Any], problems: list[str]) -> str:
    if values[name] not in ACTIVATIONS:
        problems.append(f"{name} = {values[name]!r}, not one of {', '.join(ACTIVATIONS)}")
        return "silu"
    return ACTIVATIONS[values[name]]


def _gpt_bigcode(values: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    heads, width = values["n_head"], values["n_embd"]
    if not values["multi_query"]:
        problems.append(
            "multi_query = False, where each head's query, key and value lie in turn in c_attn: "
            "no model is published so, and none is read"
        )
    elif values["num_key_value_heads"] not in (None, 1):
        problems.append(f"num_key_value_heads = {values['num_key_value_heads']}, with multi_query")
    if heads < 1 or width % heads:
        problems.append(f"n_head = {heads}, which does not divide n_embd = {width}")
    return {
        "vocab_size": values["vocab_size"],
        "d_model": width,
        "num_layers": values["n_layer"],
        "num_heads": heads,
        "num_kv_heads": 1,
        "head_dim": width // max(heads, 1),
        "d_ff": 4 * width if values["n_inner"] is None else values["n_inner"],
        "max_positions": values["n_positions"],
        "positions": "learned",
        "norm": "layernorm",
        "norm_eps": values["layer_norm_epsilon"],
        "activation": _activation("activation_function", values, problems),
        "gated_mlp": False,
        "attention_bias": True,
        "mlp_bias": True,
        "tie_embeddings": values["tie_word_embeddings"],
        "attention_multiplier": None if values["scale_attn_weights"] else 1.0,
        "initializer_range": values["initializer_range"],
    }


def _llama(values: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    heads, width = values["num_attention_heads"], values["hidden_size"]
    if heads < 1 or width % heads:
        problems.append(f"num_attention_heads = {heads}, which does not divide {width}")
    kv_heads, head_dim = values["num_key_value_heads"], values["head_dim"]
    return {
        "vocab_size": values["vocab_size"],
        "d_model": width,
        "num_layers": values["num_hidden_layers"],
        "num_heads": heads,
        "num_kv_heads": heads if kv_heads is None else kv_heads,
        "head_dim": width // max(heads, 1) if head_dim is None else head_dim,
        "d_ff": values["intermediate_size"],
        "max_positions": values["max_position_embeddings"],
        "positions": "rope",
        **rotary_settings(values, problems),
        "norm": "rmsnorm",
        "norm_eps": values["rms_norm_eps"],
        "activation": _activation("hidden_act", values, problems),
        "gated_mlp": True,
        "attention_bias": values["attention_bias"],
        "mlp_bias": values["mlp_bias"],
        "tie_embeddings": values["tie_word_embeddings"],
        "initializer_range": values["initializer_range"],
        **{name: values[name] for name in MULTIPLIERS if name in values},
    }
