"""The umbrella task: every episode once, as its full call sequence."""

from __future__ import annotations

from tasks.renderers.call_sequences import render_episode
from tasks.renderers.example import Example, RenderingContext
from tasks.sources.episode import Episode
from tasks.subtasks import UMBRELLA

INSTRUCTIONS = (
    "Write the function calls that answer the user. If none fits, no_function.",
    "Answer the user with function calls, or with no_function.",
    "Which function calls does the user need? If none, no_function.",
)


def render(episode: Episode, context: RenderingContext) -> list[Example]:
    """One example for the episode: all its calls, or `no_function`."""
    return render_episode(episode, UMBRELLA, INSTRUCTIONS, context, min_calls=1)
