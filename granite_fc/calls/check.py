"""Whether calls fit the functions on offer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference, references_in
from granite_fc.calls.spec import FunctionSpec


def check_calls(graph: CallGraph, functions: Iterable[FunctionSpec]) -> list[str]:
    """Returns what is wrong with calls, one readable sentence each; nothing where they fit.

    Reported are functions that are not on offer, arguments that do not fit the parameters
    (`FunctionSpec.check_arguments`), and references to a field or an item that the output schema of
    the earlier call does not have. Where a schema leaves open what is there, so does this check;
    the results of earlier turns are not known here.

    Args:
        graph: The calls.
        functions: The functions on offer.
    """
    specs = {spec.name: spec for spec in functions}
    producers = {call.label: call for call in graph if call.label is not None}
    problems = []
    for index, call in enumerate(graph):
        problems += [
            f"call {index + 1} ({call.name}): {p}" for p in _problems(call, specs, producers)
        ]
    return problems


def _problems(
    call: Call, specs: Mapping[str, FunctionSpec], producers: Mapping[str, Call]
) -> Iterator[str]:
    if call.name in specs:
        yield from specs[call.name].check_arguments(call.arguments)
    else:
        yield "no such function on offer"
    for reference in references_in(call.arguments):
        producer = producers.get(reference.label)
        if producer is None or producer.name not in specs:
            continue
        schema = specs[producer.name].output
        if schema is not None and (step := _dead_end(reference, schema)) is not None:
            yield f"{reference}: the output of {producer.name} has no {step}"


def _dead_end(reference: Reference, schema: Any) -> str | None:
    """Returns the first part of a reference that the schema rules out, or None."""
    for depth, entry in enumerate(reference.path):
        schema = _inside(schema, entry)
        if schema is False:
            return ".".join(str(entry) for entry in reference.path[: depth + 1])
    return None


def _inside(schema: Any, entry: str | int) -> Any:
    """Returns the schema of a field or item: True admits anything there, False nothing."""
    if not isinstance(schema, Mapping):
        return schema
    if "type" not in schema:
        return _field(schema, str(entry)) if "properties" in schema else True
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "object" in types:
        return _field(schema, str(entry))
    if "array" in types and isinstance(entry, int):
        first = schema.get("prefixItems", [])
        return first[entry] if entry < len(first) else schema.get("items", True)
    return False


def _field(schema: Mapping[str, Any], name: str) -> Any:
    """Returns the schema of a field; named properties are all, unless the schema says more."""
    properties = schema.get("properties")
    if properties and name in properties:
        return properties[name]
    if any(key in schema for key in ("patternProperties", "allOf", "anyOf", "oneOf", "$ref")):
        return True
    return schema.get("additionalProperties", not properties)
