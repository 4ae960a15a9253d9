"""Name detection: which functions are needed, in order, and nothing about their arguments."""

from __future__ import annotations

from granite_fc.calls.call import NO_FUNCTION
from tasks.renderers.assembly import assemble, assemble_negative, calls_of
from tasks.renderers.call_sequences import last_call_turn
from tasks.renderers.example import Example, RenderingContext
from tasks.sources.episode import Episode
from tasks.subtasks import NAME_DETECTION

INSTRUCTIONS = (
    "Name the functions to call, in order, one a line, or no_function.",
    "Which functions are needed? Only names, one a line. If none, no_function.",
    "List the names of the functions needed, one a line, or no_function.",
)


def render(episode: Episode, context: RenderingContext) -> list[Example]:
    """One example for the episode: the names of all calls, one a line, each as often as called."""
    calls = calls_of(episode.turns)
    if episode.no_call_reason is not None:
        if calls:
            return []
        return assemble_negative(
            episode, NAME_DETECTION, INSTRUCTIONS, context, targets=NO_FUNCTION
        )
    if not calls:
        return []
    names = [call.name for call in calls]
    return assemble(
        episode,
        NAME_DETECTION,
        INSTRUCTIONS,
        context,
        turns=episode.turns[: last_call_turn(episode)],
        targets="\n".join(names),
        needed=set(names),
        whole_conversation=True,
    )
