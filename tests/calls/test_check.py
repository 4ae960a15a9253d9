from __future__ import annotations

import pytest

from granite_fc.calls.call import Call
from granite_fc.calls.check import check_calls
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from granite_fc.calls.spec import FunctionSpec

HOTEL = {"type": "object", "properties": {"name": {"type": "string"}, "extra": {}}}
FIND = FunctionSpec(
    "find",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    output={
        "type": "object",
        "properties": {
            "results": {"type": "array", "items": HOTEL},
            "place": {"type": "array", "prefixItems": [{"type": "number"}], "items": False},
            "open": {"type": "object"},
            "free": {"type": ["object", "null"], "additionalProperties": {"type": "integer"}},
            "either": {"anyOf": [{"type": "string"}, {"type": "object"}]},
            "untyped": {"properties": {"a": {}}},
            "count": {"type": "integer"},
        },
    },
)
BOOK = FunctionSpec("book", parameters={"type": "object", "properties": {"x": {"type": "string"}}})


def problems(*path: str | int) -> list[str]:
    calls = [
        Call("find", {"city": "Bern"}, "$var_1"),
        Call("book", {"x": Reference("$var_1", path)}, "$var_2"),
        Call("book", {"x": Reference("$var_2", ("anything", 0))}),
    ]
    return check_calls(CallGraph(calls), [FIND, BOOK])


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("results",),
        ("results", 3, "name"),
        ("results", 3, "extra", "deep", 0),
        ("place", 0),
        ("open", "x", 1),
        ("free", "x"),
        ("either", "x"),
        ("untyped", "a", "b"),
        ("count",),
    ],
)
def test_references_that_the_output_schema_admits(path):
    assert problems(*path) == []


@pytest.mark.parametrize(
    ("path", "step"),
    [
        (("hotels",), "hotels"),
        (("results", "name"), "results.name"),
        (("results", 0, "price", "eur"), "results.0.price"),
        (("results", 0, "name", 0), "results.0.name.0"),
        (("place", 1), "place.1"),
        (("free", "x", "y"), "free.x.y"),
        (("untyped", "b"), "untyped.b"),
        (("count", "x"), "count.x"),
    ],
)
def test_references_that_the_output_schema_rules_out(path, step):
    written = Reference("$var_1", path)
    assert problems(*path) == [f"call 2 (book): {written}: the output of find has no {step}"]


def test_functions_and_arguments():
    graph = CallGraph(
        [Call("find", {"town": "Bern"}), Call("fly", {"x": 1}), Call("book", {"x": 1})]
    )
    assert check_calls(graph, [FIND, BOOK]) == [
        "call 1 (find): 'city' is required and missing",
        "call 1 (find): 'town' is unexpected; known are: city",
        "call 2 (fly): no such function on offer",
        "call 3 (book): x: expected string, found 1",
    ]
    assert check_calls(CallGraph(), []) == []


def test_earlier_turns_are_not_known_here():
    call = Call("book", {"x": Reference("$var_9", ("a",))})
    assert check_calls(CallGraph([call], known_labels={"$var_9"}), [BOOK]) == []
