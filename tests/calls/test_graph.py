from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings

from granite_fc.calls.call import NO_CALL, Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference, references_in
from tests.calls.strategies import graphs


def ref(number: int, *path: str | int) -> Reference:
    return Reference(f"$var_{number}", path)


DIAMOND = CallGraph(
    [
        Call("a", {}, "$var_1"),
        Call("b", {"x": ref(1, "p")}, "$var_2"),
        Call("c", {"x": [{"y": ref(1)}], "z": ref(1, 0)}, "$var_3"),
        Call("d", {"x": ref(2), "y": {"z": ref(3)}}),
    ]
)


def test_shape_of_a_diamond():
    assert len(DIAMOND) == 4
    assert DIAMOND.names == ("a", "b", "c", "d")
    assert DIAMOND.labels == ("$var_1", "$var_2", "$var_3")
    assert [call.name for call in DIAMOND] == ["a", "b", "c", "d"]
    assert DIAMOND[2].name == "c"
    assert DIAMOND.dependencies() == [set(), {0}, {0}, {1, 2}]
    assert DIAMOND.is_nested
    assert not DIAMOND.is_parallel
    assert list(DIAMOND.topological_orders()) == [(0, 1, 2, 3), (0, 2, 1, 3)]


@pytest.mark.parametrize(
    ("calls", "nested", "parallel"),
    [
        ([], False, False),
        ([Call("a")], False, False),
        ([Call("a"), Call("a")], False, True),
        ([Call("a", {}, "$var_1"), Call("b", {"x": ref(1)})], True, False),
        ([Call("a", {"x": ref(9)}), Call("b", {"x": ref(9)})], False, True),
    ],
)
def test_nested_and_parallel(calls, nested, parallel):
    graph = CallGraph(calls, known_labels={"$var_9"})
    assert (graph.is_nested, graph.is_parallel) == (nested, parallel)


@settings(max_examples=60)
@given(graphs())
def test_orders_are_those_permutations_that_keep_every_reference_backward(graph):
    def is_executable(order: tuple[int, ...]) -> bool:
        seen = {"$var_99"}
        for index in order:
            if any(r.label not in seen for r in references_in(graph[index].arguments)):
                return False
            seen.add(graph[index].label)
        return True

    expected = [o for o in itertools.permutations(range(len(graph))) if is_executable(o)]
    orders = list(graph.topological_orders())
    assert orders == expected
    assert orders[0] == tuple(range(len(graph)))
    assert list(graph.topological_orders(3)) == expected[:3]
    for order in orders:
        assert [call.label for call in graph.reordered(order)] == [graph[i].label for i in order]


def test_orders_of_many_calls_are_made_one_by_one():
    graph = CallGraph([Call("f")] * 20)
    assert len(list(graph.topological_orders(limit=5))) == 5
    assert list(graph.topological_orders(limit=0)) == []


def test_dependencies_cannot_be_spoiled():
    DIAMOND.dependencies()[3].clear()
    assert DIAMOND.dependencies()[3] == {1, 2}


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        ([Call("a", {"x": ref(1)})], "call 1 (a) refers to $var_1, which no earlier call"),
        ([Call("a", {"x": ref(1)}, "$var_1")], "call 1 (a) refers to $var_1"),
        ([Call("a", {"x": [ref(1)]}), Call("b", {}, "$var_1")], "call 1 (a) refers to $var_1"),
        ([Call("a", {}, "$var_1"), Call("b", {}, "$var_1")], "call 2 (b) has the label $var_1"),
        ([Call("a", {}, "$var_9")], "call 1 (a) has the label $var_9 of an earlier call"),
        ([Call("a"), NO_CALL], "call 2 is no_function"),
    ],
)
def test_refuses_what_cannot_be_executed(calls, reason):
    with pytest.raises(ValueError) as error:
        CallGraph(calls, known_labels={"$var_9"})
    assert reason in str(error.value)


def test_refuses_orders_that_are_none():
    with pytest.raises(ValueError, match="does not have each of 4 calls once"):
        DIAMOND.reordered((0, 1, 2, 2))
    with pytest.raises(ValueError, match="refers to"):
        DIAMOND.reordered((1, 0, 2, 3))


def test_known_labels_are_no_part_of_equality():
    calls = [Call("a", {"x": ref(9)})]
    wide = CallGraph(calls, known_labels={"$var_8", "$var_9"})
    assert CallGraph(calls, known_labels={"$var_9"}) == wide
    assert hash(CallGraph(calls, known_labels={"$var_9"})) == hash(wide)
    assert CallGraph() == CallGraph(())
