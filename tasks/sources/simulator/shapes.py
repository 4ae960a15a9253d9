"""Calls that do not use each other's outputs: alone, in an order, or side by side."""

from __future__ import annotations

import dataclasses
import re

from tasks.sources.simulator.composer import Clause, Composer, DeadEndError
from tasks.sources.simulator.links import ALL, TOPIC_PAIRS
from tasks.sources.simulator.types import SemanticType, enumeration

_NUMERIC = ("number", "integer")
# What may follow a slot that is to be filled with several values: no verb, which would have to
# agree with them, and no 's.
_TAKES_SEVERAL = re.compile(r"$|\[|\]|,| (on|in|at|for|to|from|with|by|as|held) ")


def single(composer: Composer) -> list[Clause]:
    """One call."""
    function = composer.pick(ALL)
    return [composer.clause(function, composer.form(function))]


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
        second = composer.clause(observer, composer.statement(observer), {observed: same})
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
    form = composer.statement(function)
    return [composer.clause(function, form) for _ in range(3 if composer.chance(0.2) else 2)]


def distributed(composer: Composer) -> list[Clause]:
    """Calls of one function, all in one phrase: "the temperature in Paris and Rome"."""
    function = composer.pick(ALL)
    form = composer.statement(function)
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


def _statement_of_any(composer: Composer, others: list[Clause]) -> Clause:
    function = composer.pick(ALL)
    if any(clause.node.function is function for clause in others):
        raise DeadEndError
    return composer.clause(function, composer.statement(function))


def _is_listable(semantic_type: SemanticType) -> bool:
    """Whether several values read well in one phrase."""
    if semantic_type.closed or semantic_type.item or semantic_type.name in ("message", "issue"):
        return False
    return semantic_type.schema["type"] not in _NUMERIC
