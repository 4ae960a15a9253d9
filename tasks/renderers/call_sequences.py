"""What the sub-tasks that write calls in full have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.syntax import print_calls
from tasks.renderers.assembly import assemble, assemble_negative, calls_of
from tasks.renderers.example import Example, RenderingContext
from tasks.renderers.labels import number_labels
from tasks.sources.episode import Episode

NO_CALLS = print_calls(())


def render_call_turns(
    episode: Episode,
    subtask: str,
    instructions: Sequence[str],
    context: RenderingContext,
    *,
    qualifies: Callable[[CallGraph], bool],
    label_all_shown: bool = False,
) -> list[Example]:
    """One example for each call turn that qualifies, after the turns before it, or one negative."""
    if episode.no_call_reason is not None:
        return assemble_negative(episode, subtask, instructions, context, targets=NO_CALLS)
    examples: list[Example] = []
    before: list[Call] = []
    for index, turn in episode.call_turns():
        calls = tuple(turn.calls)
        if qualifies(turn.calls):
            shown, target = number_labels(before, calls, label_all_shown=label_all_shown)
            examples += assemble(
                episode,
                subtask,
                instructions,
                context,
                turns=episode.turns[:index],
                targets=print_calls(target),
                needed=turn.calls.names,
                shown=shown,
                referring=target,
            )
        before.extend(calls)
    return examples


def render_episode(
    episode: Episode,
    subtask: str,
    instructions: Sequence[str],
    context: RenderingContext,
    *,
    min_calls: int,
) -> list[Example]:
    """One example for the episode: what is said before the last calls, and all calls in a row.

    An episode that ends in a request without a call is a negative, unless calls come before: these
    the conversation as a whole does need.
    """
    calls = calls_of(episode.turns)
    if episode.no_call_reason is not None:
        if calls:
            return []
        return assemble_negative(episode, subtask, instructions, context, targets=NO_CALLS)
    if len(calls) < min_calls:
        return []
    _, target = number_labels((), calls)
    return assemble(
        episode,
        subtask,
        instructions,
        context,
        turns=episode.turns[: last_call_turn(episode)],
        targets=print_calls(target),
        needed={call.name for call in calls},
        whole_conversation=True,
    )


def last_call_turn(episode: Episode) -> int:
    """Index of the last call turn of an episode that has one."""
    return max(index for index, _ in episode.call_turns())
