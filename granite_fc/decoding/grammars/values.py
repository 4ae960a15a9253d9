"""Values that fit a JSON Schema, references among them, as a set of texts."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from granite_fc.calls.reference import to_json_value
from granite_fc.calls.strict_json import encode
from granite_fc.decoding.grammars.alternatives import TYPES, alternatives, type_of, types_of
from granite_fc.decoding.grammars.json_strings import JsonString, Spelling
from granite_fc.decoding.grammars.limits import GrammarLimits
from granite_fc.decoding.grammars.numbers import integers, numbers
from granite_fc.decoding.grammars.texts import (
    NOTHING,
    FreshKey,
    Lexeme,
    Node,
    Text,
    choice,
    repeat,
    sequence,
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
# Lists of values that differ take two to the power of their number of nodes in any order.
_MOST_IN_ANY_ORDER = 6


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


class Values:
    """Writes sets of values.

    What a schema says is kept to, or more is kept to than it says: whatever it writes fits. Where a
    keyword cannot be expressed (`pattern`, `not`, `if`, `contains`, ...), the values are those that
    the schema itself mentions and that fit (`default`, `examples`), and references.

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
        self._root = root
        self._limits = limits
        self._spelling = spelling
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
        found = alternatives(schema, self._root, self._limits.depth)
        if found is None:
            return choice((self._mentioned(schema), self._referred(_ANY_TYPE)))
        if any(not each for each in found):
            return self._any_value(min(depth, self._limits.free_depth))
        options = [self._alternative(each, schema, depth) for each in found]
        types = frozenset().union(*(types_of(each) for each in found))
        return choice((*options, self._referred(types) if found else NOTHING))

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
        found = alternatives(schema, self._root, self._limits.depth)
        if found is None:
            return self._mentioned(schema)
        found = [each if _rules_on_names(each) else _closed(each) for each in found]
        if all_optional:
            found = [{**each, "required": ()} for each in found]
        options = [
            self._mentioned(schema)
            if self._is_beyond(each, "object")
            else self._object(each, depth, not_empty=not_empty)
            for each in found
            if "object" in types_of(each)
        ]
        return choice(options)

    def literal(self, value: Any) -> Text:
        """Exactly this value."""
        written = to_json_value(value) if self._references is not None else value
        return text(self._spelling.spell(encode(written)))

    def _alternative(self, schema: Mapping[str, Any], whole: Any, depth: int) -> Node:
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
            if self._is_beyond(schema, kind):
                options.append(self._mentioned(whole, kind))
            else:
                options.append(self._of_type(kind, schema, depth))
        return choice(options)

    def _of_type(self, kind: str, schema: Mapping[str, Any], depth: int) -> Node:
        limits = self._limits
        match kind:
            case "string":
                high = min(schema.get("maxLength", limits.characters), limits.characters)
                low = schema.get("minLength", 0)
                return NOTHING if low > high else self._string(low, high)
            case "integer" | "number":
                return self._number(kind, schema)
            case "boolean":
                return choice((self._json("true"), self._json("false")))
            case "null":
                return self._json("null")
            case "array":
                return self._array(schema, depth) if depth > 0 else NOTHING
        return self._object(schema, depth) if depth > 0 else NOTHING

    def _any_value(self, depth: int) -> Node:
        if depth not in self._anything:
            options = [
                self._of_type(kind, {}, 0) for kind in ("string", "number", "boolean", "null")
            ]
            if depth > 0:
                options += [self._of_type("array", {}, depth), self._of_type("object", {}, depth)]
            self._anything[depth] = choice((*options, self._referred(_ANY_TYPE)))
        return self._anything[depth]

    def _string(self, low: int, high: int) -> JsonString:
        return JsonString(low, high, self._spelling, self._references is not None)

    def _number(self, kind: str, schema: Mapping[str, Any]) -> Node:
        low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
        above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        if above is not None and above >= low:
            low = math.nextafter(above, math.inf)
        if below is not None and below <= high:
            high = math.nextafter(below, -math.inf)
        digits = self._limits.digits
        if "multipleOf" in schema:
            step = schema["multipleOf"]
            first = max(math.ceil(low / step), -_MOST_MULTIPLES // 2) if low > -math.inf else 0
            multiples = [step * i for i in range(first, first + _MOST_MULTIPLES)]
            return choice([self.literal(v) for v in multiples if self._fits(schema, v)])
        if kind == "integer":
            return integers(low, high, digits)
        return numbers(low, high, digits, self._limits.decimals)

    def _array(self, schema: Mapping[str, Any], depth: int) -> Node:
        low = schema.get("minItems", 0)
        high = min(schema.get("maxItems", self._limits.items), self._limits.items)
        if low > high:
            return NOTHING
        separator, end = self._json(", "), self._json("]")
        first = schema.get("prefixItems", ())[:high]
        others = self.value(schema.get("items", True), depth - 1) if high > len(first) else NOTHING
        if schema.get("uniqueItems"):
            inside = NOTHING if first else self._different(schema.get("items", True), low, high)
            return sequence(self._json("["), inside)
        if others is NOTHING:
            high = min(high, len(first))
        if low > high:
            return NOTHING
        # From the last item to the first: what may follow after each.
        following = repeat(sequence(separator, others), low - max(len(first), 1), high - len(first))
        tail = sequence(following, end)
        nodes = [self.value(item, depth - 1) for item in first]
        if not nodes:
            if high == 0:
                return self._json("[]")
            rest = repeat(sequence(separator, others), max(low - 1, 0), high - 1)
            full = sequence(self._json("["), others, rest, end)
            return choice((full, self._json("[]"))) if low == 0 else full
        for index in reversed(range(len(nodes))):
            item = sequence(separator, nodes[index]) if index else nodes[index]
            tail = sequence(item, tail)
            if index >= low:
                tail = choice((end, tail))
        return sequence(self._json("["), tail)

    def _different(self, items: Any, low: int, high: int) -> Node:
        """The rest of a list of items that differ, from its first one on."""
        end, separator = self._json("]"), self._json(", ")
        found = alternatives(items, self._root, self._limits.depth)
        if found and all("enum" in each or "const" in each for each in found):
            return self._each_once([self._alternative(each, items, 0) for each in found], low, high)
        options: list[Node] = [end] if low == 0 else []
        referred = self._referred(
            frozenset().union(*(types_of(each) for each in found)) if found else _ANY_TYPE
        )
        if low <= 1 <= high:
            options.append(sequence(self.value(items, self._limits.free_depth), end))
        if found and len(found) == 1 and types_of(found[0]) == {"string"} and high > 1:
            string = self._of_type("string", found[0], 0)
            if isinstance(string, JsonString) and not self._is_beyond(found[0], "string"):
                options.append(self._strings_once(string, frozenset(), low, high))
        elif high > 1 and referred is not NOTHING:
            more = repeat(sequence(separator, referred), max(low - 1, 1), high - 1)
            options.append(sequence(referred, more, end))
        return choice(options)

    def _strings_once(
        self, string: JsonString, taken: frozenset[bytes], low: int, high: int
    ) -> Node:
        count = len(taken)
        end, separator = self._json("]"), self._json(", ")

        def then(written: bytes) -> Node:
            more = NOTHING
            if count + 1 < high:
                following = self._strings_once(string, taken | {written}, low, high)
                more = sequence(separator, following)
            return choice((end, more)) if count + 1 >= low else more

        again = NOTHING
        if count + 1 < high:
            named = JsonString(max(string.low, 1), string.high, string.spelling, string.is_literal)
            again = repeat(sequence(separator, named), max(low - count - 1, 0), high - count - 1)
        return FreshKey(string, taken, then, sequence(again, end))

    def _each_once(self, groups: Sequence[Node], low: int, high: int) -> Node:
        items = [item for group in groups for item in getattr(group, "options", (group,))]
        end, separator = self._json("]"), self._json(", ")
        in_any_order = len(items) <= _MOST_IN_ANY_ORDER
        known: dict[tuple[frozenset[int], int], Node] = {}

        def after(left: frozenset[int], count: int) -> Node:
            if (left, count) not in known:
                options: list[Node] = [end] if count >= low else []
                if count < high:
                    for index in sorted(left):
                        others = left - {index}
                        if not in_any_order:
                            others = frozenset(i for i in left if i > index)
                        item = sequence(separator, items[index]) if count else items[index]
                        options.append(sequence(item, after(others, count + 1)))
                known[left, count] = choice(options)
            return known[left, count]

        return after(frozenset(range(len(items))), 0)

    def _object(self, schema: Mapping[str, Any], depth: int, *, not_empty: bool = False) -> Node:
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
        value = self._value_of_others(schema, properties, required, depth)
        if len(properties) > most or (value is None and required - set(properties)):
            return NOTHING
        room = min(self._limits.free_fields, most - len(properties))
        # What the schema names is no other name, even where it is left out here.
        named = frozenset(self._key(name) for name in schema.get("properties") or ())
        others = None if value is None or room < 1 else _Others(value, int(room), named)
        # Of several objects none may begin with more than a brace as one lexeme.
        brace = Lexeme(self._json("{"))
        return sequence(
            brace, self._fields(list(properties.items()), required, depth, others, least)
        )

    def _value_of_others(
        self,
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
        value = self.value(stated, min(depth - 1, self._limits.free_depth))
        return None if value is NOTHING else value

    def _fields(
        self,
        properties: Sequence[tuple[str, Any]],
        required: set[str],
        depth: int,
        others: _Others | None,
        least: int,
    ) -> Node:
        """The fields of an object, in the order of the schema, and its end."""
        written = {name: self.literal_key(name) for name, _ in properties}
        values = {name: self.value(schema, depth - 1) for name, schema in properties}
        known: dict[tuple[int, int], Node] = {}

        def after(index: int, count: int) -> Node:
            # Beyond `least` the number of fields is of no interest.
            count = min(count, max(least, 1))
            if (index, count) not in known:
                known[index, count] = fields(index, count)
            return known[index, count]

        def fields(index: int, count: int) -> Node:
            if index == len(properties):
                end = self._json("}") if count >= least else NOTHING
                return end if others is None else choice((end, self._free(others, count, least)))
            name = properties[index][0]
            # Beside any name, the separator is a lexeme of its own.
            comma = self._json(", ") if others is None else Lexeme(self._json(", "))
            separator = comma if count else text("")
            following = after(index + 1, count + 1)
            with_field = sequence(separator, written[name], values[name], following)
            return with_field if name in required else choice((with_field, after(index + 1, count)))

        return after(0, 0)

    def _free(self, others: _Others, count: int, least: int) -> Node:
        """Fields that no schema names, at least one, and the end of the object.

        An empty name can only be the first of them.
        """
        value, room, taken = others
        key = JsonString(0, self._limits.characters, self._spelling, is_literal=False)
        colon, separator, end = self._json(": "), self._json(", "), self._json("}")

        def then(written: bytes) -> Node:
            more = NOTHING
            if room > 1:
                rest = _Others(value, room - 1, taken | {written})
                more = self._free(rest, count + 1, least)
            options = (end if count + 1 >= least else NOTHING, more)
            return sequence(colon, value, choice(options))

        named = JsonString(1, self._limits.characters, self._spelling, is_literal=False)
        again = repeat(
            sequence(separator, named, colon, value), max(least - count - 1, 0), room - 1
        )
        fresh = FreshKey(key, taken, then, sequence(colon, value, again, end))
        return sequence(Lexeme(separator), fresh) if count else fresh

    def literal_key(self, name: str) -> Text:
        """The name of a field, with what stands between it and the value."""
        return text(self._spelling.spell(json.dumps(name, ensure_ascii=False)) + ": ")

    def _key(self, name: str) -> bytes:
        return self._spelling.spell(json.dumps(name, ensure_ascii=False)).encode()

    def _json(self, json_text: str) -> Text:
        return text(self._spelling.spell(json_text))

    def _referred(self, types: frozenset[str]) -> Node:
        return NOTHING if self._references is None else self._references(types)

    def _is_beyond(self, schema: Mapping[str, Any], kind: str) -> bool:
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
            known = {key: self._root[key] for key in named if key in (self._root or {})}
            return not value_problems({**known, **schema}, value, "")
        except Exception:  # a place in the schema that cannot be followed from here
            return False


def _distinct(values: Sequence[Any]) -> list[Any]:
    return list({encode(value): value for value in values}.values())


def _rules_on_names(schema: Mapping[str, Any]) -> bool:
    rules = ("additionalProperties", "unevaluatedProperties", "patternProperties")
    return any(key in schema for key in rules)


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "additionalProperties": False}
