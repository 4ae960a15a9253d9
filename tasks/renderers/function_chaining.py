"""Function chaining: two or more calls whose order matters, in that order."""

from __future__ import annotations

from tasks.renderers.call_sequences import render_episode
from tasks.renderers.example import Example, RenderingContext
from tasks.sources.episode import Episode
from tasks.subtasks import FUNCTION_CHAINING

INSTRUCTIONS = (
    "Write the sequence of calls that the conversation needs, or no_function.",
    "Chain function calls, first to last. If none fits, no_function.",
    "List all function calls in the order they are needed, or no_function.",
)


def render(episode: Episode, context: RenderingContext) -> list[Example]:
    """One example for an episode whose calls have an order: all calls of the conversation.

    An order is given by calls in several call turns, or by a call that uses the output of another
    of its turn. A single turn of independent calls has none; it is left to parallel calls.
    """
    if episode.no_call_reason is None and not _has_order(episode):
        return []
    return render_episode(episode, FUNCTION_CHAINING, INSTRUCTIONS, context, min_calls=2)


def _has_order(episode: Episode) -> bool:
    graphs = [turn.calls for _, turn in episode.call_turns() if len(turn.calls)]
    return len(graphs) >= 2 or any(graph.is_nested for graph in graphs)
