"""Lists that fit a JSON Schema, as a set of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from granite_fc.decoding.grammars.alternatives import TYPES, alternatives, types_of
from granite_fc.decoding.grammars.json_strings import JsonString
from granite_fc.decoding.grammars.texts import NOTHING, FreshKey, Node, choice, repeat, sequence

if TYPE_CHECKING:
    from granite_fc.decoding.grammars.values import Values

# Lists of values that differ take two to the power of their number of nodes in any order.
_MOST_IN_ANY_ORDER = 6


def array(values: Values, schema: Mapping[str, Any], depth: int) -> Node:
    """Lists of a schema without compositions.

    Items that have to differ are strings, or values that the schema lists: six of these at most in
    any order, more in that of the schema. Of others there is one item at most, or references, or
    some lists that fit where there have to be more.

    Args:
        values: Writes the items.
        schema: The schema.
        depth: Most objects and lists inside each other, this one included.
    """
    low = schema.get("minItems", 0)
    high = min(schema.get("maxItems", values.limits.items), max(values.limits.items, low))
    if low > high:
        return NOTHING
    separator, end = values.json(", "), values.json("]")
    first = schema.get("prefixItems", ())[:high]
    others = values.value(schema.get("items", True), depth - 1) if high > len(first) else NOTHING
    if schema.get("uniqueItems"):
        if first and high > 0:
            values.narrowed.add("uniqueItems")
        inside = NOTHING if first else _different(values, schema.get("items", True), low, high)
        return sequence(values.json("["), inside)
    if others is NOTHING:
        high = min(high, len(first))
    if low > high:
        return NOTHING
    # From the last item to the first: what may follow after each.
    following = repeat(sequence(separator, others), low - max(len(first), 1), high - len(first))
    tail = sequence(following, end)
    nodes = [values.value(item, depth - 1) for item in first]
    if not nodes:
        if high == 0:
            return values.json("[]")
        rest = repeat(sequence(separator, others), max(low - 1, 0), high - 1)
        full = sequence(values.json("["), others, rest, end)
        return choice((full, values.json("[]"))) if low == 0 else full
    for index in reversed(range(len(nodes))):
        item = sequence(separator, nodes[index]) if index else nodes[index]
        tail = sequence(item, tail)
        if index >= low:
            tail = choice((end, tail))
    return sequence(values.json("["), tail)


def _different(values: Values, items: Any, low: int, high: int) -> Node:
    """The rest of a list of items that differ, from its first one on."""
    end, separator = values.json("]"), values.json(", ")
    found = alternatives(items, values.root, values.limits.depth)
    if found and all("enum" in each or "const" in each for each in found):
        return _each_once(values, [values.alternative(each, items, 0) for each in found], low, high)
    options: list[Node] = [end] if low == 0 else []
    referred = values.referred(
        frozenset().union(*(types_of(each) for each in found)) if found else frozenset(TYPES)
    )
    only = found[0] if found and len(found) == 1 else {}
    is_string = types_of(only) == {"string"}
    if high > 1 and (not is_string or "pattern" in only):
        values.narrowed.add("uniqueItems")
    if low <= 1 <= high:
        options.append(sequence(values.value(items, values.limits.free_depth), end))
    if is_string and high > 1:
        string = values.of_type("string", only, 0)
        if isinstance(string, JsonString) and not values.is_beyond(only, "string"):
            options.append(_strings_once(values, string, frozenset(), low, high))
    elif high > 1 and referred is not NOTHING:
        more = repeat(sequence(separator, referred), max(low - 1, 1), high - 1)
        options.append(sequence(referred, more, end))
    return choice(options)


def _strings_once(
    values: Values, string: JsonString, taken: frozenset[bytes], low: int, high: int
) -> Node:
    count = len(taken)
    end, separator = values.json("]"), values.json(", ")

    def then(written: bytes) -> Node:
        more = NOTHING
        if count + 1 < high:
            following = _strings_once(values, string, taken | {written}, low, high)
            more = sequence(separator, following)
        return choice((end, more)) if count + 1 >= low else more

    again = NOTHING
    if count + 1 < high:
        named = JsonString(max(string.low, 1), string.high, string.spelling, string.is_literal)
        again = repeat(sequence(separator, named), max(low - count - 1, 0), high - count - 1)
    return FreshKey(string, taken, then, sequence(again, end))


def _each_once(values: Values, groups: Sequence[Node], low: int, high: int) -> Node:
    items = [item for group in groups for item in getattr(group, "options", (group,))]
    end, separator = values.json("]"), values.json(", ")
    in_any_order = len(items) <= _MOST_IN_ANY_ORDER
    if not in_any_order:
        values.narrowed.add("uniqueItems")
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
