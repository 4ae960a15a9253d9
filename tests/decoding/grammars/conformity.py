"""Whether an answer is what its prompt allows, told without the grammar's code."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.execute import UnresolvedReferenceError, resolve
from granite_fc.calls.output_path import dead_end
from granite_fc.calls.reference import Reference, references_in
from granite_fc.calls.spec import FunctionSpec
from tasks.dialects import Dialect


def problems_of_calls(
    dialect: Dialect,
    text: str,
    functions: Sequence[FunctionSpec],
    shown: Sequence[Call] = (),
    results: Sequence[Any] = (),
) -> list[str]:
    """Returns what is wrong with calls as a text: how they are written, arguments, references."""
    parsed = dialect.parse_calls(text)
    if parsed.error is not None:
        return [parsed.error]
    problems = [f"text beside the calls: {parsed.text}"] if parsed.text else []
    specs = {spec.name: spec for spec in functions}
    known: dict[str, Any] = {}
    for index, call in enumerate(shown):
        if call.label is not None:
            result = results[index] if index < len(results) else None
            known[call.label] = (result,) if index < len(results) else specs.get(call.name)
    for call in parsed.calls:
        if call.name not in specs:
            problems.append(f"no function {call.name}")
            continue
        problems += specs[call.name].check_arguments(call.arguments)
        problems += _not_in_order(list(specs[call.name].properties), list(call.arguments))
        for reference in references_in(call.arguments):
            problems += _problems_of_reference(reference, known)
        if call.label in known:
            problems.append(f"{call.label} comes twice")
        if call.label is not None:
            known[call.label] = specs[call.name]
    return problems


def _not_in_order(properties: Sequence[str], given: Sequence[str]) -> list[str]:
    own = [name for name in given if name in properties]
    return [] if own == [name for name in properties if name in own] else [f"{given} out of order"]


def _problems_of_reference(reference: Reference, known: Mapping[str, Any]) -> list[str]:
    if reference.label not in known:
        return [f"{reference}: no such label"]
    source = known[reference.label]
    if isinstance(source, tuple):
        try:
            resolve(reference, {reference.label: source[0]})
        except UnresolvedReferenceError as error:
            return [str(error)]
        return []
    output = None if source is None else source.output
    found = None if output is None else dead_end(reference, output)
    return [] if found is None else [f"{reference}: the output has no {found}"]


@functools.lru_cache(maxsize=1)
def awkward_functions() -> tuple[FunctionSpec, ...]:
    """Functions with what JSON Schema has beyond types, some of it beyond grammars."""

    def spec(name: str, properties: Mapping[str, Any], **others: Any) -> FunctionSpec:
        output = others.pop("output", None)
        schema = {"type": "object", "properties": properties, **others}
        return FunctionSpec(name, "", schema, output)

    place = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 1, "maxLength": 12},
            "where.exactly": {"type": "array", "items": {"type": "number"}, "maxItems": 2},
            "tags$": {"type": ["string", "null"]},
        },
        "required": ["city"],
    }
    return (
        spec(
            "find_place",
            {
                "near": place,
                "kinds": {"type": "array", "items": {"enum": ["a", 'b"', "<tool_call>", 3, None]}},
                "limit": {"type": "integer", "minimum": -3, "maximum": 1200},
                "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
            },
            required=["limit"],
            output={
                "type": "object",
                "properties": {
                    "rows": {"type": "array", "items": place, "maxItems": 5},
                    "count": {"type": "integer"},
                    "open": {"type": "object"},
                },
            },
        ),
        spec(
            "tag",
            {
                "words": {
                    "type": "array",
                    "items": {"type": "string", "maxLength": 3},
                    "uniqueItems": True,
                    "minItems": 2,
                },
                "days": {"type": "array", "items": {"enum": [1, 2, 3]}, "uniqueItems": True},
                "step": {"type": "number", "multipleOf": 0.5, "minimum": 1},
                "zip": {"type": "string", "pattern": "^[0-9]{5}$", "default": "12345"},
                "either": {"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/place"}]},
                "one": {"oneOf": [{"type": "string"}, {"type": "array", "items": {}}]},
                "tree": {"$ref": "#/$defs/tree"},
            },
            required=["words", "zip"],
            **{
                "$defs": {
                    "place": place,
                    "tree": {
                        "type": "object",
                        "properties": {"left": {"$ref": "#/$defs/tree"}, "value": {}},
                        "required": ["value"],
                    },
                }
            },
        ),
        spec("store", {"data": {"type": "object"}, "anything": {}}, required=["data"]),
        spec("open_fields", {"id": {"const": "x"}}, additionalProperties={"type": "integer"}),
        spec(
            "check",
            {"was_open": {"type": "boolean"}, "counted": {"enum": [1, 2]}, "at": place},
            required=["was_open", "counted", "at"],
            output={
                "type": "object",
                "properties": {
                    "is_open": {"type": "boolean"},
                    "counts": {"type": "array", "items": {"type": "integer"}},
                    "at": place,
                },
            },
        ),
        spec("by_reference", {"x": {"type": "string", "pattern": "^a+$"}}, required=["x"]),
        spec("nothing", {}),
        spec("at_least_two", {"a": {}, "b": {}, "c": {"type": "null"}}, minProperties=2),
    )
