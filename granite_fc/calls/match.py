"""Whether two call graphs say the same.

Labels are only names, and the order of calls that do not use each other is free. What has to agree
are the calls, their arguments and which output goes into which argument: two graphs match when a
one-to-one pairing of their calls keeps all of that. Such a pairing also puts the predicted calls in
an order that the gold graph allows, since a call graph lists no call before one that it uses.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference, references_in


def calls_equal(a: Call, b: Call) -> bool:
    """Whether two calls have the same name and the same arguments.

    Values are compared as JSON: 1 equals 1.0, but neither `true` nor `"1"`; the order of fields is
    free, that of list items is not. References are equal when label and path are. The calls' own
    labels are not compared.
    """
    return _form(a, {}) == _form(b, {})


def value_form(value: Any) -> Hashable:
    """Returns what is equal for two values if and only if `calls_equal` takes them for the same."""
    return _value_form(value, {}, [])


def linked_value_form(value: Any, producers: Mapping[str, int], slots: list[int]) -> Hashable:
    """Returns the form of a value in which references to some calls leave only their places.

    Args:
        value: The value.
        producers: Labels of calls to what stands for them.
        slots: Gets what stands for the call of each of these references, in order.
    """
    return _value_form(value, producers, slots)


def graphs_equal(gold: CallGraph, predicted: CallGraph | Sequence[Call]) -> bool:
    """Whether a prediction is the gold graph but for label names and reorderings that this allows.

    Calls are paired one to one, so a call that is made twice must be predicted twice. A label that
    nothing refers to is not compared. References to earlier turns must agree in label and path.

    Args:
        gold: The right answer.
        predicted: A graph, or calls that may not form one, such as a parser returns: these equal no
            graph when they refer to nothing or use a label twice.
    """
    if not isinstance(predicted, CallGraph):
        try:
            predicted = CallGraph(tuple(predicted), known_labels=gold.known_labels)
        except ValueError:
            return False
    if Counter(gold.names) != Counter(predicted.names):
        return False
    remaining = _components(_Linked(gold))
    for component in _components(_Linked(predicted)):
        # Matching is an equivalence, so the first gold component that matches is as good as any
        # other.
        for index, candidate in enumerate(remaining):
            if _isomorphic(candidate, component):
                del remaining[index]
                break
        else:
            return False
    return not remaining


def answers_equal(gold: Sequence[Call], given: Sequence[Call], *, in_order: bool = False) -> bool:
    """Whether calls say the same as others, which may refer to calls before both of them.

    Args:
        gold: The right answer.
        given: Another one.
        in_order: Whether the first call has to be the first, the second the second and so on,
            although their references would allow another order.
    """
    own = {call.label for call in gold}
    earlier = {
        reference.label for call in gold for reference in references_in(call.arguments)
    } - own
    try:
        graph = CallGraph(tuple(gold), known_labels=frozenset(earlier))
    except ValueError:
        return False
    if not graphs_equal(graph, given):
        return False
    return not in_order or _in_row(gold) == _in_row(given)


def _in_row(calls: Sequence[Call]) -> list[Hashable]:
    """The forms of calls, with the places of the earlier calls that their references lead to."""
    producers: dict[str, int] = {}
    forms: list[Hashable] = []
    for place, call in enumerate(calls):
        slots: list[int] = []
        forms.append((_form(call, producers, slots), tuple(slots)))
        if call.label is not None:
            producers[call.label] = place
    return forms


class _Linked:
    """The calls of a graph as nodes: forms of calls, used nodes by slot, using slots and nodes.

    A slot is the position of a reference among those of its call, counted with the fields of
    objects in sorted order.
    """

    def __init__(self, graph: CallGraph) -> None:
        producers = {call.label: i for i, call in enumerate(graph) if call.label is not None}
        self.forms: list[Hashable] = []
        self.uses: list[tuple[int, ...]] = []
        for call in graph:
            slots: list[int] = []
            self.forms.append(_form(call, producers, slots))
            self.uses.append(tuple(slots))
        self.users: list[list[tuple[int, int]]] = [[] for _ in self.forms]
        for user, slots_of_user in enumerate(self.uses):
            for slot, used in enumerate(slots_of_user):
                self.users[used].append((slot, user))


def _form(call: Call, producers: Mapping[str, int], slots: list[int] | None = None) -> Hashable:
    """Returns what to compare of a call by itself.

    References to `producers` leave their place in the form; the nodes they lead to go into `slots`.
    """
    return call.name, _value_form(call.arguments, producers, [] if slots is None else slots)


def _value_form(value: Any, producers: Mapping[str, int], slots: list[int]) -> Hashable:
    if isinstance(value, Reference):
        if value.label in producers:
            slots.append(producers[value.label])
            return "slot", value.path
        return "reference", value.label, value.path
    if isinstance(value, Mapping):
        fields = [(key, _value_form(value[key], producers, slots)) for key in sorted(value)]
        return "object", tuple(fields)
    if isinstance(value, list | tuple):
        return "list", tuple([_value_form(item, producers, slots) for item in value])
    if isinstance(value, bool) or value is None:
        return "constant", str(value)
    if isinstance(value, int | float):
        return "number", value
    return "string", value


# Some nodes of one graph.
_Component = tuple[_Linked, list[int]]


def _components(linked: _Linked) -> list[_Component]:
    """Returns the parts of a graph between which no output flows."""
    seen: set[int] = set()
    components = []
    for start in range(len(linked.forms)):
        if start in seen:
            continue
        seen.add(start)
        nodes = [start]
        for node in nodes:
            for other in (*linked.uses[node], *(user for _, user in linked.users[node])):
                if other not in seen:
                    seen.add(other)
                    nodes.append(other)
        components.append((linked, nodes))
    return components


def _isomorphic(gold: _Component, predicted: _Component) -> bool:
    if len(gold[1]) != len(predicted[1]):
        return False
    names: dict[Hashable, int] = {}
    first, second = (
        {node: names.setdefault(linked.forms[node], len(names)) for node in nodes}
        for linked, nodes in (gold, predicted)
    )
    return _colors_agree(gold[0], first, predicted[0], second)


def _colors_agree(
    gold: _Linked, first: dict[int, int], predicted: _Linked, second: dict[int, int]
) -> bool:
    """Whether a pairing exists that keeps the links and pairs only nodes of one color.

    Colors are refined by the colors around a node until they split no further. If some nodes still
    share one, a node of the gold graph is paired with each candidate in turn.
    """
    while True:
        if Counter(first.values()) != Counter(second.values()):
            return False
        names: dict[Hashable, int] = {}
        finer_first = _refined(gold, first, names)
        finer_second = _refined(predicted, second, names)
        stable = len(names) == len(set(first.values()))
        first, second = finer_first, finer_second
        if stable:
            break
    # Nodes of one color that nothing uses are interchangeable once those that they use are told
    # apart, so they need no choice.
    classes: dict[int, list[int]] = defaultdict(list)
    for node, color in first.items():
        if gold.users[node]:
            classes[color].append(node)
    undecided = [nodes for nodes in classes.values() if len(nodes) > 1]
    if not undecided:
        return True
    chosen = min(undecided, key=len)[0]
    fresh = len(names)
    return any(
        _colors_agree(gold, {**first, chosen: fresh}, predicted, {**second, node: fresh})
        for node, color in second.items()
        if color == first[chosen]
    )


def _refined(linked: _Linked, colors: dict[int, int], names: dict[Hashable, int]) -> dict[int, int]:
    """Returns the colors split by those of the used and the using nodes.

    `names` numbers the finer colors, for both graphs alike.
    """
    return {
        node: names.setdefault(
            (
                color,
                tuple([colors[used] for used in linked.uses[node]]),
                tuple(sorted([(slot, colors[user]) for slot, user in linked.users[node]])),
            ),
            len(names),
        )
        for node, color in colors.items()
    }
