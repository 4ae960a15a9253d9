"""Parallel calls: two or more calls side by side, none of which needs another's output."""

from __future__ import annotations

from tasks.renderers.call_sequences import render_call_turns
from tasks.renderers.example import Example, RenderingContext
from tasks.sources.episode import Episode
from tasks.subtasks import PARALLEL_CALLS

INSTRUCTIONS = (
    "Write all calls that the request needs side by side, or no_function.",
    "Call a function for each thing asked. If none fits, no_function.",
    "Answer with independent function calls, or no_function.",
)


def render(episode: Episode, context: RenderingContext) -> list[Example]:
    """One example for each call turn of two or more calls without an edge among them.

    Calls in turns of their own have an order, and are left to function chaining.
    """
    return render_call_turns(
        episode,
        PARALLEL_CALLS,
        INSTRUCTIONS,
        context,
        qualifies=lambda graph: graph.is_parallel,
    )
