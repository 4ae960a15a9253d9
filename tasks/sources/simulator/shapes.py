"""Call graphs by shape: clauses whose calls are single, nested, in order, or side by side."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from tasks.sources.simulator.composer import Clause, Composer, DeadEndError, Edge, Node
from tasks.sources.simulator.links import (
    ALL,
    CONSUMERS,
    FEEDS,
    FORMS,
    TOPIC_PAIRS,
    Source,
)
from tasks.sources.simulator.registry import Function
from tasks.sources.simulator.types import SemanticType, enumeration

_EMBEDDED_SHARE = 0.6
_NUMERIC = ("number", "integer")
# What may follow a slot that is to be filled with several values: no verb, which would have to
# agree with them, and no 's.
_TAKES_SEVERAL = re.compile(r"$|\[|,| (on|in|at|for|to|from|with|by|as|held) ")


def single(composer: Composer) -> list[Clause]:
    """One call."""
    function = composer.pick(ALL)
    return [composer.clause(function, composer.form(function))]


def chain(composer: Composer) -> list[Clause]:
    """One call uses the output of another: "the temperature in the home city of Ann"."""
    if not composer.chance(_EMBEDDED_SHARE):
        return chain_of_clauses(composer)
    consumer, argument = _consumer(composer)
    source = _embeddable(composer, consumer, argument)
    return [_using(composer, consumer, {argument: composer.embedded(source)})]


def chain_of_clauses(composer: Composer) -> list[Clause]:
    """The same in two clauses: "the home city of Ann", then "the temperature in that city"."""
    consumer, argument = _consumer(composer)
    source = _source(composer, consumer, argument)
    first = composer.clause(source.function, source.form)
    return [first, _referring_back(composer, consumer, argument, first, source)]


def long_chain(composer: Composer) -> list[Clause]:
    """Three calls in a row, each using the output of the one before."""
    consumer, argument = _consumer(composer)
    source = _source(composer, consumer, argument)
    inner_argument = composer.pick(_fed_arguments(source.function))
    inner = _embeddable(composer, source.function, inner_argument)
    given = {inner_argument: _as_argument(composer, source.function, inner_argument, inner)}
    if source.form != "command" and composer.chance(_EMBEDDED_SHARE / 2):
        return [_using(composer, consumer, {argument: composer.embedded(source, given)})]
    first = composer.clause(source.function, source.form, given)
    return [first, _referring_back(composer, consumer, argument, first, source)]


def fan_in(composer: Composer) -> list[Clause]:
    """One call uses the outputs of two others."""
    consumer = composer.pick(_WITH_TWO)
    lists = [name for name in _fed_arguments(consumer) if consumer.arguments[name].item]
    if lists:
        source = _embeddable(composer, consumer, lists[0])
        items = [composer.embedded(source), composer.embedded(source)]
        return [_using(composer, consumer, {lists[0]: items})]
    first, second = composer.random.sample(_fed_arguments(consumer), 2)
    left = _embeddable(composer, consumer, first)
    right = _alike(composer, consumer, second, left)
    given = {first: composer.embedded(left), second: composer.embedded(right)}
    return [_using(composer, consumer, dict(sorted(given.items())))]


def fan_out(composer: Composer) -> list[Clause]:
    """Two calls use the output of one."""
    consumer, argument = _consumer(composer)
    source = _source(composer, consumer, argument)
    first = composer.clause(source.function, source.form)
    second = _referring_back(composer, consumer, argument, first, source)
    others = [
        (other, name)
        for other, name in _takers(source.type)
        if other is not consumer and other is not source.function
    ]
    if not others:
        raise DeadEndError
    other, name = composer.pick(others)
    return [first, second, _referring_back(composer, other, name, first, source)]


def diamond(composer: Composer) -> list[Clause]:
    """Two calls use the output of one, and a fourth uses theirs."""
    consumer = composer.pick(_WITH_TWO)
    arguments = _fed_arguments(consumer)
    if any(consumer.arguments[name].item for name in arguments):
        raise DeadEndError
    left_name, right_name = sorted(composer.random.sample(arguments, 2))
    left = _embeddable(composer, consumer, left_name)
    right = _alike(composer, consumer, right_name, left)
    shared = [
        (a, b)
        for a in _fed_arguments(left.function)
        for b in _fed_arguments(right.function)
        if left.function.arguments[a] is right.function.arguments[b]
        and not left.function.arguments[a].item
        and left.function.arguments[a].name != "number"
    ]
    if not shared:
        raise DeadEndError
    a, b = composer.pick(shared)
    top = _embeddable(composer, left.function, a)
    if not top.type.anaphor or top.function in (consumer, left.function, right.function):
        raise DeadEndError
    first = composer.clause(top.function, top.form)
    edge = Edge(first.node, top.path, top.type.anaphor)
    given = {
        left_name: composer.embedded(left, {a: edge}),
        right_name: composer.embedded(right, {b: edge}),
    }
    if same_call(given[left_name].node, given[right_name].node):
        raise DeadEndError
    return [first, _using(composer, consumer, given)]


def in_order(composer: Composer, *, on_one_thing: bool) -> list[Clause]:
    """Two or three calls of which the user states the order.

    Args:
        composer: Draws the calls.
        on_one_thing: Whether the second call sees what the first one changed.
    """
    clauses: list[Clause]
    if on_one_thing:
        changer, changed, observer, observed = composer.pick(TOPIC_PAIRS)
        first = composer.clause(changer, "command")
        same = first.node.arguments[changed]
        second = composer.clause(observer, _statement(composer, observer), {observed: same})
        clauses = [first, second]
    else:
        clauses = [_statement_of_any(composer, [])]
        clauses.append(_statement_of_any(composer, clauses))
    if composer.chance(0.2):
        clauses.append(_statement_of_any(composer, clauses))
    return clauses


def side_by_side(composer: Composer) -> list[Clause]:
    """Two or three calls of different functions that have nothing to do with each other."""
    clauses: list[Clause] = []
    for _ in range(3 if composer.chance(0.15) else 2):
        clauses.append(_statement_of_any(composer, clauses))
    return clauses


def repeated(composer: Composer) -> list[Clause]:
    """Two or three calls of one function with different values."""
    function = composer.pick(ALL)
    form = _statement(composer, function)
    return [composer.clause(function, form) for _ in range(3 if composer.chance(0.2) else 2)]


def distributed(composer: Composer) -> list[Clause]:
    """Calls of one function, all in one phrase: "the temperature in Paris and Rome"."""
    function = composer.pick(ALL)
    form = _statement(composer, function)
    names = [name for name in function.spec.required if _is_listable(function.arguments[name])]
    if not names:
        raise DeadEndError
    name = composer.pick(names)
    semantic_type = function.arguments[name]
    values = [composer.literal(semantic_type) for _ in range(3 if composer.chance(0.2) else 2)]
    template_count = len(composer.templates)
    first = composer.clause(function, form, {name: values[0]})
    text = composer.templates[template_count]
    if (
        " and " in text
        or "between" in text
        or not _TAKES_SEVERAL.match(text.split(f"{{{name}}}")[1])
    ):
        raise DeadEndError
    listed = enumeration([semantic_type.write(value) for value in values])
    words = first.words.replace(semantic_type.write(values[0]), listed)
    others = [
        Clause(
            dataclasses.replace(first.node, arguments={**first.node.arguments, name: value}),
            form,
            words,
        )
        for value in values[1:]
    ]
    return [Clause(first.node, form, words), *others]


def same_call(first: Node, second: Node) -> bool:
    """Whether two calls are one call made twice."""
    if first.function is not second.function:
        return False
    arguments = [
        {n: (v.node, v.path) if isinstance(v, Edge) else v for n, v in node.arguments.items()}
        for node in (first, second)
    ]
    return arguments[0] == arguments[1]


def _consumer(composer: Composer) -> tuple[Function, str]:
    consumer = composer.pick(CONSUMERS)
    names = [name for name in _fed_arguments(consumer) if not _is_list(consumer, name)]
    if not names:
        raise DeadEndError
    return consumer, composer.pick(names)


def _source(composer: Composer, consumer: Function, argument: str) -> Source:
    sources = FEEDS.get((consumer.name, argument))
    if not sources:
        raise DeadEndError
    return composer.pick(sources)


def _embeddable(composer: Composer, consumer: Function, argument: str) -> Source:
    source = _source(composer, consumer, argument)
    if source.form == "command":
        raise DeadEndError
    return source


def _alike(composer: Composer, consumer: Function, argument: str, source: Source) -> Source:
    """Draws a source of the same type: nobody adds degrees to dollars."""
    sources = [
        other
        for other in FEEDS[consumer.name, argument]
        if other.type is source.type and other.form != "command"
    ]
    if not sources:
        raise DeadEndError
    return source if composer.chance(0.6) and source in sources else composer.pick(sources)


def _as_argument(composer: Composer, function: Function, argument: str, source: Source) -> Any:
    edge = composer.embedded(source)
    return [edge, composer.embedded(source)] if _is_list(function, argument) else edge


def _using(composer: Composer, consumer: Function, given: dict[str, Any]) -> Clause:
    return composer.clause(consumer, composer.form(consumer), given)


def _referring_back(
    composer: Composer, consumer: Function, argument: str, first: Clause, source: Source
) -> Clause:
    """A clause that says "that city" for the value that the first one found."""
    anaphor = source.type.anaphor
    named = {
        type_
        for name, type_ in first.node.function.arguments.items()
        if name in first.node.arguments
    }
    if not anaphor or source.type in named:
        raise DeadEndError
    edge = Edge(first.node, source.path, anaphor)
    return composer.clause(consumer, _statement(composer, consumer), {argument: edge})


def _statement_of_any(composer: Composer, others: list[Clause]) -> Clause:
    function = composer.pick(ALL)
    if any(clause.node.function is function for clause in others):
        raise DeadEndError
    return composer.clause(function, _statement(composer, function))


def _statement(composer: Composer, function: Function) -> str:
    """Draws a kind of phrase that can follow another: no direct question."""
    forms = FORMS[function.name]
    return composer.pick([form for form in forms if not form.startswith("question")])


def _fed_arguments(function: Function) -> list[str]:
    return [name for name in function.arguments if (function.name, name) in FEEDS]


def _is_list(function: Function, argument: str) -> bool:
    return function.arguments[argument].item is not None


def _is_listable(semantic_type: SemanticType) -> bool:
    """Whether several values read well in one phrase."""
    if semantic_type.closed or semantic_type.item or semantic_type.name in ("message", "issue"):
        return False
    return semantic_type.schema["type"] not in _NUMERIC


def _takers(semantic_type: SemanticType) -> list[tuple[Function, str]]:
    return [
        (function, name)
        for function in ALL
        for name, type_ in function.arguments.items()
        if semantic_type.feeds(type_)
    ]


def _takes_two(function: Function) -> bool:
    names = _fed_arguments(function)
    return len(names) >= 2 or any(function.arguments[name].item for name in names)


_WITH_TWO = tuple(function for function in CONSUMERS if _takes_two(function))

# The shapes of nested calls and how often each is tried.
NESTED: tuple[tuple[Callable[[Composer], list[Clause]], float], ...] = (
    (chain, 0.66),
    (long_chain, 0.10),
    (fan_in, 0.12),
    (fan_out, 0.08),
    (diamond, 0.04),
)
