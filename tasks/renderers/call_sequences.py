"""What the sub-tasks that ask for calls, or for their names, have in common."""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from typing import NamedTuple

from granite_fc.calls.call import NO_FUNCTION, Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import references_in
from tasks.keyed import chance
from tasks.renderers.assembly import (
    assemble,
    assemble_last_request,
    assemble_negative,
    calls_of,
    last_user_turn,
)
from tasks.renderers.example import Example, RenderingContext
from tasks.renderers.instructions import Instructions
from tasks.renderers.labels import number_labels
from tasks.renderers.stretches import Exchange, graphs_of, partitions, runs
from tasks.renderers.values import depends_on_results, skipped_turns
from tasks.sources.episode import CallTurn, Episode

NO_CALLS: tuple[Call, ...] = ()


def render_call_turns(
    episode: Episode,
    subtask: str,
    instructions: Instructions,
    context: RenderingContext,
    *,
    qualifies: Callable[[CallGraph], bool],
    label_all_shown: bool = False,
) -> list[Example]:
    """One example for each call turn that qualifies, after the turns before it, or negatives.

    None for a turn right after which calls follow that could be asked for with it: nothing that the
    prompt shows tells that its calls end there.
    """
    if episode.no_call_reason is not None:
        return assemble_negative(
            episode,
            subtask,
            instructions,
            context,
            targets=NO_CALLS,
            label_all_shown=label_all_shown,
        )
    examples: list[Example] = []
    skipped = skipped_turns(episode, context.config.ungrounded)
    before: list[Call] = []
    for index, turn in episode.call_turns():
        calls = tuple(turn.calls)
        if qualifies(turn.calls) and index in skipped:
            context.count("ungrounded")
        elif qualifies(turn.calls) and (
            depends_on_results([turn], episode.turns[: index + 1], episode.functions)
            or _could_go_on(episode, index)
        ):
            context.count("hidden_result")
        elif qualifies(turn.calls):
            shown, target = number_labels(before, calls, label_all_shown=label_all_shown)
            found = assemble(
                episode,
                subtask,
                instructions,
                context,
                turns=episode.turns[:index],
                targets=target,
                needed=turn.calls.names,
                shown=shown,
            )
            count_references(target, context, len(found))
            examples += found
        before.extend(calls)
    if examples:
        examples += nothing_left(
            episode, subtask, instructions, context, label_all_shown=label_all_shown
        )
    return examples


def _could_go_on(episode: Episode, index: int) -> bool:
    """Whether the calls right after a call turn could be made without seeing its results."""
    turns = episode.turns[: index + 2]
    pair = [turn for turn in turns[index:] if isinstance(turn, CallTurn) and len(turn.calls)]
    return len(pair) > 1 and not depends_on_results(pair, turns, episode.functions)


def render_episode(
    episode: Episode,
    subtask: str,
    instructions: Instructions,
    context: RenderingContext,
    *,
    qualifies: Callable[[Sequence[CallGraph]], bool],
    names_only: bool = False,
) -> list[Example]:
    """One example for the episode: what is said before the last calls, and all calls in a row.

    Where that does not fit with three functions to choose from, and `RenderingConfig.shed_order`
    allows it, the calls are asked for in the fewest stretches of the conversation that do, about
    equally long; the calls before a stretch are shown. Where none do, fewer functions are enough.
    So it is where calls depend on what earlier results say. Calls that cannot be asked for, since a
    value comes from nowhere or depends on a result of the same exchange, are shown.

    An episode that ends in a request without a call is a negative, unless calls come before: these
    the conversation as a whole does need.

    Args:
        episode: The episode.
        subtask: The sub-task.
        instructions: The phrasings to choose from.
        context: The settings.
        qualifies: Whether these call turns in a row make an example.
        names_only: Whether the target is names, one a line, and no calls in full.
    """
    if episode.no_call_reason is not None:
        if calls_of(episode.turns):
            return []
        targets = NO_FUNCTION if names_only else NO_CALLS
        return assemble_negative(episode, subtask, instructions, context, targets=targets)
    examples: list[Example] = []
    found_runs = runs(episode, context, skips=not names_only)
    asked = [run for run in found_runs if qualifies(graphs_of(run))]
    if not asked and qualifies([graph for run in found_runs for graph in graphs_of(run)]):
        context.count("hidden_result")
    num_stretches = 0
    for run in asked:

        def attempt(stretches: Sequence[Sequence[Exchange]]) -> _Attempt:
            trial = context.on_trial()
            found: list[Example] = []
            for stretch in stretches:
                found += _stretch(
                    episode, subtask, instructions, trial, stretch, names_only=names_only
                )
            return _Attempt(found, trial.counts, len(stretches))

        chosen = _best_attempt(list(partitions(run, qualifies, context)), attempt)
        context.counts.update(chosen.counts)
        num_stretches += chosen.num_stretches
        examples += chosen.examples
    context.count("split_conversation", num_stretches > 1)
    return examples


