"""What JavaScript source text in an argument means.

BFCL tells models that the parameters of JavaScript functions are strings that hold JavaScript
source. Literals are read by their declared type (ECMA-262, literals); what is no literal of the
type is an expression and stands for its text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from granite_fc.evaluation.suites.bfcl.source_text import (
    NotALiteral,
    Part,
    only,
    parts_of,
    quoted,
    split,
    string_content,
    string_values_of,
    text_of,
)
from granite_fc.evaluation.suites.bfcl.values import Declared, Kind, as_declared

KINDS: dict[str, Kind] = {
    "String": "string",
    "any": "string",
    "integer": "integer",
    "Bigint": "integer",
    "float": "float",
    "Boolean": "boolean",
    "array": "list",
    "dict": "dict",
}
_DECIMAL = re.compile(
    r"[+-]?(?:[0-9]{1,300}+(?:\.[0-9]{0,300}+)?|\.[0-9]{1,300}+)(?:[eE][+-]?[0-9]{1,3})?"
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,100}+")
_BIG_INTEGER = re.compile(r"([+-]?[0-9]{1,100}+)n")


def values_of(value: Any, declared: Declared) -> list[Any]:
    """Returns what an argument can mean, one or two JSON values.

    Args:
        value: A string is source text; anything else is a JSON value and means itself, integers
            being numbers of any type.
        declared: The parameter's type.
    """
    if not isinstance(value, str):
        return [as_declared(value, declared)]
    if declared.kind == "string":
        return string_values_of(value, declared.type)
    try:
        return [_typed(value, parts_of(value) or (), declared)]
    except NotALiteral:
        return [value.strip()]


def literal_of(value: Any, declared: Declared) -> str:
    """Writes a value as source text from which `values_of` reads it."""
    if isinstance(value, str):
        return value
    if declared.type == "Bigint":
        return f"{value}n"
    return _literal(value)


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{quoted(k)}: {_literal(v)}' for k, v in value.items())}}}"
    return "null" if value is None else str(value)


def _typed(source: str, parts: Sequence[Part], declared: Declared) -> Any:
    text = text_of(source, parts)
    if declared.type == "Bigint":
        match = _BIG_INTEGER.fullmatch(text)
        if match is None:
            raise NotALiteral
        return int(match[1])
    if declared.kind == "integer":
        if _INTEGER.fullmatch(text) is None:
            raise NotALiteral
        return int(text)
    if declared.kind == "float":
        if _DECIMAL.fullmatch(text) is None:
            raise NotALiteral
        return float(text)
    if declared.kind == "boolean":
        if text not in ("true", "false"):
            raise NotALiteral
        return text == "true"
    if declared.kind == "list":
        item = Declared(declared.item_type or "any", declared.item or "string")
        return [_item(source, entry, item) for entry in _array(parts)]
    return _object(source, parts)


def _item(source: str, parts: Sequence[Part], declared: Declared) -> Any:
    """An item of a list: one of another type stays text, which then is of the wrong type."""
    if declared.type == "any":
        return _untyped(source, parts)
    if declared.kind == "string":
        literal = only(parts, "string")
        return string_content(literal.text) if literal else text_of(source, parts)
    try:
        return _typed(source, parts, declared)
    except NotALiteral:
        return text_of(source, parts)


def _untyped(source: str, parts: Sequence[Part]) -> Any:
    literal = only(parts, "string")
    if literal is not None:
        return string_content(literal.text)
    text = text_of(source, parts)
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    try:
        if only(parts, "group", "{"):
            return _object(source, parts)
        return [_untyped(source, entry) for entry in _array(parts)]
    except NotALiteral:
        return text


def _array(parts: Sequence[Part]) -> list[list[Part]]:
    """`[a, b]` or `new Array(a, b)`."""
    if only(parts, "group", "["):
        return split(parts[0].inside, ",")
    words = [part.text for part in parts[:2] if part.kind == "word"]
    if words == ["new", "Array"] and only(parts[2:], "group", "("):
        return split(parts[2].inside, ",")
    raise NotALiteral


def _object(source: str, parts: Sequence[Part]) -> dict[str, Any]:
    """`{a: 1, "b": 2}`; a name alone is a field that holds the variable of that name."""
    braces = only(parts, "group", "{")
    if braces is None:
        raise NotALiteral
    fields = {}
    for entry in split(braces.inside, ","):
        if not entry or entry[0].kind not in ("string", "word") or entry[0].text[0] == ".":
            raise NotALiteral
        key = entry[0].text
        if entry[0].kind == "string":
            key = string_content(key)
        if len(entry) == 1 and entry[0].kind == "word":
            fields[key] = key
        elif len(entry) > 2 and only(entry[1:2], "mark", ":"):
            fields[key] = _untyped(source, entry[2:])
        else:
            raise NotALiteral
    return fields
