"""From what a sub-task asks about an episode to an example that fits."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from granite_fc.calls.call import Call
from granite_fc.calls.reference import references_in
from tasks.renderers.conversation import conversation
from tasks.renderers.example import Example, RenderingContext
from tasks.renderers.keyed import keyed_choice, keyed_fraction
from tasks.renderers.labels import number_labels
from tasks.renderers.library import library
from tasks.renderers.prompt import Prompt, fit
from tasks.sources.episode import CallTurn, Episode, Turn, UserTurn


def assemble(
    episode: Episode,
    subtask: str,
    instructions: Sequence[str],
    context: RenderingContext,
    *,
    turns: Sequence[Turn],
    targets: str,
    needed: Collection[str],
    shown: Sequence[Call] | None = None,
    referring: Sequence[Call] = (),
    whole_conversation: bool = False,
    with_distractors: bool = True,
) -> list[Example]:
    """Makes one example, or none if it is too long.

    Args:
        episode: The episode.
        subtask: The sub-task.
        instructions: Phrasings to choose from, by the episode.
        context: The settings.
        turns: The conversation up to the place where the model is to write.
        targets: What it is to write.
        needed: Functions that the library has to have, beside those called in the request.
        shown: The calls that the prompt shows, in place of those in `turns`; None shows no calls.
        referring: The calls of the target: what they refer to is part of the request.
        whole_conversation: Whether the target answers all of the conversation, and not only its
            last exchange: then nothing of it is history that may be trimmed.
        with_distractors: Whether the library has functions that are not needed.
    """
    exchanges = conversation(turns, shown)
    first, called = 0, set(needed)
    if not whole_conversation:
        first, request_calls = _request(turns, shown or (), referring, len(exchanges) - 1)
        called.update(call.name for call in request_calls)
    config = context.config
    prompt = Prompt(
        instruction=keyed_choice(
            instructions, config.seed, episode.episode_id, subtask, "instruction"
        ),
        library=library(episode, subtask, called, config, with_distractors=with_distractors),
        history=tuple(exchanges[:first]),
        request="".join(exchanges[first:]),
    )
    example = fit(prompt, targets, context, episode_id=episode.episode_id)
    return [] if example is None else [example]


def assemble_negative(
    episode: Episode,
    subtask: str,
    instructions: Sequence[str],
    context: RenderingContext,
    *,
    targets: str,
) -> list[Example]:
    """Makes the example of an episode whose last request no call answers.

    A missing value can only be known where the library shows parameters, so with the detail
    "description" such episodes are left out.
    """
    if not uses_negative(episode, subtask, context):
        return []
    detail = context.config.detail_of(subtask)
    if episode.no_call_reason == "missing_parameter" and detail == "description":
        return []
    turns = episode.turns[: last_user_turn(episode) + 1]
    shown, _ = number_labels(calls_of(turns), ())
    return assemble(
        episode,
        subtask,
        instructions,
        context,
        turns=turns,
        targets=targets,
        needed=wanted_function(episode),
        shown=shown,
    )


def uses_negative(episode: Episode, subtask: str, context: RenderingContext) -> bool:
    """Whether this sub-task takes this negative, by `RenderingConfig.negative_rates`."""
    config = context.config
    fraction = keyed_fraction(config.seed, episode.episode_id, subtask, "negative")
    return fraction < config.negative_rate_of(subtask)


def wanted_function(episode: Episode) -> tuple[str, ...]:
    """The function that lacks a value, where that is why nothing is called.

    Sources list it after those that were called before.
    """
    if episode.no_call_reason != "missing_parameter":
        return ()
    called = {call.name for call in calls_of(episode.turns)}
    return tuple([spec.name for spec in episode.functions if spec.name not in called][:1])


def last_user_turn(episode: Episode) -> int:
    """Index of the last user turn."""
    turns = episode.turns
    return max(index for index, turn in enumerate(turns) if isinstance(turn, UserTurn))


def calls_of(turns: Sequence[Turn]) -> list[Call]:
    """All calls of the turns in order."""
    return [call for turn in turns if isinstance(turn, CallTurn) for call in turn.calls]


def _request(
    turns: Sequence[Turn], shown: Sequence[Call], referring: Sequence[Call], last: int
) -> tuple[int, list[Call]]:
    """The first exchange of the request, and the calls that the request shows.

    The request is the last exchange, and before it whatever its calls and those of the target
    refer to.
    """
    exchange_of_call: list[int] = []
    exchange = -1
    for turn in turns:
        if isinstance(turn, UserTurn):
            exchange += 1
        elif isinstance(turn, CallTurn):
            exchange_of_call.extend([exchange] * len(turn.calls))
    exchange_of_call = exchange_of_call[: len(shown)]
    exchange_of_label = {
        call.label: place for call, place in zip(shown, exchange_of_call, strict=True) if call.label
    }
    first = last
    if exchange_of_label:
        for call, place in zip(
            (*referring, *reversed(shown)),
            (*[last] * len(referring), *reversed(exchange_of_call)),
            strict=True,
        ):
            if place >= first:
                for reference in references_in(call.arguments):
                    first = min(first, exchange_of_label.get(reference.label, first))
    calls = [call for call, place in zip(shown, exchange_of_call, strict=True) if place >= first]
    return first, calls
