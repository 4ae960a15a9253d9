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
from granite_fc.decoding.grammars.multiples import multiples
from granite_fc.decoding.grammars.numbers import integers, numbers
from granite_fc.decoding.grammars.objects import object_of
from granite_fc.decoding.grammars.patterns import matching_string
from granite_fc.decoding.grammars.samples import samples
from granite_fc.decoding.grammars.texts import (
    NOTHING,
    Node,
    Text,
    choice,
    text,
)

_ANY_TYPE = frozenset(TYPES)
# What of a type's keywords no grammar here expresses: then there are some values that fit.
_BEYOND = {
    "any": ("not", "if", "$dynamicRef"),
    "array": ("contains", "unevaluatedItems"),
    "object": ("propertyNames", "dependentSchemas"),
}
_DEPTH_OF_SAMPLES = 4
_COMPOSITIONS = ("allOf", "anyOf", "oneOf", "$ref")


class Values:
    """Writes sets of values.

    What a schema says is kept to, or more is kept to than it says: whatever it writes fits. Where a
    keyword cannot be expressed (`not`, `if`, `contains`, ...), the values are some that fit: those
    that the schema itself mentions (`default`, `examples`) and usual ones; and references.

    Attributes:
        root: The schema that `$ref` leads into.
        limits: Bounds of what has none.
        spelling: How JSON is written.
        narrowed: The keywords for which more is kept to than they say.

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
        self.narrowed: set[str] = set()
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
            self._narrow(schema, _COMPOSITIONS)
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
            self._narrow(schema, _COMPOSITIONS)
            return self._mentioned(schema, not_empty=not_empty)
        found = [each if _rules_on_names(each) else _closed(each) for each in found]
        if all_optional:
            found = [{**each, "required": ()} for each in found]
        options = [
            self._mentioned(schema, not_empty=not_empty)
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
                found = self.of_type(kind, schema, depth)
                is_none = found is NOTHING and (depth > 0 or kind not in ("array", "object"))
                options.append(self._mentioned(whole, kind) if is_none else found)
        return choice(options)

    def of_type(self, kind: str, schema: Mapping[str, Any], depth: int) -> Node:
        """Values of one type of a schema without compositions; none where there is no grammar."""
        limits = self.limits
        match kind:
            case "string":
                low = schema.get("minLength", 0)
                if "pattern" in schema:
                    return self._matching_string(schema, low)
                high = min(schema.get("maxLength", math.inf), max(limits.characters, low))
                return NOTHING if low > high else self._string(low, int(high))
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
            return self._multiples(kind, schema, low, high)
        if kind == "integer":
            return integers(low, high, digits)
        return numbers(low, high, digits, self.limits.decimals)

    def _matching_string(self, schema: Mapping[str, Any], low: int) -> Node:
        found = matching_string(
            schema["pattern"],
            low,
            schema.get("maxLength", math.inf),
            self.limits.characters,
            self.spelling,
            self._references is not None,
        )
        node, is_narrowed = found or (NOTHING, True)
        if is_narrowed:
            self.narrowed.add("pattern")
        return node

    def _multiples(self, kind: str, schema: Mapping[str, Any], low: float, high: float) -> Node:
        found, is_narrowed = multiples(kind, schema["multipleOf"], low, high, self.limits.digits)
        if is_narrowed:
            self.narrowed.add("multipleOf")
        if isinstance(found, list):
            return choice([self.literal(value) for value in found if self._fits(schema, value)])
        return found

    def json(self, json_text: str) -> Text:
        """A text of JSON, as it is written here."""
        return text(self.spelling.spell(json_text))

    def referred(self, types: frozenset[str]) -> Node:
        """References to what has one of some types."""
        return NOTHING if self._references is None else self._references(types)

    def is_beyond(self, schema: Mapping[str, Any], kind: str) -> bool:
        """Whether a schema says something of values of a type that no grammar here expresses."""
        beyond = (*_BEYOND["any"], *_BEYOND.get(kind, ()))
        self._narrow(schema, beyond)
        return any(key in schema for key in beyond)

    def _narrow(self, schema: Any, keywords: Sequence[str]) -> None:
        if isinstance(schema, Mapping):
            self.narrowed.update(key for key in keywords if key in schema)

    def _mentioned(self, schema: Any, kind: str | None = None, *, not_empty: bool = False) -> Node:
        """Some values that fit a schema."""
        found = [
            self.literal(value)
            for value in _distinct(samples(schema, self.root, _DEPTH_OF_SAMPLES, self._fits))
            if (kind is None or kind in types_of({"const": value})) and (value or not not_empty)
        ]
        return choice(found)

    def _fits(self, schema: Any, value: Any) -> bool:
        """Whether a value can be written and fits, as far as that can be found out."""
        # jsonschema takes a tenth of a second to import.
        from granite_fc.calls.fit import value_problems

        try:
            encode(to_json_value(value))
            named = ("$defs", "definitions")
            known = {key: self.root[key] for key in named if key in (self.root or {})}
            whole = {**known, **schema} if isinstance(schema, Mapping) else schema
            return not value_problems(whole, value, "")
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
