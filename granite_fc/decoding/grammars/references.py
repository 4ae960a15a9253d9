"""What a call may refer to: labels, and the ways into what is known of their outputs."""

from __future__ import annotations

import dataclasses
import json
import string
from collections.abc import Mapping, Sequence
from typing import Any

from granite_fc.calls.reference import Reference
from granite_fc.calls.schema import schema_at
from granite_fc.decoding.grammars.alternatives import TYPES, type_of
from granite_fc.decoding.grammars.json_strings import Spelling
from granite_fc.decoding.grammars.limits import GrammarLimits
from granite_fc.decoding.grammars.numbers import whole_numbers
from granite_fc.decoding.grammars.texts import (
    EMPTY,
    NOTHING,
    Bytes,
    Lexeme,
    Node,
    choice,
    repeat,
    sequence,
    text,
)

# What a field is called of which nothing is known.
_IN_NAMES = Bytes(frozenset(string.ascii_letters.encode() + string.digits.encode() + b"_"))
_LONGEST_NAME = 40
_SCALARS = frozenset(("string", "integer", "number", "boolean", "null"))


@dataclasses.dataclass(frozen=True)
class Output:
    """What is known of a call's output.

    Attributes:
        label: The label of the call.
        schema: JSON Schema of what its function returns; None where that is not said.
        result: What it returned, where `is_known`.
        is_known: Whether the prompt shows what it returned.
    """

    label: str
    schema: Mapping[str, Any] | None = None
    result: Any = None
    is_known: bool = False


class References:
    """The references that a call may have.

    Args:
        outputs: What may be referred to.
        limits: Bounds of paths.
        spelling: How JSON is written in arguments.
    """

    def __init__(
        self, outputs: Sequence[Output], limits: GrammarLimits, spelling: Spelling
    ) -> None:
        self._outputs = outputs
        self._limits = limits
        self._spelling = spelling
        self._of_types: dict[frozenset[str], Node] = {}

    def of_types(self, types: frozenset[str]) -> Node:
        """References to what has, or may have, one of some types.

        What is no object and no list may take the place of any other such value: documents of
        functions often disagree about numbers and strings. Only what can exist is referred to:
        fields that a result has, or that a schema names or leaves open, items that a result has or
        whose index is small. Where a schema says nothing of what is inside, any short name may lead
        on.
        """
        if "number" in types:
            types |= {"integer"}
        if len(types) < len(TYPES) and types & _SCALARS:
            types |= _SCALARS
        if types not in self._of_types:
            options = [self._reference(output, types) for output in self._outputs]
            found = choice(options)
            self._of_types[types] = found if found is NOTHING else Lexeme(found)
        return self._of_types[types]

    def _reference(self, output: Output, types: frozenset[str]) -> Node:
        if output.is_known:
            ways = self._into_value(output.result, types, self._limits.path)
        else:
            ways = self._into_schema(output.schema, output.schema, types, self._limits.path)
        quote = self._spelling.spell('"')
        return sequence(text(f"{quote}{output.label}"), ways, text(f"${quote}"))

    def _into_value(self, value: Any, types: frozenset[str], path: int) -> Node:
        options: list[Node] = [EMPTY] if _fits({type_of(value)}, types) else []
        if path > 0:
            fields: list[tuple[str, Any]] = []
            if isinstance(value, Mapping):
                fields = list(value.items())
            elif isinstance(value, list | tuple):
                fields = [(str(i), value[i]) for i in range(self._num_items(len(value)))]
            for name, inside in fields:
                options.append(
                    sequence(self._entry(name), self._into_value(inside, types, path - 1))
                )
        return choice(options)

    def _into_schema(self, schema: Any, root: Any, types: frozenset[str], path: int) -> Node:
        if not isinstance(schema, Mapping):
            return NOTHING if schema is False else self._anywhere(0, path)
        if "$ref" in schema:
            return (
                self._into_schema(schema_at(schema["$ref"], root), root, types, path - 1)
                if path > 0
                else NOTHING
            )
        named = schema.get("type", ())
        own = {named} if isinstance(named, str) else set(named)
        properties = schema.get("properties") or {}
        if not own and not properties:
            return self._anywhere(0, path)
        options: list[Node] = [EMPTY] if not own or _fits(own, types) else []
        if path > 0:
            if not own or "object" in own:
                for name, inside in properties.items():
                    ways = self._into_schema(inside, root, types, path - 1)
                    options.append(sequence(self._entry(name), ways))
                # Named fields are all unless the schema says more, as in `calls.output_path`.
                if schema.get("additionalProperties", not properties) is not False:
                    other = sequence(text("."), _other_name(list(properties)))
                    options.append(sequence(other, self._anywhere(0, path - 1)))
            elif "array" in own:
                options.append(self._items(schema, root, types, path))
        return choice(options)

    def _anywhere(self, low: int, high: int) -> Node:
        return repeat(sequence(text("."), _other_name(())), low, high)

    def _items(
        self, schema: Mapping[str, Any], root: Any, types: frozenset[str], path: int
    ) -> Node:
        first = schema.get("prefixItems", ())
        high = self._num_items(schema.get("maxItems", self._limits.list_index + 1))
        options = [
            sequence(self._entry(str(i)), self._into_schema(inside, root, types, path - 1))
            for i, inside in enumerate(first[:high])
        ]
        if high > len(first) and "items" in schema:
            ways = self._into_schema(schema["items"], root, types, path - 1)
            index = whole_numbers(len(first), high - 1)
            options.append(sequence(text("."), index, ways))
        return choice(options)

    def _num_items(self, length: int) -> int:
        return min(length, self._limits.list_index + 1)

    def _entry(self, name: str) -> Node:
        label = "$var_1"
        # The way that a reference writes an entry, between the label and the closing dollar sign.
        written = str(Reference(label, (name,)))[len(label) : -1]
        return text(self._spelling.spell(json.dumps(written, ensure_ascii=False)[1:-1]))


def _other_name(names: Sequence[str], begun: int = 0) -> Node:
    """A short name that is none of some, which all begin alike up to a place."""
    longer: dict[str, list[str]] = {}
    for name in names:
        if len(name) > begun and ord(name[begun]) in _IN_NAMES.among:
            longer.setdefault(name[begun], []).append(name)
    options: list[Node] = []
    if begun and all(len(name) > begun for name in names):
        options.append(EMPTY)
    others = Bytes(_IN_NAMES.among - set(map(ord, longer)))
    options.append(sequence(others, repeat(_IN_NAMES, 0, _LONGEST_NAME - 1)))
    for character, those in longer.items():
        options.append(sequence(text(character), _other_name(those, begun + 1)))
    return choice(options)


def _fits(found: set[str], types: frozenset[str]) -> bool:
    return bool(found & types) or len(types) == len(TYPES)
