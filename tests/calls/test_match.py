from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.match import calls_equal, graphs_equal
from granite_fc.calls.reference import Reference
from tests.calls.strategies import graphs, json_values


def ref(number: int, *path: str | int) -> Reference:
    return Reference(f"$var_{number}", path)


def renamed(graph: CallGraph, order: tuple[int, ...], names: dict[str, str]) -> list[Call]:
    """The calls of a graph in another order, under other labels."""

    def rename(value):
        if isinstance(value, Reference):
            return Reference(names.get(value.label, value.label), value.path)
        if isinstance(value, dict):
            return {key: rename(item) for key, item in reversed(value.items())}
        return [rename(item) for item in value] if isinstance(value, list) else value

    return [Call(graph[i].name, rename(graph[i].arguments), names[graph[i].label]) for i in order]


def same_value(a, b) -> bool:
    """JSON equality, said a second time."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_value(a[key], b[key]) for key in a)
    return a == b


def equal_by_trying_all(gold: CallGraph, predicted: CallGraph) -> bool:
    """Numbers the labels by position, in every order of the gold calls; compares call by call."""
    if len(gold) != len(predicted):
        return False

    def numbered(graph: CallGraph, order: tuple[int, ...]) -> list[Call]:
        names = {graph[i].label: f"$var_{1000 + position}" for position, i in enumerate(order)}
        return renamed(graph, order, names)

    wanted = numbered(predicted, tuple(range(len(predicted))))
    return any(
        all(
            a.name == b.name and same_value(a.arguments, b.arguments)
            for a, b in zip(numbered(gold, order), wanted, strict=True)
        )
        for order in itertools.permutations(range(len(gold)))
    )


@settings(max_examples=300)
@given(graphs(), graphs())
def test_agrees_with_trying_all_pairings(gold, predicted):
    assert graphs_equal(gold, predicted) == equal_by_trying_all(gold, predicted)


@settings(max_examples=200)
@given(graphs(), st.data())
def test_agrees_with_trying_all_pairings_of_nearly_equal_graphs(gold, data):
    order = data.draw(st.sampled_from(list(gold.topological_orders(50))))
    numbers = data.draw(st.permutations(range(len(gold))))
    names = {call.label: f"$var_{40 + n}" for call, n in zip(gold, numbers, strict=True)}
    calls = renamed(gold, order, names)
    assert graphs_equal(gold, CallGraph(calls, known_labels=gold.known_labels))
    assert graphs_equal(gold, calls)
    if not calls:
        return
    # One argument of one call is replaced by a reference to any earlier call, or by a number.
    index = data.draw(st.integers(0, len(calls) - 1))
    earlier = [Reference(call.label, p) for call in calls[:index] for p in ((), ("a",))]
    value = data.draw(st.sampled_from([1, 2, True, *earlier]))
    calls[index] = Call(
        calls[index].name, {**calls[index].arguments, "x": value}, calls[index].label
    )
    changed = CallGraph(calls, known_labels=gold.known_labels)
    expected = equal_by_trying_all(gold, changed)
    assert graphs_equal(gold, changed) == expected
    assert graphs_equal(changed, gold) == expected


@given(json_values, json_values)
def test_values_are_compared_as_json(a, b):
    assert calls_equal(Call("f", {"a": a}), Call("f", {"a": a}))
    assert calls_equal(Call("f", {"a": a}), Call("f", {"a": b})) == same_value(a, b)


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (1, "1", False),
        (None, "None", False),
        (None, False, False),
        (True, "True", False),
        (2**53 + 1, float(2**53), False),
        (0.0, -0.0, True),
        ([1, 2], [2, 1], False),
        ([1, [2.0]], [1.0, [2]], True),
        ({"x": 1, "y": 2}, {"y": 2, "x": 1.0}, True),
        ({"x": 1}, {"x": 1, "y": None}, False),
        ({}, [], False),
        ("", [], False),
        (ref(1, "a"), ref(1, "a"), True),
        (ref(1, "a"), ref(1, "b"), False),
        (ref(1, "a"), ref(2, "a"), False),
        (ref(1, "a"), "$var_1.a$", False),
    ],
)
def test_equality_of_values(a, b, equal):
    assert calls_equal(Call("f", {"a": a}), Call("f", {"a": b})) == equal
    assert calls_equal(Call("f", {"a": {"n": [a]}}), Call("f", {"a": {"n": [b]}})) == equal


def test_equality_of_calls():
    assert not calls_equal(Call("f", {"a": 1}), Call("g", {"a": 1}))
    assert not calls_equal(Call("f", {"a": 1}), Call("f", {"b": 1}))
    assert calls_equal(Call("f", {"a": 1}, "$var_1"), Call("f", {"a": 1}))


def test_duplicates_are_paired_one_to_one():
    def twice(first: int, second: int) -> CallGraph:
        return CallGraph(
            [
                Call("a", {}, "$var_1"),
                Call("a", {}, "$var_2"),
                Call("b", {"x": ref(first)}),
                Call("c", {"x": ref(second)}),
            ]
        )

    assert graphs_equal(twice(1, 2), twice(2, 1))
    assert graphs_equal(twice(1, 1), twice(2, 2))
    assert not graphs_equal(twice(1, 2), twice(1, 1))
    assert not graphs_equal(CallGraph([Call("a")] * 2), CallGraph([Call("a")] * 3))
    f, g = Call("a", {"x": 1}), Call("a", {"x": 2})
    assert not graphs_equal(CallGraph([f, f, g]), CallGraph([f, g, g]))
    assert graphs_equal(CallGraph([f, f, g]), CallGraph([g, f, f]))


def test_swapped_arguments_differ():
    def using(first: int, second: int) -> CallGraph:
        sources = [Call("a", {"n": 1}, "$var_1"), Call("a", {"n": 2}, "$var_2")]
        return CallGraph([*sources, Call("b", {"x": ref(first), "y": ref(second)})])

    assert not graphs_equal(using(1, 2), using(2, 1))


def test_paths_into_outputs_are_compared():
    def using(*path: str | int) -> CallGraph:
        return CallGraph([Call("a", {}, "$var_1"), Call("b", {"x": ref(1, *path)})])

    assert graphs_equal(using("p", 0), using("p", 0))
    assert not graphs_equal(using("p", 0), using("p", 1))
    assert not graphs_equal(using("p"), using())


def test_a_label_that_nothing_uses_is_not_compared():
    assert graphs_equal(CallGraph([Call("a", {}, "$var_1")]), CallGraph([Call("a")]))


def test_calls_that_form_no_graph_equal_none():
    gold = CallGraph([Call("a", {}, "$var_1"), Call("b", {"x": ref(1)})])
    assert graphs_equal(gold, list(gold))
    assert not graphs_equal(gold, [gold[1], gold[0]])
    assert not graphs_equal(gold, [Call("a"), gold[1]])
    assert graphs_equal(CallGraph(), [])
    assert not graphs_equal(gold, [])


def test_references_to_earlier_turns_agree_by_name():
    def using(number: int) -> CallGraph:
        return CallGraph([Call("a", {"x": ref(number)})], known_labels={"$var_1", "$var_2"})

    assert graphs_equal(using(1), using(1))
    assert not graphs_equal(using(1), using(2))
    inside = CallGraph([Call("a", {}, "$var_1"), Call("a", {"x": ref(1)})])
    outside = CallGraph([Call("a"), Call("a", {"x": ref(1)})], known_labels={"$var_1"})
    assert not graphs_equal(inside, outside)


def rings(*sizes: int, source: bool) -> CallGraph:
    """Calls `pair` that link equal calls `node` to rings: alike one by one, different as wholes."""
    arguments = {"of": ref(50)} if source else {}
    nodes = [Call("node", arguments, f"$var_{i}") for i in range(sum(sizes))]
    pairs, first = [], 0
    for size in sizes:
        for i in range(size):
            following = first + (i + 1) % size
            pairs.append(Call("pair", {"x": ref(first + i), "y": ref(following)}))
        first += size
    random.Random(len(sizes)).shuffle(nodes)
    random.Random(len(sizes)).shuffle(pairs)
    return CallGraph([*([Call("source", {}, "$var_50")] if source else []), *nodes, *pairs])


@pytest.mark.parametrize(
    ("gold", "predicted"),
    [((10,), (5, 5)), ((4, 6), (6, 4)), ((5, 3, 2), (4, 4, 2)), ((10,), (10,)), ((3, 7), (2, 8))],
)
@pytest.mark.parametrize("source", [False, True])
def test_many_calls_that_look_alike(gold, predicted, source):
    first, second = rings(*gold, source=source), rings(*predicted, source=source)
    equal = sorted(gold) == sorted(predicted)
    assert graphs_equal(first, second) == equal
    # Beside them calls that nothing tells apart, with which trying all pairings would never end.
    crowd = [Call("node", {}, f"$var_{100 + i}") for i in range(20)]
    crowd += [Call("use", {"x": ref(100 + i)}) for i in range(10)]
    assert graphs_equal(CallGraph([*first, *crowd]), CallGraph([*crowd, *second])) == equal
