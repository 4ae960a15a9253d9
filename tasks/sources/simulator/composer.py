"""Calls together with the words that ask for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, TypeVar

from tasks.sources.simulator.frames import TRAIN, VALIDATION, Frames
from tasks.sources.simulator.links import FORMS, Source
from tasks.sources.simulator.phrases import Split, Template
from tasks.sources.simulator.registry import Function
from tasks.sources.simulator.types import SemanticType, enumeration

Item = TypeVar("Item")
_OPTIONAL_SHARE = 0.4
_MAX_DRAWS = 20


class DeadEndError(Exception):
    """What was drawn so far cannot be completed; the episode is drawn anew."""


@dataclasses.dataclass(eq=False)
class Node:
    """A call to be made.

    Attributes:
        function: The function.
        arguments: Literals, `Edge`s, or lists of them.
        order: Argument names in the order in which the request mentions them.
    """

    function: Function
    arguments: dict[str, Any]
    order: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Edge:
    """The use of a call's output as an argument.

    Attributes:
        node: The call.
        path: Dotted path in its result.
        words: How the request says it: the noun phrase for it, or "that city".
    """

    node: Node
    path: str
    words: str


@dataclasses.dataclass(frozen=True, eq=False)
class Clause:
    """A call and the phrase that asks for it.

    Attributes:
        node: The call.
        form: The kind of phrase: "noun:PATH", "question:PATH" or "command".
        words: The phrase.
        omitted: Arguments that are required and that the phrase leaves out.
    """

    node: Node
    form: str
    words: str
    omitted: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Returns "noun", "question" or "command"."""
        return self.form.partition(":")[0]

    @property
    def path(self) -> str:
        """The output that is asked for; empty for commands."""
        return self.form.partition(":")[2]


class Composer:
    """Draws clauses, and keeps what it used.

    Attributes:
        frames: The sentence patterns of the split.
        templates: Every phrase template and frame used.
        literals: Every value that the user names, with its type.
    """

    def __init__(self, random: Random, split: Split) -> None:
        self.random = random
        self.split: Split = split
        self.frames: Frames = TRAIN if split == "train" else VALIDATION
        self.templates: list[str] = []
        self.literals: list[tuple[SemanticType, Any]] = []

    def pick(self, options: Sequence[Item]) -> Item:
        """Draws one of the options.

        Raises:
            DeadEndError: There are none.
        """
        if not options:
            raise DeadEndError
        return options[int(self.random.random() * len(options))]

    def chance(self, share: float) -> bool:
        """Is true with this probability."""
        return self.random.random() < share

    def frame(self, options: Sequence[Item]) -> Item:
        """Draws a sentence pattern."""
        frame = self.pick(options)
        self.templates.append(str(frame))
        return frame

    def literal(self, semantic_type: SemanticType) -> Any:
        """Draws a value that the user did not name yet; if a small set has none left, any."""
        for _ in range(_MAX_DRAWS):
            value = semantic_type.draw(self.random, self.split)
            if all(value != other for _, other in self.literals):
                break
        else:
            if not semantic_type.closed:
                raise DeadEndError
        self.literals.append((semantic_type, value))
        return value

    def form(self, function: Function) -> str:
        """Draws a kind of phrase for a clause of its own."""
        return self.pick(tuple(FORMS[function.name]))

    def statement(self, function: Function) -> str:
        """Draws a kind of phrase that can follow another: no direct question."""
        forms = FORMS[function.name]
        return self.pick([form for form in forms if not form.startswith("question")])

    def clause(
        self,
        function: Function,
        form: str,
        given: Mapping[str, Any] | None = None,
        *,
        omit_one: bool = False,
    ) -> Clause:
        """Draws a phrase and the arguments that it leaves open.

        Args:
            function: The function to call.
            form: The kind of phrase.
            given: Arguments that are settled: literals, edges, or lists of edges.
            omit_one: Leave out one required argument that the phrase can do without.

        Raises:
            DeadEndError: No phrase takes what is given, or none can leave anything out.
        """
        given = given or {}
        template = self._template(function, form, given, omit_one)
        omitted: tuple[str, ...] = ()
        if omit_one:
            omitted = (self.pick(_omissible(function, template, given)),)
        arguments = {}
        for name, semantic_type in function.arguments.items():
            if name in given:
                arguments[name] = given[name]
            elif name not in omitted and self._is_said(function, template, name):
                arguments[name] = self.literal(semantic_type)
        node = Node(function, arguments, template.slots)
        return Clause(node, form, template.fill(written(node)), omitted)

    def embedded(self, source: Source, given: Mapping[str, Any] | None = None) -> Edge:
        """Draws a call whose output is named by a noun phrase inside another phrase."""
        clause = self.clause(source.function, source.form, given)
        return Edge(clause.node, source.path, clause.words)

    def verb_phrase(self, clause: Clause) -> str:
        """Returns the clause as something that one can be told to do; no question."""
        if clause.kind == "noun":
            return self.frame(self.frames.verbs).format(clause.words)
        return clause.words

    def _template(
        self, function: Function, form: str, given: Mapping[str, Any], omit_one: bool
    ) -> Template:
        templates = FORMS[function.name][form].of(self.split)
        edges = [name for name, value in given.items() if not _is_literal(value)]
        fitting = [
            template
            for template in templates
            if all(name in template.slots for name in given)
            and not any(name in template.possessive for name in edges)
            and (not omit_one or _omissible(function, template, given))
        ]
        if not fitting:
            raise DeadEndError
        template = self.pick(fitting)
        self.templates.append(f"{function.name} {form} {template.text}")
        return template

    def _is_said(self, function: Function, template: Template, name: str) -> bool:
        if name in template.fixed or name in function.spec.required:
            return True
        return name in template.slots and self.chance(_OPTIONAL_SHARE)


def written(node: Node) -> dict[str, str]:
    """Returns the arguments as a request has them."""
    values = {}
    for name, value in node.arguments.items():
        if isinstance(value, Edge):
            values[name] = value.words
        elif isinstance(value, list) and isinstance(value[0], Edge):
            values[name] = enumeration([edge.words for edge in value])
        else:
            values[name] = node.function.arguments[name].write(value)
    return values


def edges_of(node: Node) -> list[Edge]:
    """Returns the edges into a call, in the order in which the request mentions them."""
    found: list[Edge] = []
    for name in node.order:
        value = node.arguments.get(name)
        if isinstance(value, Edge):
            found.append(value)
        elif isinstance(value, list):
            found += [item for item in value if isinstance(item, Edge)]
    return found


def _is_literal(value: Any) -> bool:
    if isinstance(value, list):
        return not any(isinstance(item, Edge) for item in value)
    return not isinstance(value, Edge)


def _omissible(function: Function, template: Template, given: Mapping[str, Any]) -> list[str]:
    required = function.spec.required
    return [name for name in required if name not in template.fixed and name not in given]
