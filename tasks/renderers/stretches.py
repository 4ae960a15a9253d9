"""Parts of a conversation whose calls are asked for together."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence

from granite_fc.calls.graph import CallGraph
from tasks.renderers.example import RenderingContext
from tasks.renderers.values import calls_to_ask_about, depends_on_results, skipped_turns
from tasks.sources.episode import STOPPED, CallTurn, Episode, UserTurn


@dataclasses.dataclass(frozen=True)
class Exchange:
    """An exchange with calls.

    Attributes:
        start: The exchange after the one with calls before it, counted from the first.
        places: Indices in the episode's turns of its call turns.
        turns: These.
    """

    start: int
    places: tuple[int, ...]
    turns: tuple[CallTurn, ...]


def graphs_of(exchanges: Sequence[Exchange]) -> list[CallGraph]:
    """The calls of exchanges, a graph for each call turn."""
    return [turn.calls for exchange in exchanges for turn in exchange.turns]


def runs(episode: Episode, context: RenderingContext, *, skips: bool) -> list[list[Exchange]]:
    """The exchanges with calls, apart where their results have to be seen.

    The last exchange is left out where only what it returned ends the calls. Results that later
    calls depend on are shown, and so are calls that cannot be asked for. Where the question is the
    functions alone, it is about all exchanges, up to the last that does not have a call for which
    the assistant would have had to ask for a value.

    Args:
        episode: The episode.
        context: The settings.
        skips: Whether calls are asked for with their arguments, and not the functions alone.
    """
    exchanges = list(_exchanges(episode))
    if exchanges and STOPPED in episode.marks:
        context.count("hidden_result")
        exchanges.pop()
    if not skips:
        return [named] if (named := _nameable(exchanges, episode, context)) else []
    skipped = skipped_turns(episode, context.config.ungrounded)
    found: list[list[Exchange]] = [[]]
    for exchange in exchanges:
        if not skipped.isdisjoint(exchange.places):
            context.count("ungrounded")
            found.append([])
        elif _depends(exchange, [], episode):
            context.count("hidden_result")
            found.append([])
        else:
            if _depends(exchange, found[-1], episode):
                found.append([])
            found[-1].append(exchange)
    return [run for run in found if run]


def _nameable(
    exchanges: Sequence[Exchange], episode: Episode, context: RenderingContext
) -> list[Exchange]:
    policy = context.config.ungrounded
    unclear = {turn for turn, _ in calls_to_ask_about(episode, policy)}
    found = list(exchanges)
    while found and not unclear.isdisjoint(found[-1].places):
        context.count("ungrounded")
        found.pop()
    return found


def _exchanges(episode: Episode) -> Iterator[Exchange]:
    """Yields the exchanges with calls."""
    places: dict[int, list[int]] = {}
    index, previous = -1, -1
    for place, turn in enumerate(episode.turns):
        index += isinstance(turn, UserTurn)
        if isinstance(turn, CallTurn) and len(turn.calls):
            places.setdefault(index, []).append(place)
    for index, found in places.items():
        turns = tuple(t for t in (episode.turns[p] for p in found) if isinstance(t, CallTurn))
        yield Exchange(previous + 1, tuple(found), turns)
        previous = index


def _depends(exchange: Exchange, run: Sequence[Exchange], episode: Episode) -> bool:
    """Whether the calls of an exchange need the results of its own or of a run."""
    hidden = [turn for one in run for turn in one.turns]
    turns = episode.turns[: exchange.places[-1] + 1]
    return depends_on_results(exchange.turns, turns, episode.functions, hidden)


def partitions(
    run: list[Exchange],
    qualifies: Callable[[Sequence[CallGraph]], bool],
    context: RenderingContext,
) -> Iterator[list[list[Exchange]]]:
    """Yields the run whole, then in ever more stretches of which each qualifies."""
    yield [run]
    if context.config.too_long != "shed" or "conversation" not in context.config.shed_order:
        return
    for parts in range(2, len(run) + 1):
        bounds = [round(part * len(run) / parts) for part in range(parts + 1)]
        stretches = [run[a:b] for a, b in itertools.pairwise(bounds)]
        if not all(qualifies(graphs_of(stretch)) for stretch in stretches):
            return
        yield stretches