class _Attempt(NamedTuple):
    """The examples of a run in one number of stretches."""

    examples: list[Example]
    counts: collections.Counter[str]
    num_stretches: int

    @property
    def lacks(self) -> tuple[bool, bool]:
        """Whether an example is too long, and whether one has few functions to choose from."""
        return bool(self.counts["too_long"]), bool(self.counts["few_functions"])


def _best_attempt(
    options: Sequence[Sequence[Sequence[Exchange]]],
    attempt: Callable[[Sequence[Sequence[Exchange]]], _Attempt],
) -> _Attempt:
    """The first of some ways to divide a run that lacks nothing, or else the one that lacks least.

    Args:
        options: The ways, of ever more stretches; at least one.
        attempt: Renders one.
    """
    chosen = previous = attempt(options[0])
    finest: _Attempt | None = None
    for stretches in options[1:]:
        if not any(chosen.lacks):
            break
        is_last = stretches is options[-1]
        found = finest if finest is not None and is_last else attempt(stretches)
        if found.lacks < chosen.lacks or chosen.counts["too_long"]:
            chosen = found
        elif not is_last and found.counts["few_functions"] >= previous.counts["few_functions"]:
            # More stretches do not help; if the shortest do not either, none in between will.
            finest = finest or attempt(options[-1])
            if any(finest.lacks):
                break
        previous = found
    return chosen


def nothing_left(
    episode: Episode,
    subtask: str,
    instructions: Instructions,
    context: RenderingContext,
    *,
    label_all_shown: bool = False,
) -> list[Example]:
    """The negative at the end of a conversation whose last request needs no further call."""
    last = last_user_turn(episode)
    if any(index > last for index, _ in episode.call_turns()):
        return []
    config = context.config
    key = (config.seed, episode.episode_id, subtask, "nothing left")
    if not chance(config.nothing_left_rate, *key):
        return []
    # The functions that were called are what the conversation could go on with.
    return assemble_last_request(
        episode,
        subtask,
        instructions,
        context,
        targets=NO_CALLS,
        needed={call.name for call in calls_of(episode.turns)},
        label_all_shown=label_all_shown,
    )


def count_references(calls: Sequence[Call], context: RenderingContext, num_examples: int) -> None:
    """Counts examples by what their calls refer to: calls of the same answer or earlier ones."""
    own = {call.label for call in calls}
    referred = {reference.label for call in calls for reference in references_in(call.arguments)}
    context.count("references_within_turn", num_examples * bool(referred & own))
    context.count("references_across_turns", num_examples * bool(referred - own))


def _stretch(
    episode: Episode,
    subtask: str,
    instructions: Instructions,
    context: RenderingContext,
    stretch: Sequence[Exchange],
    *,
    names_only: bool,
) -> list[Example]:
    """The example of the calls of a stretch."""
    end = stretch[-1].places[-1]
    calls = [call for graph in graphs_of(stretch) for call in graph]
    before = calls_of(episode.turns[: stretch[0].places[0]])
    shown, target = number_labels(before, () if names_only else calls)
    names = [call.name for call in calls]
    return assemble(
        episode,
        subtask,
        instructions,
        context,
        turns=episode.turns[:end],
        targets="\n".join(names) if names_only else target,
        needed=set(names),
        shown=shown,
        named=calls if names_only else (),
        request_start=stretch[0].start,
    )
