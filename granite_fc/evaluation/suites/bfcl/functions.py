"""BFCL's function documents: as they are offered, and what their parameters are declared to be.

The documents speak a dialect of JSON Schema in which types are those of the function's language:
`dict`, `float` and `tuple` in Python, `ArrayList` and `long` in Java, `Bigint` and `String` in
JavaScript.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from granite_fc.calls.spec import FunctionSpec
from granite_fc.evaluation.suites.bfcl import java, javascript
from granite_fc.evaluation.suites.bfcl.values import Declared, Kind

_PYTHON_KINDS: dict[str, Kind] = {
    "string": "string",
    "any": "string",
    "integer": "integer",
    "float": "float",
    "boolean": "boolean",
    "array": "list",
    "tuple": "list",
    "dict": "dict",
}
_JSON_TYPES: dict[Kind, str] = {
    "string": "string",
    "integer": "integer",
    "float": "number",
    "boolean": "boolean",
    "list": "array",
    "dict": "object",
}


class Language(NamedTuple):
    """How a language's arguments are read.

    Attributes:
        name: What it is called.
        kinds: Its types.
        values_of: What an argument can mean.
        literal_of: An accepted value as a model is to write it.
    """

    name: str
    kinds: Mapping[str, Kind]
    values_of: Callable[[Any, Declared], list[Any]]
    literal_of: Callable[[Any, Declared], Any]


PYTHON = Language("Python", _PYTHON_KINDS, lambda value, _: [value], lambda value, _: value)
JAVA = Language("Java", java.KINDS, java.values_of, java.literal_of)
JAVASCRIPT = Language("JavaScript", javascript.KINDS, javascript.values_of, javascript.literal_of)


class Function(NamedTuple):
    """A function as answers to it are judged.

    Attributes:
        name: Its name.
        parameters: Parameter to its declared type.
        required: Those that every call must give.
        language: Its language.
    """

    name: str
    parameters: Mapping[str, Declared]
    required: tuple[str, ...]
    language: Language


def function_of(document: Mapping[str, Any], language: Language) -> Function:
    """Reads what a call is checked against."""
    parameters = document["parameters"]
    return Function(
        document["name"],
        {name: _declared(p, language) for name, p in parameters.get("properties", {}).items()},
        tuple(parameters.get("required", ())),
        language,
    )


def spec_of(document: Mapping[str, Any], language: Language) -> FunctionSpec:
    """Returns the function as it is offered.

    Types become JSON Schema's; `any` becomes none. The arguments of Java and JavaScript functions
    are strings that hold source text, as BFCL has it, and their types stand in the descriptions.
    """
    parameters = document["parameters"]
    if language is PYTHON:
        schema = _json_schema(parameters)
    else:
        properties = {
            name: _source_schema(parameter, language)
            for name, parameter in parameters.get("properties", {}).items()
        }
        schema = {"properties": properties, "required": list(parameters.get("required", ()))}
    return FunctionSpec(
        document["name"], document.get("description", ""), {**schema, "type": "object"}
    )


def _declared(parameter: Mapping[str, Any], language: Language) -> Declared:
    name = parameter.get("type", "any")
    # What no language has is a type of its own, to which text fits.
    kind = language.kinds.get(name, "string")
    if kind != "list" or "items" not in parameter:
        return Declared(name, kind)
    item = parameter["items"].get("type", "any")
    if item == "any" and language is not PYTHON:
        return Declared(name, kind, None, item)
    return Declared(name, kind, language.kinds.get(item, "string"), item)


def _json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    written = dict(schema)
    name = written.pop("type", "any")
    kind = _PYTHON_KINDS.get(name)
    if kind is not None and name != "any":
        written = {"type": _JSON_TYPES[kind], **written}
    if isinstance(schema.get("properties"), Mapping):
        written["properties"] = {
            key: _json_schema(value) for key, value in schema["properties"].items()
        }
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), Mapping):
            written[keyword] = _json_schema(schema[keyword])
    return written


def _source_schema(parameter: Mapping[str, Any], language: Language) -> dict[str, Any]:
    declared = _declared(parameter, language)
    named = declared.type + (f" of {declared.item_type}" if declared.item_type else "")
    note = f"As {language.name} source text, type {named}."
    if parameter.get("properties"):
        fields = (f"{key}: {value.get('type')}" for key, value in parameter["properties"].items())
        note = f"{note[:-1]} with {', '.join(fields)}."
    described = " ".join(filter(None, (parameter.get("description", "").strip(), note)))
    kept = {key: parameter[key] for key in ("default", "enum") if key in parameter}
    return {"type": "string", "description": described, **kept}
