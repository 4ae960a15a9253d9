"""An accepted answer, as a model could write it.

A parameter is left out if it may be and is not required. Otherwise its value is the first accepted
one that is not empty, and the empty string where there is none. Java and JavaScript values are
written as source text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.evaluation.suites.bfcl.matching import Accepted
from granite_fc.evaluation.suites.bfcl.values import Declared


def gold_call(accepted: Accepted) -> Call:
    """Returns the call."""
    function = accepted.function
    arguments = {}
    for name, values in accepted.values.items():
        if "" in values and name not in function.required:
            continue
        declared = function.parameters.get(name, Declared("any", "string"))
        value = _first(values)
        if isinstance(value, Mapping):
            value = _fields(value)
        elif isinstance(value, list) and declared.item == "dict":
            value = [_fields(item) if isinstance(item, Mapping) else item for item in value]
        arguments[name] = function.language.literal_of(value, declared)
    return Call(function.name, arguments)


def _fields(accepted: Mapping[str, Any]) -> dict[str, Any]:
    """An object of which each field has accepted values of its own."""
    written = {}
    for key, values in accepted.items():
        if not isinstance(values, list):
            written[key] = values
        elif "" not in values:
            written[key] = _first(values)
    return written


def _first(values: Sequence[Any]) -> Any:
    return next((value for value in values if value != ""), "")
