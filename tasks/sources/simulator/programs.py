"""Clauses as a call graph with references, executed against the world."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.execute import ExecutionError, execute
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from tasks.sources.episode import CallTurn
from tasks.sources.simulator.composer import Clause, DeadEndError, Edge, Node, edges_of
from tasks.sources.simulator.registry import Function, path_of, value_at
from tasks.sources.simulator.world import FunctionError, World


@dataclasses.dataclass(eq=False)
class Program:
    """The calls of an episode, turn by turn, and what they returned.

    Attributes:
        world: What they act on.
        labels: Node to the label of its call, for those whose output is used.
        calls: Node to its call.
        returned: Node to what it returned.
        results: Label to what was returned.
    """

    world: World
    labels: dict[Node, str] = dataclasses.field(default_factory=dict)
    calls: dict[Node, Call] = dataclasses.field(default_factory=dict)
    returned: dict[Node, Any] = dataclasses.field(default_factory=dict)
    results: dict[str, Any] = dataclasses.field(default_factory=dict)

    def label_all(self, turns: Sequence[Sequence[Clause]]) -> None:
        """Gives a label to every call whose output is used, in this or a later turn."""
        nodes = [node for clauses in turns for node in ordered(clauses)]
        used = {edge.node for node in nodes for edge in edges_of(node)}
        for node in nodes:
            if node in used and node not in self.labels:
                self.labels[node] = f"$var_{len(self.labels) + 1}"

    def run(self, clauses: Sequence[Clause]) -> CallTurn:
        """Executes the calls of one turn.

        In every order that their references allow they return and change the same, so whoever makes
        them in another one is right too. What has to be in order goes into turns of its own.

        Raises:
            DeadEndError: The world refuses, as when an account is empty, or the order of the calls
                matters beyond their references.
        """
        nodes = [node for node in ordered(clauses) if node not in self.calls]
        for node in nodes:
            self.calls[node] = self._call(node)
        graph = CallGraph(
            tuple(self.calls[node] for node in nodes), known_labels=frozenset(self.results)
        )
        others = list(graph.topological_orders())[1:]
        worlds = [self.world.copy() for _ in others]
        returned = self._execute(graph, nodes, self.world)
        for order, world in zip(others, worlds, strict=True):
            otherwise = self._execute(graph.reordered(order), nodes, world)
            if otherwise != [returned[i] for i in order] or not world.agrees_with(self.world):
                raise DeadEndError
        for node, result in zip(nodes, returned, strict=True):
            self.returned[node] = result
            if node in self.labels:
                self.results[self.labels[node]] = result
        return CallTurn(graph, tuple(returned))

    def functions(self) -> list[Function]:
        """Returns the functions called, in the order of first use."""
        return list(dict.fromkeys(node.function for node in self.calls))

    def leaks_into(self, user_text: str) -> bool:
        """Whether the user says a value that a call is there to give."""
        for node in self.calls:
            for edge in edges_of(node):
                value = value_at(self.returned[edge.node], edge.path)
                if occurs(edge.node.function.outputs[edge.path].surface(value), user_text):
                    return True
        return False

    def _execute(self, graph: CallGraph, nodes: Sequence[Node], world: World) -> list[Any]:
        functions = world.bound(node.function.name_and_call for node in nodes)
        try:
            return execute(graph, functions, self.results)
        except ExecutionError as error:
            if isinstance(error.__cause__, FunctionError):
                raise DeadEndError from error
            raise

    def _call(self, node: Node) -> Call:
        arguments = {name: self._argument(value) for name, value in node.arguments.items()}
        return Call(node.function.name, arguments, self.labels.get(node))

    def _argument(self, value: Any) -> Any:
        if isinstance(value, Edge):
            return Reference(self.labels[value.node], path_of(value.path))
        if isinstance(value, list):
            return [self._argument(item) for item in value]
        return value


def ordered(clauses: Sequence[Clause]) -> list[Node]:
    """Returns the calls, each after those whose output it uses, otherwise as mentioned."""
    found: dict[Node, None] = {}

    def visit(node: Node) -> None:
        if node not in found:
            for edge in edges_of(node):
                visit(edge.node)
            found[node] = None

    for clause in clauses:
        visit(clause.node)
    return list(found)


def occurs(words: str, text: str) -> bool:
    """Whether some words stand in a text, not as a part of longer ones or of a longer number."""
    if words not in text:
        return False
    return re.search(rf"(?<![\w.-]){re.escape(words)}(?![\w-]|\.\d)", text) is not None
