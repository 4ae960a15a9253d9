"""Whether a JSON Schema is well formed, at a fraction of the price of its meta-schema."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

# Keywords by which the properties of an object can be stated elsewhere than in its `properties`.
COMPOSING = ("$ref", "allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas")
TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})


def check_schema(schema: Any, where: str) -> None:
    """Checks the form of a schema and of every schema inside it.

    Keywords that are not known are annotations and pass, as JSON Schema (draft 2020-12) has it.

    Args:
        schema: The schema.
        where: What it belongs to, for the message.

    Raises:
        ValueError: A keyword has a value of the wrong form; the message names the place.
    """
    pointers: list[tuple[str, str]] = []
    _check_schema(schema, where, pointers)
    for pointer, place in pointers:
        if schema_at(pointer, schema) is None:
            raise ValueError(f"{place} is {pointer!r}, but there is no schema")


def schema_at(pointer: str, root: Any) -> Mapping[str, Any] | bool | None:
    """Returns what a `$ref`, such as `#/$defs/Place`, leads to in `root`; None if nothing."""
    value = root
    for step in pointer.split("/")[1:]:
        step = urllib.parse.unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value if isinstance(value, Mapping | bool) else None


# Checks one keyword's value: the value, where it stands, and the list that gathers the pointers to
# other schemas.
_Check = Callable[[Any, str, list[tuple[str, str]]], None]


def _check_schema(schema: Any, where: str, pointers: list[tuple[str, str]]) -> None:
    if schema is True or schema is False:
        return
    if not isinstance(schema, Mapping):
        raise ValueError(f"{where} is {schema!r}, expected a JSON Schema")
    for keyword, value in schema.items():
        check = _KEYWORDS.get(keyword)
        if check is not None:
            check(value, f"{where}.{keyword}", pointers)
    if "properties" in schema and not _states_others(schema):
        for name in schema.get("required", ()):
            if name not in schema["properties"]:
                raise ValueError(f"{where}.required names {name!r}, which is not in properties")


def _states_others(schema: Mapping[str, Any]) -> bool:
    """Whether an object can have properties that its `properties` does not name."""
    return (
        schema.get("type") != "object"
        or schema.get("additionalProperties", False) is not False
        or any(keyword in schema for keyword in (*COMPOSING, "patternProperties"))
    )


def _check_type(value: Any, where: str, _: Any) -> None:
    names = value if isinstance(value, list | tuple) else (value,)
    for name in names:
        if not isinstance(name, str) or name not in TYPES:
            raise ValueError(f"{where} is {name!r}, expected one of {', '.join(sorted(TYPES))}")
    if not names:
        raise ValueError(f"{where} is empty")


def _check_named_schemas(value: Any, where: str, pointers: list[tuple[str, str]]) -> None:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} is {value!r}, expected an object of JSON Schemas")
    for name, schema in value.items():
        if not isinstance(name, str):
            raise ValueError(f"{where} has the key {name!r}, expected strings")
        _check_schema(schema, f"{where}.{name}", pointers)


def _check_pattern_schemas(value: Any, where: str, pointers: list[tuple[str, str]]) -> None:
    _check_named_schemas(value, where, pointers)
    for pattern in value:
        _check_pattern(pattern, where, pointers)


def _check_schemas(value: Any, where: str, pointers: list[tuple[str, str]]) -> None:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"{where} is {value!r}, expected a list of JSON Schemas")
    for index, schema in enumerate(value):
        _check_schema(schema, f"{where}.{index}", pointers)


def _check_names(value: Any, where: str, _: Any) -> None:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{where} is {value!r}, expected a list of names")
    if len(set(value)) != len(value):
        raise ValueError(f"{where} has a name twice: {value!r}")


def _check_dependent_names(value: Any, where: str, _: Any) -> None:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} is {value!r}, expected an object of lists of names")
    for name, names in value.items():
        _check_names(names, f"{where}.{name}", _)


def _check_enum(value: Any, where: str, _: Any) -> None:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"{where} is {value!r}, expected a list of values, not empty")


def _check_pattern(value: Any, where: str, _: Any) -> None:
    try:
        re.compile(value)
    except (re.error, TypeError) as error:
        raise ValueError(f"{where} is {value!r}, no regular expression: {error}") from None


def _check_text(value: Any, where: str, _: Any) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{where} is {value!r}, expected a string")


def _check_number(value: Any, where: str, _: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{where} is {value!r}, expected a number")


def _check_divisor(value: Any, where: str, _: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(f"{where} is {value!r}, expected a number above 0")


def _check_count(value: Any, where: str, _: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{where} is {value!r}, expected a whole number from 0")


def _check_flag(value: Any, where: str, _: Any) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{where} is {value!r}, expected true or false")


def _check_pointer(value: Any, where: str, pointers: list[tuple[str, str]]) -> None:
    # Any other place would be fetched, from a file or over the network, when arguments are checked.
    if not isinstance(value, str) or not (value == "#" or value.startswith("#/")):
        raise ValueError(f"{where} is {value!r}, expected a place in the same schema, #/$defs/NAME")
    pointers.append((value, where))


def _check_unsupported(value: Any, where: str, _: Any) -> None:
    raise ValueError(f"{where} is not supported: a spec names places in itself by $ref alone")


_KEYWORDS: dict[str, _Check] = {
    "type": _check_type,
    "required": _check_names,
    "enum": _check_enum,
    "dependentRequired": _check_dependent_names,
    "pattern": _check_pattern,
    "patternProperties": _check_pattern_schemas,
    "uniqueItems": _check_flag,
    "multipleOf": _check_divisor,
    "$ref": _check_pointer,
    **dict.fromkeys(("$id", "$anchor", "$dynamicRef", "$dynamicAnchor"), _check_unsupported),
    **dict.fromkeys(("title", "description", "format"), _check_text),
    **dict.fromkeys(
        ("properties", "$defs", "definitions", "dependentSchemas"), _check_named_schemas
    ),
    **dict.fromkeys(("items", "contains", "not", "if", "then", "else"), _check_schema),
    **dict.fromkeys(("additionalProperties", "unevaluatedProperties"), _check_schema),
    **dict.fromkeys(("propertyNames", "unevaluatedItems"), _check_schema),
    **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), _check_schemas),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _check_number),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        _check_count,
    ),
    **dict.fromkeys(("minContains", "maxContains"), _check_count),
}
