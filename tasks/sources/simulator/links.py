"""Which outputs may feed which arguments: the typed edges of which call graphs are made."""

from __future__ import annotations

import dataclasses

from tasks.sources.simulator import domains
from tasks.sources.simulator.registry import FUNCTIONS, Function
from tasks.sources.simulator.types import SemanticType

# Things that a command makes and that people refer back to ("book a seat, then cancel that
# booking").
_MADE_THINGS = frozenset({"booking", "order", "ticket"})


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """Where a value can come from.

    Attributes:
        function: The function.
        path: Dotted path in its result.
        form: The kind of phrase that asks for the value: "noun:PATH", or "command" for what a
            command makes.
    """

    function: Function
    path: str
    form: str

    @property
    def type(self) -> SemanticType:
        """The semantic type of the value."""
        return self.function.outputs[self.path]


def goes_with(first: Source, second: Source) -> bool:
    """Whether two outputs can feed two arguments of one call: nobody adds degrees to dollars."""
    if "command" in (first.form, second.form):
        return False
    if first.type.broader == "number" and second.type.broader == "number":
        return first.type is second.type
    return True


def _sources() -> list[Source]:
    found = []
    for function in FUNCTIONS.values():
        found += [Source(function, path, f"noun:{path}") for path in function.nouns]
        if function.commands:
            for path, type_ in function.outputs.items():
                if type_.name in _MADE_THINGS:
                    found.append(Source(function, path, "command"))
    return found


def _feeding(argument: SemanticType, consumer: Function) -> tuple[Source, ...]:
    return tuple(
        source
        for source in _SOURCES
        if source.type.feeds(argument) and source.function is not consumer
    )


FORMS = {name: function.all_phrases() for name, function in FUNCTIONS.items()}
ALL = tuple(FUNCTIONS.values())
DOMAINS: dict[str, tuple[Function, ...]] = {
    name: tuple(function for function in ALL if function.domain == name) for name in domains.__all__
}
_SOURCES = _sources()

# Function name and argument to the sources that may feed it, or an item of it where it is a list.
FEEDS: dict[tuple[str, str], tuple[Source, ...]] = {
    (function.name, argument): sources
    for function in ALL
    for argument, type_ in function.arguments.items()
    if (sources := _feeding(type_.item or type_, function))
}
# Functions with at least one argument that an output may feed.
CONSUMERS = tuple(f for f in ALL if any((f.name, argument) in FEEDS for argument in f.arguments))


def pairs_of_topics() -> tuple[tuple[Function, str, Function, str], ...]:
    """Returns (changer, its argument, observer, its argument) where the order of calls matters."""
    return tuple(
        (first, first.changes[topic], second, second.observes[topic])
        for first in ALL
        for second in ALL
        for topic in first.changes
        if topic in second.observes and first is not second
    )


TOPIC_PAIRS = pairs_of_topics()
