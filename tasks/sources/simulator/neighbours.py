"""Functions that are on offer and not needed."""

from __future__ import annotations

from collections.abc import Sequence

from granite_fc.calls.spec import FunctionSpec
from tasks.sources.simulator.composer import Composer
from tasks.sources.simulator.links import ALL, DOMAINS
from tasks.sources.simulator.registry import Function

_NUM_NEIGHBOURS = 2
_NUM_DISTRACTORS = 5
_NUMERIC = ("integer", "number")


def neighbours(composer: Composer, needed: Sequence[Function]) -> list[FunctionSpec]:
    """Draws functions of the domains of those needed."""
    domains = dict.fromkeys(function.domain for function in needed)
    others = [
        function for domain in domains for function in DOMAINS[domain] if function not in needed
    ]
    chosen = composer.random.sample(others, min(_NUM_NEIGHBOURS, len(others)))
    return [function.spec for function in chosen]


def substitutes(composer: Composer, absent: Function) -> list[FunctionSpec]:
    """Draws what is on offer in place of a function that would be needed.

    The first one shares no kind of parameter with it, so the request gives no value for any of its
    parameters; then come functions of the same domain.
    """
    kinds = _kinds_of(absent)
    siblings = [function for function in DOMAINS[absent.domain] if function is not absent]
    unlike = [function for function in siblings if kinds.isdisjoint(_kinds_of(function))]
    unlike = unlike or [function for function in ALL if kinds.isdisjoint(_kinds_of(function))]
    first = composer.pick(unlike)
    others = [function for function in siblings if function is not first]
    return [
        function.spec for function in (first, *composer.random.sample(others, min(2, len(others))))
    ]


def distractors(
    composer: Composer, related: Sequence[Function], on_offer: Sequence[FunctionSpec]
) -> tuple[FunctionSpec, ...]:
    """Draws functions of domains that have nothing to do with the episode.

    Args:
        composer: Draws them.
        related: The functions that the episode is about.
        on_offer: What is on offer without them.
    """
    domains = {function.domain for function in related}
    present = {spec.name for spec in on_offer}
    chosen: dict[str, FunctionSpec] = {}
    while len(chosen) < _NUM_DISTRACTORS:
        function = composer.pick(ALL)
        if function.domain not in domains and function.name not in present:
            chosen[function.name] = function.spec
    return tuple(chosen.values())


def _kinds_of(function: Function) -> set[str]:
    """Kinds of value that its parameters take; all numbers are one, so are items and lists."""
    kinds = set()
    for semantic_type in function.arguments.values():
        item = semantic_type.item or semantic_type
        kinds.add("number" if item.schema["type"] in _NUMERIC else item.name)
    return kinds
