"""Nested calls: an argument refers to an earlier call's output."""

from __future__ import annotations

from tasks.renderers.call_sequences import render_call_turns
from tasks.renderers.example import Example, RenderingContext
from tasks.renderers.labels import has_reference
from tasks.sources.episode import Episode
from tasks.subtasks import NESTED_CALLS

INSTRUCTIONS = (
    "Call functions, passing labelled outputs on to later calls, or no_function.",
    "Write nested calls: refer to earlier outputs by label. Else no_function.",
    "Answer with calls that use earlier outputs by label, or no_function.",
)


def render(episode: Episode, context: RenderingContext) -> list[Example]:
    """One example for each call turn with a reference, to a call of this turn or of an earlier one.

    Calls of earlier turns are shown with their results, and all of them with labels.
    """
    return render_call_turns(
        episode,
        NESTED_CALLS,
        INSTRUCTIONS,
        context,
        qualifies=lambda graph: has_reference(graph.calls),
        label_all_shown=True,
    )
