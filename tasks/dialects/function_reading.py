"""Functions read from the text of a library, in whatever detail it has them."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.strict_json import decode_prefix
from tasks.dialects.signature_reading import read_signature

# What a function takes where its parameters are not shown.
_ANY_PARAMETERS = {"type": "object", "properties": {}, "additionalProperties": True}
_ESCAPED = re.compile(r"\\u003c")


@functools.lru_cache(maxsize=4096)
def read_function(text: str) -> FunctionSpec:
    """Reads a function as a line of text: JSON, a signature or a name with a description.

    What `tasks.dialects.function_text` leaves out is open in what is returned: a parameter without
    a type fits anything, and without parameters any name does.

    Raises:
        ValueError: There is no function in the text.
    """
    if text.startswith("{"):
        record, end = decode_prefix(text)
        if text[end:].strip():
            raise ValueError("text after a function")
        return spec_of_record(record)
    name, _, description = text.partition(" - ")
    if "(" in name:
        signature = read_signature(text)
        if signature is not None:
            return _unescaped(signature)
        name = name.partition("(")[0]
    return FunctionSpec(name.strip(), _ESCAPED.sub("<", description), _ANY_PARAMETERS)


def spec_of_record(record: Any) -> FunctionSpec:
    """Reads a function as JSON values, such as `tasks.dialects.function_text` makes.

    A `{"type": "function", "function": ...}` around them is taken away.

    Raises:
        ValueError: They are no function, or its name is none.
    """
    if isinstance(record, Mapping) and isinstance(record.get("function"), Mapping):
        record = record["function"]
    if not isinstance(record, Mapping) or not isinstance(record.get("name"), str):
        raise ValueError("a function is no object with a name")
    name, description = record["name"], record.get("description")
    text = description if isinstance(description, str) else ""
    parameters = record.get("parameters")
    if not isinstance(parameters, Mapping):
        signature = read_signature(text) if text.startswith(f"{name}(") else None
        if signature is not None and signature.name == name:
            return signature
        return FunctionSpec(name, text, _ANY_PARAMETERS)
    output = record.get("output")
    try:
        if parameters.get("type") == "object":
            return FunctionSpec(name, text, parameters, output)
        return FunctionSpec(name, text, _untyped(parameters), _untyped(output) if output else None)
    except (ValueError, TypeError, RecursionError):
        # A schema that is none says nothing about what the function takes.
        return FunctionSpec(name, text, _ANY_PARAMETERS)


def _untyped(properties: Any) -> dict[str, Any]:
    """The schema of an object of which the names and descriptions of fields are known."""
    return {"type": "object", "properties": dict(properties)}


def _unescaped(spec: FunctionSpec) -> FunctionSpec:
    description = _ESCAPED.sub("<", spec.description)
    return FunctionSpec(spec.name, description, spec.parameters, spec.output)
