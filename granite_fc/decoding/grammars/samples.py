"""Some values that are likely to fit a JSON Schema, for schemas that no grammar expresses."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from granite_fc.calls.schema import schema_at

_MOST = 64
_STRINGS = (
    *("", "a", "A", "b", "0", "1", "12", "123", "1234", "12345", "true", "yes", "no", "other"),
    *("abc", "ABC", "abc123", "Aa1!Aa1!Aa1!", "a b", "aaaaaaaa", "AAAA0000", "2025-01-31"),
    *("2025-01-31T12:00:00Z", "12:00", "12:00:00", "a@example.com", "https://example.com"),
    *("192.0.2.1", "+15550100", "00000000-0000-4000-8000-000000000000", "1.0", "1.0.0", "/a"),
)
_NUMBERS = (0, 1, 2, 3, 5, 10, 12, 15, 20, 24, 30, 50, 60, 100, 1000, -1, -2, -10)
_FRACTIONS = (0.5, 1.5, 0.1, 0.25, 2.5, -0.5)


def samples(schema: Any, root: Any, depth: int, fits: Callable[[Any, Any], bool]) -> list[Any]:
    """Returns values that fit a schema, at most 64; none where none was found.

    Those are tried that the schema mentions itself, usual values of each type, and lists and
    objects made of what was found for their items and fields.

    Args:
        schema: The schema.
        root: The one that `$ref` leads into.
        depth: Most schemas inside each other.
        fits: Whether a value fits a schema.
    """
    tried: dict[str, Any] = {}
    for value in _tried(schema, root, depth, fits):
        if repr(value) not in tried and fits(schema, value):
            tried[repr(value)] = value
        if len(tried) == _MOST:
            break
    return list(tried.values())


def _tried(schema: Any, root: Any, depth: int, fits: Callable[[Any, Any], bool]) -> list[Any]:
    if depth <= 0 or schema is False:
        return []
    if not isinstance(schema, Mapping):
        return ["a", 1]
    values = [schema[key] for key in ("const", "default") if key in schema]
    for key in ("examples", "enum"):
        values += schema[key] if isinstance(schema.get(key), list | tuple) else ()
    if "const" in schema or "enum" in schema:
        return values
    parts = [part for key in ("allOf", "anyOf", "oneOf") for part in schema.get(key, ())]
    parts += [schema[key] for key in ("then", "else", "contains") if key in schema]
    if "$ref" in schema:
        parts.append(schema_at(schema["$ref"], root))
    inside = [_tried(part, root, depth - 1, fits) for part in parts]
    values += [value for found in itertools.zip_longest(*inside) for value in found]
    low, high = schema.get("minimum", 0), schema.get("maximum", 0)
    numbers = [low, low + 1, high, high - 1, schema.get("multipleOf", 0), *_NUMBERS]
    values += [*_STRINGS, *numbers, *_FRACTIONS, True, False, None]
    values += _lists(schema, root, depth, fits)
    return values + _objects(schema, root, depth, fits)


def _lists(schema: Any, root: Any, depth: int, fits: Callable[[Any, Any], bool]) -> list[Any]:
    low = schema.get("minItems", 0)
    first = [samples(item, root, depth - 1, fits)[:1] for item in schema.get("prefixItems", ())]
    begun = [item for found in first for item in found]
    special = samples(schema["contains"], root, depth - 1, fits) if "contains" in schema else []
    items = [*special, *samples(schema.get("items", True), root, depth - 1, fits)]
    found = [[], begun, [*begun, *items[: max(low, 1)]]]
    found += [[*begun, item] for item in items]
    found += [[item] * max(low, 1) for item in items[:8]]
    least = schema.get("minContains", 1)
    return found + [[*begun, *[item] * least, *items[:low]] for item in special[:4]]


def _objects(schema: Any, root: Any, depth: int, fits: Callable[[Any, Any], bool]) -> list[Any]:
    properties = dict(schema.get("properties") or {})
    parts = [schema.get(key) for key in ("then", "else")]
    parts += schema.get("allOf", ())
    needed = [name for part in (schema, *parts) for name in (part or {}).get("required", ())]
    for part in parts:
        properties = {**(part or {}).get("properties", {}), **properties}
    known = {name: samples(inside, root, depth - 1, fits) for name, inside in properties.items()}
    known = {name: found for name, found in known.items() if found}
    full = {name: found[0] for name, found in known.items()}
    least = {name: value for name, value in full.items() if name in needed}
    own = schema.get("required", ())
    bare = {name: value for name, value in full.items() if name in own}
    found = [bare, least, full]
    for name, values in known.items():
        found += [{**begun, name: value} for value in values[:16] for begun in (bare, least, full)]
        found.append({key: value for key, value in full.items() if key != name})
    # Fields in the order of the schema.
    return [{name: each[name] for name in properties if name in each} for each in found]
