"""Values that fit a JSON Schema, references among them, as a set of texts."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from granite_fc.calls.reference import to_json_value
from granite_fc.calls.strict_json import encode
from granite_fc.decoding.grammars.alternatives import TYPES, alternatives, type_of, types_of
from granite_fc.decoding.grammars.arrays import array
from granite_fc.decoding.grammars.json_strings import JsonString, Spelling
from granite_fc.decoding.grammars.limits import GrammarLimits
from granite_fc.decoding.grammars.numbers import integers, numbers
from granite_fc.decoding.grammars.objects import object_of
from granite_fc.decoding.grammars.texts import (
    NOTHING,
    Node,
    Text,
    choice,
    text,
)

_ANY_TYPE = frozenset(TYPES)
# What of a type's keywords no grammar here expresses: values are then taken from the schema itself.
_BEYOND = {
    "any": ("not", "if", "$dynamicRef"),
    "string": ("pattern",),
    "array": ("contains", "unevaluatedItems"),
    "object": ("propertyNames", "dependentSchemas"),
}
_MOST_MULTIPLES = 64


class Values:
    """Writes sets of values.

    What a schema says is kept to, or more is kept to than it says: whatever it writes fits. Where a
    keyword cannot be expressed (`pattern`, `not`, `if`, `contains`, ...), the values are those that
    the schema itself mentions and that fit (`default`, `examples`), and references.

    Attributes:
        root: The schema that `$ref` leads into.
        limits: Bounds of what has none.
        spelling: How JSON is written.

    Args:
        root: The schema that `$ref` leads into.
        limits: Bounds of what has none.
        spelling: How JSON is written.
        references: Gives the references to what has one of some types; None where there are none
            and strings mean what they say.
    """

    def __init__(
        self,
        root: Any,
        limits: GrammarLimits,
        spelling: Spelling,
        references: Callable[[frozenset[str]], Node] | None,
    ) -> None:
        self.root = root
        self.limits = limits
        self.spelling = spelling
        self._references = references
        self._anything: dict[int, Node] = {}
        self._known: dict[tuple[int, int], tuple[Any, Node]] = {}

    def value(self, schema: Any, depth: int) -> Node:
        """Values of a schema.

        Args:
            schema: The schema.
            depth: Most objects and lists inside each other.
        """
        key = (id(schema), depth)
        if key not in self._known:
            # The schema is kept as well, so that no other takes its place in memory.
            self._known[key] = (schema, self._value(schema, depth))
        return self._known[key][1]

    def _value(self, schema: Any, depth: int) -> Node:
        found = alternatives(schema, self.root, self.limits.depth)
        if found is None:
            return choice((self._mentioned(schema), self.referred(_ANY_TYPE)))
        if any(not each for each in found):
            return self._any_value(min(depth, self.limits.free_depth))
        options = [self.alternative(each, schema, depth) for each in found]
        types = frozenset().union(*(types_of(each) for each in found))
        return choice((*options, self.referred(types) if found else NOTHING))

    def object(
        self, schema: Any, depth: int, *, all_optional: bool = False, not_empty: bool = False
    ) -> Node:
        """Objects of a function's parameters: fields that the schema does not rule on are none.

        Args:
            schema: The schema.
            depth: Most objects and lists inside each other, this one included.
            all_optional: Whether required fields may be left out.
            not_empty: Whether it has a field.
        """
        found = alternatives(schema, self.root, self.limits.depth)
        if found is None:
            return self._mentioned(schema)
        found = [each if _rules_on_names(each) else _closed(each) for each in found]
        if all_optional:
            found = [{**each, "required": ()} for each in found]
        options = [
            self._mentioned(schema)
            if self.is_beyond(each, "object")
            else object_of(self, each, depth, not_empty=not_empty)
            for each in found
            if "object" in types_of(each)
        ]
        return choice(options)

    def literal(self, value: Any) -> Text:
        """Exactly this value."""
        written = to_json_value(value) if self._references is not None else value
        return text(self.spelling.spell(encode(written)))

    def alternative(self, schema: Mapping[str, Any], whole: Any, depth: int) -> Node:
        """Values of a schema without compositions.

        Args:
            schema: The schema.
            whole: The one that it is an alternative of, which mentions values.
            depth: Most objects and lists inside each other.
        """
        if "const" in schema or "enum" in schema:
            values = [schema["const"]] if "const" in schema else schema["enum"]
            types = types_of(schema) if set(schema) <= {"enum", "type"} else frozenset()
            kept = [v for v in _distinct(values) if type_of(v) in types or self._fits(schema, v)]
            return choice([self.literal(value) for value in kept])
        options = []
        types = types_of(schema)
        for kind in TYPES:
            if kind not in types or (kind == "integer" and "number" in types):
                continue
            if self.is_beyond(schema, kind):
                options.append(self._mentioned(whole, kind))
            else:
                options.append(self.of_type(kind, schema, depth))
        return choice(options)

    def of_type(self, kind: str, schema: Mapping[str, Any], depth: int) -> Node:
        """Values of one type of a schema without compositions."""
        limits = self.limits
        match kind:
            case "string":
                high = min(schema.get("maxLength", limits.characters), limits.characters)
                low = schema.get("minLength", 0)
                return NOTHING if low > high else self._string(low, high)
            case "integer" | "number":
                return self._number(kind, schema)
            case "boolean":
                return choice((self.json("true"), self.json("false")))
            case "null":
                return self.json("null")
            case "array":
                return array(self, schema, depth) if depth > 0 else NOTHING
        return object_of(self, schema, depth) if depth > 0 else NOTHING

    def _any_value(self, depth: int) -> Node:
        if depth not in self._anything:
            options = [
                self.of_type(kind, {}, 0) for kind in ("string", "number", "boolean", "null")
            ]
            if depth > 0:
                options += [self.of_type("array", {}, depth), self.of_type("object", {}, depth)]
            self._anything[depth] = choice((*options, self.referred(_ANY_TYPE)))
        return self._anything[depth]

    def _string(self, low: int, high: int) -> JsonString:
        return JsonString(low, high, self.spelling, self._references is not None)

    def _number(self, kind: str, schema: Mapping[str, Any]) -> Node:
        low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
        above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        if above is not None and above >= low:
            low = math.nextafter(above, math.inf)
        if below is not None and below <= high:
            high = math.nextafter(below, -math.inf)
        digits = self.limits.digits
        if "multipleOf" in schema:
            step = schema["multipleOf"]
            first = max(math.ceil(low / step), -_MOST_MULTIPLES // 2) if low > -math.inf else 0
            multiples = [step * i for i in range(first, first + _MOST_MULTIPLES)]
            return choice([self.literal(v) for v in multiples if self._fits(schema, v)])
        if kind == "integer":
            return integers(low, high, digits)
        return numbers(low, high, digits, self.limits.decimals)

    def json(self, json_text: str) -> Text:
        """A text of JSON, as it is written here."""
        return text(self.spelling.spell(json_text))

    def referred(self, types: frozenset[str]) -> Node:
        """References to what has one of some types."""
        return NOTHING if self._references is None else self._references(types)

    def is_beyond(self, schema: Mapping[str, Any], kind: str) -> bool:
        """Whether a schema says something of values of a type that no grammar here expresses."""
        return any(key in schema for key in (*_BEYOND["any"], *_BEYOND.get(kind, ())))

    def _mentioned(self, schema: Any, kind: str | None = None) -> Node:
        """The values that a schema mentions itself and that fit it."""
        if not isinstance(schema, Mapping):
            return NOTHING
        values = [schema["default"]] if "default" in schema else []
        examples = schema.get("examples")
        values += examples if isinstance(examples, list | tuple) else ()
        values += [schema["const"]] if "const" in schema else schema.get("enum", ())
        found = [
            self.literal(value)
            for value in _distinct(values)
            if (kind is None or kind in types_of({"const": value})) and self._fits(schema, value)
        ]
        return choice(found)

    def _fits(self, schema: Mapping[str, Any], value: Any) -> bool:
        """Whether a value can be written and fits, as far as that can be found out."""
        # jsonschema takes a tenth of a second to import.
        from granite_fc.calls.fit import value_problems

        try:
            encode(to_json_value(value))
            named = ("$defs", "definitions")
            known = {key: self.root[key] for key in named if key in (self.root or {})}
            return not value_problems({**known, **schema}, value, "")
        except Exception:  # a place in the schema that cannot be followed from here
            return False


def _distinct(values: Sequence[Any]) -> list[Any]:
    """The values that JSON has, each once."""
    found: dict[str, Any] = {}
    for value in values:
        with contextlib.suppress(TypeError, ValueError):
            found.setdefault(encode(value), value)
    return list(found.values())


def _rules_on_names(schema: Mapping[str, Any]) -> bool:
    rules = ("additionalProperties", "unevaluatedProperties", "patternProperties")
    return any(key in schema for key in rules)


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "additionalProperties": False}
