"""Objects that fit a JSON Schema, as a set of texts."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from granite_fc.decoding.grammars.json_strings import JsonString
from granite_fc.decoding.grammars.texts import (
    NOTHING,
    FreshKey,
    Lexeme,
    Node,
    choice,
    repeat,
    sequence,
    text,
)

if TYPE_CHECKING:
    from granite_fc.decoding.grammars.values import Values


class _Others(NamedTuple):
    """The fields of an object that no schema names.

    Attributes:
        value: What they may be.
        room: Most of them.
        taken: Names that they cannot have, as they are written.
    """

    value: Node
    room: int
    taken: frozenset[bytes]


def object_of(
    values: Values, schema: Mapping[str, Any], depth: int, *, not_empty: bool = False
) -> Node:
    """Objects of a schema without compositions, their fields in its order.

    Fields that the schema does not name come after the others, where it speaks of them or names
    none at all. One that would make others necessary is left out, unless it is necessary itself.

    Args:
        values: Writes the values of fields.
        schema: The schema.
        depth: Most objects and lists inside each other, this one included.
        not_empty: Whether it has a field.
    """
    properties = schema.get("properties") or {}
    required = set(schema.get("required", ()))
    dependent = schema.get("dependentRequired") or {}
    for _ in dependent:
        required.update(*(needed for name, needed in dependent.items() if name in required))
    for name in dependent:
        if name not in required:  # left out, so that it needs nothing
            properties = {key: value for key, value in properties.items() if key != name}
    patterns = schema.get("patternProperties") or {}
    properties = {
        name: value
        for name, value in properties.items()
        if not any(re.search(pattern, name) for pattern in patterns)
    }
    most = schema.get("maxProperties", math.inf)
    if len(properties) > most:
        properties = {key: value for key, value in properties.items() if key in required}
    least = max(schema.get("minProperties", 0), int(not_empty))
    value = _value_of_others(values, schema, properties, required, depth)
    if len(properties) > most or (value is None and required - set(properties)):
        return NOTHING
    room = min(values.limits.free_fields, most - len(properties))
    # What the schema names is no other name, even where it is left out here.
    named = frozenset(_key(values, name) for name in schema.get("properties") or ())
    others = None if value is None or room < 1 else _Others(value, int(room), named)
    # Of several objects none may begin with more than a brace as one lexeme.
    brace = Lexeme(values.json("{"))
    return sequence(
        brace, _fields(values, list(properties.items()), required, depth, others, least)
    )


def _value_of_others(
    values: Values,
    schema: Mapping[str, Any],
    properties: Mapping[str, Any],
    required: set[str],
    depth: int,
) -> Node | None:
    """The values of fields that the schema does not name; None where there are no such."""
    rules = ("additionalProperties", "unevaluatedProperties")
    stated = next((schema[key] for key in rules if key in schema), None)
    if stated is None:
        stated = not schema.get("properties")
    if stated is False or required - set(properties) or schema.get("patternProperties"):
        return None
    value = values.value(stated, min(depth - 1, values.limits.free_depth))
    return None if value is NOTHING else value


def _fields(
    values: Values,
    properties: Sequence[tuple[str, Any]],
    required: set[str],
    depth: int,
    others: _Others | None,
    least: int,
) -> Node:
    """The fields of an object, in the order of the schema, and its end."""
    inside = {name: values.value(schema, depth - 1) for name, schema in properties}
    known: dict[tuple[int, int], Node] = {}

    def after(index: int, count: int) -> Node:
        # Beyond `least` the number of fields is of no interest.
        count = min(count, max(least, 1))
        if (index, count) not in known:
            known[index, count] = fields(index, count)
        return known[index, count]

    def fields(index: int, count: int) -> Node:
        if index == len(properties):
            end = values.json("}") if count >= least else NOTHING
            return end if others is None else choice((end, _free(values, others, count, least)))
        name = properties[index][0]
        # Beside any name, the separator is a lexeme of its own.
        comma = values.json(", ") if others is None else Lexeme(values.json(", "))
        separator = comma if count else text("")
        following = after(index + 1, count + 1)
        written = values.json(f"{json.dumps(name, ensure_ascii=False)}: ")
        with_field = sequence(separator, written, inside[name], following)
        return with_field if name in required else choice((with_field, after(index + 1, count)))

    return after(0, 0)


def _free(values: Values, others: _Others, count: int, least: int) -> Node:
    """Fields that no schema names, at least one, and the end of the object.

    An empty name can only be the first of them.
    """
    value, room, taken = others
    key = JsonString(0, values.limits.characters, values.spelling, is_literal=False)
    colon, separator, end = values.json(": "), values.json(", "), values.json("}")

    def then(written: bytes) -> Node:
        more = NOTHING
        if room > 1:
            rest = _Others(value, room - 1, taken | {written})
            more = _free(values, rest, count + 1, least)
        options = (end if count + 1 >= least else NOTHING, more)
        return sequence(colon, value, choice(options))

    named = JsonString(1, values.limits.characters, values.spelling, is_literal=False)
    again = repeat(sequence(separator, named, colon, value), max(least - count - 1, 0), room - 1)
    fresh = FreshKey(key, taken, then, sequence(colon, value, again, end))
    return sequence(Lexeme(separator), fresh) if count else fresh


def _key(values: Values, name: str) -> bytes:
    return values.spelling.spell(json.dumps(name, ensure_ascii=False)).encode()
