"""All diamonds that the typed edges admit; drawn blindly, most would come to nothing."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

from tasks.sources.simulator.links import CONSUMERS, FEEDS, Source, goes_with
from tasks.sources.simulator.registry import Function


@dataclasses.dataclass(frozen=True, eq=False)
class Side:
    """One of the two calls in the middle.

    Attributes:
        source: The call, and its output that is used.
        argument: Its argument that takes the first call's output.
        consumer_argument: The argument of the last call that takes its output.
    """

    source: Source
    argument: str
    consumer_argument: str


# The last call, the two before it, and the output of the first call.
Diamond = tuple[Function, Side, Side, Source]


def _sides(consumer: Function) -> Iterator[Side]:
    for name, semantic_type in consumer.arguments.items():
        if semantic_type.item:
            continue
        for source in FEEDS.get((consumer.name, name), ()):
            middle = source.function
            if source.form == "command":
                continue
            for argument, inner in middle.arguments.items():
                if not inner.item and inner.name != "number":
                    yield Side(source, argument, name)


def _diamonds(consumer: Function) -> Iterator[Diamond]:
    for left, right in itertools.combinations(_sides(consumer), 2):
        first, second = left.source.function, right.source.function
        inner = first.arguments[left.argument]
        if left.consumer_argument == right.consumer_argument:
            continue
        if inner is not second.arguments[right.argument]:
            continue
        if first is second and len(first.arguments) == 1 and left.source.path == right.source.path:
            continue
        if not goes_with(left.source, right.source):
            continue
        for top in FEEDS.get((first.name, left.argument), ()):
            noun = top.form != "command" and top.type.anaphor
            if noun and top.function not in (consumer, first, second):
                yield consumer, left, right, top


DIAMONDS = {consumer.name: found for consumer in CONSUMERS if (found := tuple(_diamonds(consumer)))}
