"""Calls that may use each other's outputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from granite_fc.calls.call import NO_FUNCTION, Call
from granite_fc.calls.reference import references_in


@dataclasses.dataclass(frozen=True)
class CallGraph:
    """Calls in an executable order, linked where one uses the output of another.

    Attributes:
        calls: The calls. No calls at all is a graph too: the right answer where no function fits.
        known_labels: Labels of calls before this graph, in earlier turns, to which its calls may
            refer. Not part of equality.

    Raises:
        ValueError: A label is used twice, or a call refers to no earlier call, or one of the calls
            is `no_function`.
    """

    calls: tuple[Call, ...] = ()
    known_labels: frozenset[str] = dataclasses.field(
        default=frozenset(), compare=False, repr=False, kw_only=True
    )
    _dependencies: tuple[frozenset[int], ...] = dataclasses.field(
        init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "calls", tuple(self.calls))
        object.__setattr__(self, "known_labels", frozenset(self.known_labels))
        object.__setattr__(self, "_dependencies", self._linked())

    def __len__(self) -> int:
        return len(self.calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self.calls)

    def __getitem__(self, index: int) -> Call:
        return self.calls[index]

    @property
    def names(self) -> tuple[str, ...]:
        """The function names in order, repeated where a function is called again."""
        return tuple(call.name for call in self.calls)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the calls carry, in order."""
        return tuple(call.label for call in self.calls if call.label is not None)

    @property
    def is_nested(self) -> bool:
        """Whether a call uses the output of another call of this graph."""
        return any(self._dependencies)

    @property
    def is_parallel(self) -> bool:
        """Whether there are two or more calls and none uses the output of another."""
        return len(self.calls) >= 2 and not self.is_nested

    def dependencies(self) -> list[set[int]]:
        """Returns, for each call, the indices of the calls of this graph whose output it uses."""
        return [set(earlier) for earlier in self._dependencies]

    def topological_orders(self, limit: int | None = None) -> Iterator[tuple[int, ...]]:
        """Yields the orders in which the calls can be executed, as tuples of indices.

        They come in lexicographic order, so the first is the order of the graph itself.

        Args:
            limit: At most so many; None for all of them, of which there can be len(self)! .
        """
        orders = self._orders([], set(range(len(self.calls))))
        if limit is None:
            yield from orders
        else:
            for _, order in zip(range(limit), orders, strict=False):
                yield order

    def reordered(self, order: tuple[int, ...]) -> CallGraph:
        """Returns the same calls in another order; labels stay as they are.

        Raises:
            ValueError: Not every call once, or a call would come before one whose output it uses.
        """
        if sorted(order) != list(range(len(self.calls))):
            raise ValueError(f"{order} does not have each of {len(self.calls)} calls once")
        return CallGraph(tuple(self.calls[i] for i in order), known_labels=self.known_labels)

    def _orders(self, done: list[int], remaining: set[int]) -> Iterator[tuple[int, ...]]:
        if not remaining:
            yield tuple(done)
            return
        for index in sorted(remaining):
            if self._dependencies[index].isdisjoint(remaining):
                yield from self._orders([*done, index], remaining - {index})

    def _linked(self) -> tuple[frozenset[int], ...]:
        producers: dict[str, int] = {}
        dependencies = []
        for index, call in enumerate(self.calls):
            if call.name == NO_FUNCTION:
                raise ValueError(f"call {index + 1} is {NO_FUNCTION}; no call is an empty graph")
            earlier = set()
            for reference in references_in(call.arguments):
                if reference.label in producers:
                    earlier.add(producers[reference.label])
                elif reference.label not in self.known_labels:
                    raise ValueError(
                        f"call {index + 1} ({call.name}) refers to {reference.label}, "
                        "which no earlier call has as its label"
                    )
            dependencies.append(frozenset(earlier))
            if call.label is not None:
                if call.label in producers or call.label in self.known_labels:
                    raise ValueError(
                        f"call {index + 1} ({call.name}) has the label {call.label} "
                        "of an earlier call"
                    )
                producers[call.label] = index
        return tuple(dependencies)
