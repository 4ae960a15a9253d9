"""What Java source text in an argument means.

BFCL tells models that the parameters of Java functions are strings that hold Java source. Literals
are read by their declared type as the Java Language Specification has them: an integer literal fits
`long`, `float` and `double` too (JLS 5.1.2, widening). What is no literal of the type is an
expression and stands for its text.
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
    **dict.fromkeys(("byte", "short", "integer", "long"), "integer"),
    **dict.fromkeys(("float", "double"), "float"),
    **dict.fromkeys(("Array", "ArrayList", "Set", "Queue", "Stack"), "list"),
    **dict.fromkeys(("HashMap", "Hashtable"), "dict"),
    **dict.fromkeys(("char", "String", "any"), "string"),
    "boolean": "boolean",
}
_INTEGER = r"[+-]?[0-9]{1,100}+"
_DECIMAL = r"[+-]?(?:[0-9]{1,300}+(?:\.[0-9]{0,300}+)?|\.[0-9]{1,300}+)(?:[eE][+-]?[0-9]{1,3})?"
_NUMBERS = {
    **dict.fromkeys(("byte", "short", "integer"), re.compile(f"({_INTEGER})")),
    "long": re.compile(f"({_INTEGER})[lL]?"),
    "float": re.compile(f"({_DECIMAL})[fF]|({_INTEGER})[lL]?"),
    "double": re.compile(f"({_DECIMAL})[fFdD]?|({_INTEGER})[lL]?"),
}
_ANY_INTEGER = re.compile(f"({_INTEGER})[lL]?")
_ANY_DECIMAL = re.compile(f"({_DECIMAL})[fFdD]?")
_BOXED = {"integer": "Integer", "any": "Object", "char": "Character"}
_NEW_LIST = re.compile(r"new\s+ArrayList\s*(?:<[^()]*>)?")
_NEW_ARRAY = re.compile(r"new\s+[\w.]+")
_NEW_MAP = re.compile(r"new\s+HashMap\s*(?:<[^()]*>)?")
_LIST_OF = frozenset({"Arrays.asList", "List.of", "java.util.Arrays.asList"})


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
    if declared.kind == "list" and isinstance(value, list):
        item = declared.item_type or "any"
        items = ", ".join(_item_literal(entry, item) for entry in value)
        boxed = _BOXED.get(item, item.capitalize())
        if declared.type == "Array":
            return f"new {item if item in _NUMBERS else boxed}[]{{{items}}}"
        return f"new ArrayList<{boxed}>(Arrays.asList({items}))"
    if isinstance(value, dict):
        puts = " ".join(f"put({quoted(k)}, {_item_literal(v, 'any')});" for k, v in value.items())
        return f"new HashMap<String, Object>() {{{{ {puts} }}}}"
    return _item_literal(value, declared.type)


def _item_literal(value: Any, type_name: str) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"Arrays.asList({', '.join(_item_literal(item, 'any') for item in value)})"
    return f"{value}{ {'long': 'L', 'float': 'f'}.get(type_name, '') }"


def _typed(source: str, parts: Sequence[Part], declared: Declared) -> Any:
    text = text_of(source, parts)
    if declared.type in _NUMBERS:
        match = _NUMBERS[declared.type].fullmatch(text)
        if match is None:
            raise NotALiteral
        digits = next(group for group in match.groups() if group is not None)
        return int(digits) if declared.kind == "integer" else float(digits)
    if declared.kind == "boolean":
        if text not in ("true", "false"):
            raise NotALiteral
        return text == "true"
    if declared.kind == "list":
        item = Declared(declared.item_type or "any", declared.item or "string")
        return [_item(source, entry, item) for entry in _entries(source, parts, declared.type)]
    return _map(source, parts)


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
    if match := _ANY_INTEGER.fullmatch(text):
        return int(match[1])
    if match := _ANY_DECIMAL.fullmatch(text):
        return float(match[1])
    if parts and parts[-1].kind == "group":
        if _called(source, parts) in _LIST_OF:
            return [_untyped(source, entry) for entry in split(parts[-1].inside, ",")]
        for read in (_array, _new_list):
            try:
                return [_untyped(source, entry) for entry in read(source, parts)]
            except NotALiteral:
                continue
        try:
            return _map(source, parts)
        except NotALiteral:
            pass
    return text


def _entries(source: str, parts: Sequence[Part], type_name: str) -> list[list[Part]]:
    if type_name == "Array":
        return _array(source, parts)
    if type_name == "ArrayList":
        return _new_list(source, parts)
    raise NotALiteral


def _array(source: str, parts: Sequence[Part]) -> list[list[Part]]:
    """`new T[]{a, b}`, `new T[0]` or `{a, b}`."""
    if only(parts, "group", "{"):
        return split(parts[0].inside, ",")
    if len(parts) < 3 or _NEW_ARRAY.fullmatch(text_of(source, parts[:2])) is None:
        raise NotALiteral
    brackets = parts[2]
    if brackets.kind != "group" or brackets.text != "[":
        raise NotALiteral
    if only(parts[3:], "group", "{") and not brackets.inside:
        return split(parts[3].inside, ",")
    if len(parts) == 3 and only(brackets.inside, "word", "0"):
        return []
    raise NotALiteral


def _new_list(source: str, parts: Sequence[Part]) -> list[list[Part]]:
    """`new ArrayList<T>(Arrays.asList(a, b))`, the same with `add` in double braces, or empty."""
    arguments, body = _new(source, parts, _NEW_LIST)
    if body is not None and not arguments:
        return [_arguments(entry, "add", 1)[0] for entry in _statements(body)]
    if body is not None:
        raise NotALiteral
    if not arguments:
        return []
    if _called(source, arguments) not in _LIST_OF:
        raise NotALiteral
    return split(arguments[-1].inside, ",")


def _map(source: str, parts: Sequence[Part]) -> dict[str, Any]:
    """`new HashMap<K, V>() {{ put("k", v); }}`, one of `Map.of("k", v)`, or empty."""
    arguments, body = _new(source, parts, _NEW_MAP)
    if body is not None and not arguments:
        pairs = [_arguments(entry, "put", 2) for entry in _statements(body)]
    elif body is not None:
        raise NotALiteral
    elif not arguments:
        pairs = []
    elif _called(source, arguments) == "Map.of":
        entries = split(arguments[-1].inside, ",")
        if len(entries) % 2:
            raise NotALiteral
        pairs = [entries[i : i + 2] for i in range(0, len(entries), 2)]
    else:
        raise NotALiteral
    return {str(_untyped(source, key)): _untyped(source, value) for key, value in pairs}


def _new(
    source: str, parts: Sequence[Part], head: re.Pattern[str]
) -> tuple[Sequence[Part], Sequence[Part] | None]:
    """What is in the parentheses of a constructor, and in the braces after them."""
    first = next((i for i, p in enumerate(parts) if p.kind == "group" and p.text == "("), None)
    if first is None or head.fullmatch(text_of(source, parts[:first])) is None:
        raise NotALiteral
    rest = parts[first + 1 :]
    if not rest:
        return parts[first].inside, None
    body = only(rest, "group", "{")
    if body is None:
        raise NotALiteral
    return parts[first].inside, body.inside


def _statements(body: Sequence[Part]) -> list[list[Part]]:
    """What stands in the inner braces, by semicolons."""
    if not body:
        return []
    inner = only(body, "group", "{")
    if inner is None:
        raise NotALiteral
    return split(inner.inside, ";")


def _arguments(statement: Sequence[Part], method: str, count: int) -> list[list[Part]]:
    if len(statement) != 2 or only(statement[:1], "word", method) is None:
        raise NotALiteral
    group = only(statement[1:], "group", "(")
    arguments = split(group.inside, ",") if group else []
    if len(arguments) != count:
        raise NotALiteral
    return arguments


def _called(source: str, parts: Sequence[Part]) -> str | None:
    """The name before parentheses that end the expression."""
    if len(parts) == 2 and parts[0].kind == "word" and only(parts[1:], "group", "("):
        return parts[0].text
    return None
