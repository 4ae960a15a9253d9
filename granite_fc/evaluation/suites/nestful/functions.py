"""NESTFUL's function documents as function specs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from granite_fc.calls.spec import FunctionSpec

_TYPES = {
    "string": "string",
    "str": "string",
    "enum": "string",
    "number": "number",
    "float": "number",
    "integer": "integer",
    "int": "integer",
    "boolean": "boolean",
    "bool": "boolean",
    "array": "array",
    "list": "array",
    "object": "object",
    "dict": "object",
}
# Where parameters stand: by request, by path, or neither is said.
_PARAMETERS = ("path_parameters", "query_parameters", "arguments", "parameters")
_CHOICES = ("enum", "allowed_values", "possible_values")
_SCHEMA = ("description", "format", "default")


def spec_of(document: Mapping[str, Any]) -> FunctionSpec:
    """Reads a function.

    A parameter is required if it says so. Types that are none of JSON Schema's, such as `file`, are
    left out. `output_parameters` are the fields of what the function returns.
    """
    parameters = {
        name: parameter
        for place in _PARAMETERS
        for name, parameter in _fields(document.get(place)).items()
    }
    properties = {name: _schema(parameter) for name, parameter in parameters.items()}
    required = [
        name
        for name, parameter in parameters.items()
        if isinstance(parameter, Mapping) and parameter.get("required") is True
    ]
    stated = document.get("parameters")
    if isinstance(stated, Mapping) and isinstance(stated.get("required"), list):
        required = [name for name in stated["required"] if name in properties]
    output = _fields(document.get("output_parameters") or document.get("output_parameter"))
    return FunctionSpec(
        document["name"],
        document.get("description") or "",
        {"type": "object", "properties": properties, "required": required},
        {"type": "object", "properties": {n: _schema(f) for n, f in output.items()}}
        if output
        else None,
    )


def _fields(stated: Any) -> Mapping[str, Any]:
    """The fields that are stated, as a mapping or as a JSON Schema of an object."""
    if not isinstance(stated, Mapping):
        return {}
    inner = stated.get("properties")
    if isinstance(inner, Mapping) and isinstance(stated.get("type"), str):
        return inner
    return stated


def _schema(field: Any) -> dict[str, Any]:
    if not isinstance(field, Mapping):
        return {}
    schema: dict[str, Any] = {}
    name = field.get("type")
    known = _TYPES.get(name.lower()) if isinstance(name, str) else None
    if known is not None:
        schema["type"] = known
    for key in _SCHEMA:
        if key in field:
            schema[key] = field[key]
    if "default_value" in field:
        schema["default"] = field["default_value"]
    choices = next((field[key] for key in _CHOICES if field.get(key)), None)
    if isinstance(choices, list):
        schema["enum"] = choices
    if isinstance(field.get("properties"), Mapping):
        schema["properties"] = {n: _schema(inner) for n, inner in field["properties"].items()}
    if isinstance(field.get("items"), Mapping):
        schema["items"] = _schema(field["items"])
    return schema
