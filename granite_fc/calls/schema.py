"""Whether a JSON Schema is well formed, without the price of validating it against the meta-schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

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
    if schema is True or schema is False:
        return
    if not isinstance(schema, Mapping):
        raise ValueError(f"{where} is {schema!r}, expected a JSON Schema")
    for keyword, value in schema.items():
        check = _KEYWORDS.get(keyword)
        if check is not None:
            check(value, f"{where}.{keyword}")
    required = schema.get("required")
    if required and "properties" in schema:
        for name in required:
            if name not in schema["properties"]:
                raise ValueError(f"{where}.required names {name!r}, which is not in properties")


def _check_type(value: Any, where: str) -> None:
    names = value if isinstance(value, list | tuple) else (value,)
    for name in names:
        if not isinstance(name, str) or name not in TYPES:
            raise ValueError(f"{where} is {name!r}, expected one of {', '.join(sorted(TYPES))}")
    if not names:
        raise ValueError(f"{where} is empty")


def _check_named_schemas(value: Any, where: str) -> None:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} is {value!r}, expected an object of JSON Schemas")
    for name, schema in value.items():
        if not isinstance(name, str):
            raise ValueError(f"{where} has the key {name!r}, expected strings")
        check_schema(schema, f"{where}.{name}")


def _check_pattern_schemas(value: Any, where: str) -> None:
    _check_named_schemas(value, where)
    for pattern in value:
        _check_pattern(pattern, where)


def _check_schemas(value: Any, where: str) -> None:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"{where} is {value!r}, expected a list of JSON Schemas")
    for index, schema in enumerate(value):
        check_schema(schema, f"{where}.{index}")


def _check_names(value: Any, where: str) -> None:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{where} is {value!r}, expected a list of names")
    if len(set(value)) != len(value):
        raise ValueError(f"{where} has a name twice: {value!r}")


def _check_enum(value: Any, where: str) -> None:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"{where} is {value!r}, expected a list of values, not empty")


def _check_pattern(value: Any, where: str) -> None:
    try:
        re.compile(value)
    except (re.error, TypeError) as error:
        raise ValueError(f"{where} is {value!r}, no regular expression: {error}") from None


def _check_text(value: Any, where: str) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{where} is {value!r}, expected a string")


def _check_number(value: Any, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{where} is {value!r}, expected a number")


def _check_positive_number(value: Any, where: str) -> None:
    _check_number(value, where)
    if value <= 0:
        raise ValueError(f"{where} is {value!r}, expected a number above 0")


def _check_count(value: Any, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{where} is {value!r}, expected a whole number from 0")


def _check_flag(value: Any, where: str) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{where} is {value!r}, expected true or false")


def _check_local_reference(value: Any, where: str) -> None:
    # Any other place would be fetched, from a file or over the network, when arguments are checked.
    if not isinstance(value, str) or not value.startswith("#"):
        raise ValueError(f"{where} is {value!r}, expected a place in the same schema, #/$defs/NAME")


_KEYWORDS: dict[str, Callable[[Any, str], None]] = {
    "type": _check_type,
    "properties": _check_named_schemas,
    "$defs": _check_named_schemas,
    "definitions": _check_named_schemas,
    "dependentSchemas": _check_named_schemas,
    "patternProperties": _check_pattern_schemas,
    "required": _check_names,
    "enum": _check_enum,
    "pattern": _check_pattern,
    "description": _check_text,
    "title": _check_text,
    "format": _check_text,
    "$ref": _check_local_reference,
    "$dynamicRef": _check_local_reference,
    "uniqueItems": _check_flag,
    "multipleOf": _check_positive_number,
    **dict.fromkeys(
        ("items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else"),
        check_schema,
    ),
    **dict.fromkeys(("unevaluatedItems", "unevaluatedProperties"), check_schema),
    **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), _check_schemas),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _check_number),
    **dict.fromkeys(
        (
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
            "minProperties",
            "maxProperties",
            "minContains",
            "maxContains",
        ),
        _check_count,
    ),
}
