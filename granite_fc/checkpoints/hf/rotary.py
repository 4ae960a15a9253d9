"""Rotary positions in `config.json`: `rope_parameters`, and `rope_theta` and `rope_scaling`.

Release 5 of transformers has the first, earlier ones the other two; published models have either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from granite_fc.models.config import DecoderConfig

_DEFAULT_THETA = 10_000.0
# What says nothing beyond that positions are turned as they are.
_NEUTRAL = {"rope_type": "default", "type": "default", "partial_rotary_factor": 1.0}
# Llama 3.1's rule: transformers' names and the decoder's.
_LLAMA3 = {
    "factor": "rope_factor",
    "low_freq_factor": "rope_low_freq_factor",
    "high_freq_factor": "rope_high_freq_factor",
    "original_max_position_embeddings": "rope_original_positions",
}


def rotary_settings(values: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """Returns the decoder's fields `rope_*`.

    Args:
        values: The fields of `config.json`, None where one is not there.
        problems: Grows by whatever is missing, scales positions in a way that the decoder does not
            know, or says two things.
    """
    thetas = {}
    if values["rope_theta"] is not None:
        thetas["rope_theta"] = values["rope_theta"]
    scalings = {}
    for field in ("rope_parameters", "rope_scaling"):
        said = dict(values[field] or {})
        if _is_number(said.get("rope_theta")):
            thetas[f"{field}.rope_theta"] = said.pop("rope_theta")
        if "llama3" in (said.get("rope_type"), said.get("type")):
            scalings[field] = _llama3(field, said, problems)
        elif said:
            scalings[field] = {}
            _refuse(field, said, problems)
    if len(set(thetas.values())) > 1:
        problems.append(" beside ".join(f"{name} = {value!r}" for name, value in thetas.items()))
    scaling: dict[str, Any] = next(iter(scalings.values()), {})
    if any(other != scaling for other in scalings.values()):
        problems.append("rope_parameters and rope_scaling scale positions differently")
    return {"rope_theta": float(next(iter(thetas.values()), _DEFAULT_THETA)), **scaling}


def _llama3(field: str, said: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    scaling: dict[str, Any] = {}
    for theirs, ours in _LLAMA3.items():
        value = said.get(theirs)
        whole = ours == "rope_original_positions"
        if not _is_number(value) or (whole and not isinstance(value, int)):
            found = f"no {field}.{theirs}" if value is None else f"{field}.{theirs} = {value!r}"
            problems.append(f"{found}, of rope_type 'llama3'")
        else:
            scaling[ours] = value if whole else float(value)
    others = {
        name: value
        for name, value in said.items()
        if name not in _LLAMA3
        and (name, value) not in (("rope_type", "llama3"), ("type", "llama3"))
    }
    _refuse(field, others, problems)
    return scaling


def _refuse(field: str, said: Mapping[str, Any], problems: list[str]) -> None:
    problems += [
        f"{field}.{name} = {value!r}: positions are scaled in a way that is not known"
        for name, value in said.items()
        if name not in _NEUTRAL or value != _NEUTRAL[name]
    ]


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def rotary_fields(config: DecoderConfig) -> dict[str, Any]:
    """Returns the fields of `config.json` that both releases read, each its own."""
    theta = {"rope_theta": config.rope_theta}
    if config.rope_factor == 1.0:
        return {**theta, "rope_parameters": {"rope_type": "default", **theta}}
    scaling = {"rope_type": "llama3"} | {
        theirs: getattr(config, ours) for theirs, ours in _LLAMA3.items()
    }
    return {**theta, "rope_scaling": scaling, "rope_parameters": {**scaling, **theta}}
