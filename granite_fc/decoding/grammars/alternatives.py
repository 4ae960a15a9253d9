"""A JSON Schema as alternatives without compositions."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from granite_fc.calls.schema import schema_at

TYPES = ("string", "integer", "number", "boolean", "null", "array", "object")
# What says something of a value. Everything else is an annotation.
KEYWORDS = frozenset(
    (
        *("type", "enum", "const", "$ref", "$dynamicRef"),
        *("allOf", "anyOf", "oneOf", "not", "if", "then", "else"),
        *("minLength", "maxLength", "pattern"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "unevaluatedItems"),
        *("contains", "minContains", "maxContains"),
        *("properties", "required", "additionalProperties", "unevaluatedProperties"),
        *("patternProperties", "propertyNames", "minProperties", "maxProperties"),
        *("dependentRequired", "dependentSchemas"),
    )
)
_MOST = 64
_RULING_NAMES = ("additionalProperties", "unevaluatedProperties", "patternProperties")


def alternatives(schema: Any, root: Any, depth: int) -> list[dict[str, Any]] | None:
    """Returns schemas one of which a value fits if it fits `schema`, and the other way round.

    None of them has `$ref`, `allOf`, `anyOf` or `oneOf`; keywords that say nothing are left out.

    Args:
        schema: The schema.
        root: The one that `$ref` leads into.
        depth: Most references and compositions inside each other.

    Returns:
        The alternatives; None where they cannot be told apart, or are too many.
    """
    if schema is True:
        return [{}]
    if not isinstance(schema, Mapping) or depth < 0:
        return []
    base = {key: value for key, value in schema.items() if key in KEYWORDS}
    parts: list[list[dict[str, Any]]] = []
    if "$ref" in base:
        found = alternatives(schema_at(base.pop("$ref"), root), root, depth - 1)
        if found is None:
            return None
        parts.append(found)
    for member in base.pop("allOf", ()):
        found = alternatives(member, root, depth - 1)
        if found is None:
            return None
        parts.append(found)
    for keyword in ("anyOf", "oneOf"):
        members = base.pop(keyword, None)
        if members is None:
            continue
        branches = [alternatives(member, root, depth - 1) for member in members]
        if any(branch is None for branch in branches):
            return None
        if keyword == "oneOf" and _overlap(branches, base):
            return None
        parts.append([each for branch in branches for each in branch or ()])
    combined: list[dict[str, Any]] = []
    for choice in itertools.product(*parts):
        merged: dict[str, Any] | None = base
        for member in choice:
            merged = None if merged is None else _merged(merged, member)
        if merged is None:
            return None
        combined.append(merged)
        if len(combined) > _MOST:
            return None
    return combined


def types_of(schema: Mapping[str, Any]) -> frozenset[str]:
    """The types that values of a schema without compositions have; all where it names none."""
    named = schema.get("type", TYPES)
    found = {named} if isinstance(named, str) else set(named)
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is not None:
        of_values = {type_of(value) for value in values}
        if "number" in found:
            of_values |= {"number"} if "integer" in of_values else set()
            found.add("integer")
        found &= of_values
    return frozenset(found)


def type_of(value: Any) -> str:
    """The type of a JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "array"


def _overlap(branches: list[list[dict[str, Any]] | None], base: Mapping[str, Any]) -> bool:
    """Whether a value may fit two of some branches, as far as their types tell."""
    seen: set[str] = set()
    for branch in branches:
        found = {kind for schema in branch or () for kind in types_of({**base, **schema})}
        if "number" in found:
            found.add("integer")
        if found & seen:
            return True
        seen |= found
    return False


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any] | None:
    """A schema that says what both say; None where this cannot write it."""
    if _rules_on_others(first, second) or _rules_on_others(second, first):
        return None
    merged = dict(first)
    for keyword, value in second.items():
        if keyword not in merged or merged[keyword] == value:
            merged[keyword] = value
            continue
        mine = merged[keyword]
        match keyword:
            case "type":
                both = types_of({"type": mine}) & types_of({"type": value})
                if "integer" in types_of({"type": mine}) | types_of({"type": value}) and (
                    "number" in types_of({"type": mine}) | types_of({"type": value})
                ):
                    both |= {"integer"}
                merged[keyword] = sorted(both)
            case "required":
                merged[keyword] = list(dict.fromkeys([*mine, *value]))
            case "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties":
                merged[keyword] = max(mine, value)
            case "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties":
                merged[keyword] = min(mine, value)
            case "properties":
                shared = {
                    name: {"allOf": [mine[name], value[name]]} for name in mine if name in value
                }
                merged[keyword] = {**mine, **value, **shared}
            case _:
                return None
    return merged


def _rules_on_others(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether the first says which names are admitted and the second brings more of them."""
    rules = [key for key in _RULING_NAMES if key in first and first[key] is not True]
    return bool(rules) and not set(second.get("properties", ())) <= set(first.get("properties", ()))
