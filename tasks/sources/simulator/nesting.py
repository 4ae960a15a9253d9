"""Calls that use each other's outputs, by the shape of the call graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tasks.sources.simulator.composer import Clause, Composer, DeadEndError, Edge, Node
from tasks.sources.simulator.diamonds import DIAMONDS
from tasks.sources.simulator.links import ALL, CONSUMERS, FEEDS, Source, goes_with
from tasks.sources.simulator.registry import Function
from tasks.sources.simulator.types import SemanticType

_EMBEDDED_SHARE = 0.6
_TWIN_SHARE = 0.5


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
    right = _beside(composer, consumer, second, left)
    given = {first: composer.embedded(left), second: composer.embedded(right)}
    return [_using(composer, consumer, given)]


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
    found = second.node.function.outputs.get(second.path)
    if found is not None and found.feeds(other.arguments[name]):
        raise DeadEndError  # "that amount" would no longer say which
    return [first, second, _referring_back(composer, other, name, first, source)]


def diamond(composer: Composer) -> list[Clause]:
    """Two calls use the output of one, and a fourth uses theirs."""
    consumer, left, right, top = composer.pick(DIAMONDS[composer.pick(tuple(DIAMONDS))])
    first = composer.clause(top.function, top.form)
    edge = Edge(first.node, top.path, top.type.anaphor)
    given = {
        side.consumer_argument: composer.embedded(side.source, {side.argument: edge})
        for side in (left, right)
    }
    if _same_call(*(used.node for used in given.values())):
        raise DeadEndError
    return [first, _using(composer, consumer, given)]


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


def _beside(composer: Composer, consumer: Function, argument: str, source: Source) -> Source:
    """Draws a source for another argument; of the same type where they are to be reckoned with."""
    sources = [other for other in FEEDS[consumer.name, argument] if goes_with(other, source)]
    twin = source in sources and composer.chance(_TWIN_SHARE)
    return source if twin else composer.pick(sources)


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
    return composer.clause(consumer, composer.statement(consumer), {argument: edge})


def _same_call(first: Node, second: Node) -> bool:
    """Whether two calls are one call made twice."""
    if first.function is not second.function:
        return False
    arguments = [
        {n: (v.node, v.path) if isinstance(v, Edge) else v for n, v in node.arguments.items()}
        for node in (first, second)
    ]
    return arguments[0] == arguments[1]


def _fed_arguments(function: Function) -> list[str]:
    return [name for name in function.arguments if (function.name, name) in FEEDS]


def _is_list(function: Function, argument: str) -> bool:
    return function.arguments[argument].item is not None


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
