from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.execute import (
    ExecutionError,
    UnresolvedReferenceError,
    execute,
    resolve,
)
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from tests.calls.strategies import graphs, json_values, typed


def ref(number: int, *path: str | int) -> Reference:
    return Reference(f"$var_{number}", path)


HOTELS = {"results": [{"name": "Alpha", "price": 80}, {"name": "Beta", "price": 95}], "0": "zero"}


def test_outputs_flow_into_arguments():
    def find(city: str) -> dict:
        return {"results": [{"name": f"{city} Inn", "price": 80}]}

    def book(hotel: str, nights: int) -> dict:
        return {"code": f"{hotel}/{nights}"}

    graph = CallGraph(
        [
            Call("find", {"city": "Bern"}, "$var_1"),
            Call("book", {"nights": 2, "hotel": ref(1, "results", 0, "name")}, "$var_2"),
            Call("send", {"to": [{"code": ref(2, "code"), "all": ref(1)}], "from": ref(0, "user")}),
        ],
        known_labels={"$var_0"},
    )
    functions = {"find": find, "book": book, "send": lambda **arguments: arguments}
    assert execute(graph, functions, {"$var_0": {"user": "Ann"}}) == [
        {"results": [{"name": "Bern Inn", "price": 80}]},
        {"code": "Bern Inn/2"},
        {
            "to": [{"code": "Bern Inn/2", "all": {"results": [{"name": "Bern Inn", "price": 80}]}}],
            "from": "Ann",
        },
    ]


def test_nothing_to_execute():
    assert execute(CallGraph(), {}) == []


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        (ref(1), HOTELS),
        (ref(1, "results", 1), {"name": "Beta", "price": 95}),
        (ref(1, "results", "1", "name"), "Beta"),
        (ref(1, 0), "zero"),
        (ref(1, "results", 0, "price"), 80),
    ],
)
def test_references_lead_into_results(reference, found):
    value = {"a": [reference, {"b": "$var_1.x$"}], "c": None}
    assert resolve(value, {"$var_1": HOTELS}) == {"a": [found, {"b": "$var_1.x$"}], "c": None}


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (ref(2), "no result is labelled $var_2; there are: $var_1"),
        (ref(1, "hits"), "$var_1$ has no field 'hits'; there are: results, 0"),
        (ref(1, "results", 2), "$var_1.results$ has 2 items, none at index 2"),
        (ref(1, "results", "name"), "$var_1.results$ is a list, 'name' is no index"),
        (ref(1, "results", 0, "name", 0), "$var_1.results.0.name$ is 'Alpha', which has neither"),
        (ref(1, "results", 0, "price", "x"), "$var_1.results.0.price$ is 80, which has neither"),
    ],
)
def test_references_that_lead_to_nothing(reference, reason):
    with pytest.raises(UnresolvedReferenceError) as error:
        resolve([reference], {"$var_1": HOTELS})
    assert str(error.value).startswith(str(reference))
    assert reason in str(error.value)


@given(json_values)
def test_values_without_references_are_copied(value):
    assert typed(resolve(value, {})) == typed(value)


def test_the_error_names_call_and_reason():
    def fail(x: int) -> None:
        raise KeyError("no room")

    graph = CallGraph([Call("ok", {}, "$var_1"), Call("fail", {"x": ref(1)})])
    with pytest.raises(ExecutionError) as error:
        execute(graph, {"ok": lambda: 7, "fail": fail})
    assert str(error.value) == "call 2 (fail): KeyError: 'no room'"
    assert (error.value.index, error.value.name) == (1, "fail")
    assert error.value.results == (7,)
    assert isinstance(error.value.__cause__, KeyError)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (Call("missing"), "call 1 (missing): no such function; there are: f"),
        (Call("f", {"y": 1}), "call 1 (f): TypeError:"),
        (Call("f"), "call 1 (f): TypeError:"),
        (Call("f", {"x": ref(9, "a")}), "call 1 (f): $var_9.a$: no result is labelled $var_9"),
    ],
)
def test_calls_that_cannot_be_executed(call, reason):
    with pytest.raises(ExecutionError) as error:
        execute(CallGraph([call], known_labels={"$var_9"}), {"f": lambda x: x})
    assert str(error.value).startswith(reason)


def test_what_cannot_be_copied_is_no_result():
    with pytest.raises(ExecutionError, match="TypeError: cannot pickle 'generator'"):
        execute(CallGraph([Call("f")]), {"f": lambda: (i for i in range(3))})


def test_functions_cannot_change_what_others_see():
    shelf = {"items": [1]}

    def spoil(value: dict, own: list) -> int:
        value["items"].append(99)
        own.append(99)
        return len(own)

    own = [1]
    graph = CallGraph(
        [
            Call("read", {}, "$var_1"),
            Call("spoil", {"value": ref(1), "own": own}),
            Call("spoil", {"value": ref(0), "own": own}),
            Call("echo", {"value": ref(1)}),
            Call("read"),
        ],
        known_labels={"$var_0"},
    )
    earlier = {"$var_0": {"items": [0]}}
    functions = {"read": lambda: shelf, "spoil": spoil, "echo": lambda value: value}
    results = execute(graph, functions, earlier)
    assert results == [{"items": [1]}, 2, 2, {"items": [1]}, {"items": [1]}]
    assert earlier == {"$var_0": {"items": [0]}}
    assert own == [1]
    results[4]["items"].append(5)
    assert shelf == {"items": [1]}


@settings(max_examples=50)
@given(graphs(), st.data())
def test_every_order_gives_every_call_the_same_result(graph, data):
    def function(**arguments):
        return {"a": arguments, "0": [arguments]}

    functions = {"f": function, "g": lambda **arguments: {"a": "g", "0": arguments}}
    earlier = {"$var_99": {"a": "earlier"}}
    expected = execute(graph, functions, earlier)
    order = data.draw(st.sampled_from(list(graph.topological_orders(20))))
    again = execute(graph.reordered(order), functions, earlier)
    assert again == [expected[i] for i in order]
