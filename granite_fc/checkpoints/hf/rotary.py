"""Rotary positions in `config.json`: `rope_parameters`, and `rope_theta` and `rope_scaling`.

Release 5 of transformers has the first, earlier ones the other two; published models have either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEFAULT_THETA = 10_000.0
# What says nothing beyond that positions are turned as they are.
_NEUTRAL = {"rope_type": "default", "type": "default", "partial_rotary_factor": 1.0}


def rotary_theta(values: Mapping[str, Any], problems: list[str]) -> float:
    """Returns the base of the wavelengths.

    Args:
        values: The fields, None where one is not there.
        problems: Grows by whatever scales positions or says two things.
    """
    found = {}
    if values["rope_theta"] is not None:
        found["rope_theta"] = values["rope_theta"]
    for field in ("rope_parameters", "rope_scaling"):
        for name, value in (values[field] or {}).items():
            if name == "rope_theta" and isinstance(value, (int, float)):
                found[f"{field}.rope_theta"] = value
            elif name not in _NEUTRAL or value != _NEUTRAL[name]:
                problems.append(
                    f"{field}.{name} = {value!r}: positions are scaled in a way that is not known"
                )
    if len(set(found.values())) > 1:
        problems.append(" beside ".join(f"{name} = {value!r}" for name, value in found.items()))
    return float(next(iter(found.values()), _DEFAULT_THETA))


def rotary_fields(theta: float) -> dict[str, Any]:
    """Returns the fields that both releases read, each its own."""
    return {
        "rope_theta": theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": theta},
    }
