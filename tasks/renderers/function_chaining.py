"""Function chaining: two or more calls in the order in which they are needed."""

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
    """One example for an episode of two or more calls: all calls of the conversation, in order."""
    return render_episode(episode, FUNCTION_CHAINING, INSTRUCTIONS, context, min_calls=2)
