"""From what a sub-task asks about an episode to an example that fits."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from granite_fc.calls.call import Call
from granite_fc.calls.reference import references_in
from tasks.augmentations.config import NEGATIVE_KINDS
from tasks.keyed import chance
from tasks.renderers.conversation import conversation, opened
from tasks.renderers.example import Example, RenderingContext
from tasks.renderers.instructions import Instructions
from tasks.renderers.labels import number_labels
from tasks.renderers.library import library
from tasks.renderers.prompt import Prompt, fit
from tasks.renderers.values import first_exchange_needed
from tasks.sources.episode import CallTurn, Episode, Turn, UserTurn


def assemble(
    episode: Episode,
    subtask: str,
    instructions: Instructions,
    context: RenderingContext,
    *,
    turns: Sequence[Turn],
    targets: str | Sequence[Call],
    needed: Collection[str],
    shown: Sequence[Call] = (),
    named: Sequence[Call] = (),
    request_start: int | None = None,
    with_distractors: bool = True,
) -> list[Example]:
    """Makes one example, or none if it is too long.

    Args:
        episode: The episode.
        subtask: The sub-task.
        instructions: The phrasings to choose from.
        context: The settings.
        turns: The conversation up to the place where the model is to write.
        targets: What it is to write: a text, or calls.
        needed: Functions that the library has to have, beside those called in the request.
        shown: The calls that the prompt shows; the calls of `turns` after these are hidden.
        named: The calls of which the targets say the names alone, as the episode has them. What
            they refer to is part of the request; values that were said need not be known.
        request_start: The first exchange of the request; None for the last one of all. What is
            before is history, apart from what the calls refer to or take values from.
        with_distractors: Whether the library has functions that are not needed.
    """
    config = context.config
    dialect = context.dialect(episode.episode_id, subtask)
    calls = () if isinstance(targets, str) else targets
    exchanges = conversation(turns, shown, dialect)
    start = len(exchanges) - 1 if request_start is None else request_start
    places = _exchanges_of(turns, shown)
    if named:  # the labels that they refer to are not those of `shown`, which may have none
        known = calls_of(turns)
        at = _exchanges_of(turns, known)
        start = _request_start(known, at, named, len(exchanges) - 1, start)
    start = _request_start(shown, places, calls, len(exchanges) - 1, start)
    request_calls = [call for call, place in zip(shown, places, strict=True) if place >= start]

    def cuts() -> list[int]:
        needed_from = first_exchange_needed(_without_hidden(turns, len(shown)), calls)
        return _cuts(shown, places, min(start, needed_from))

    def opening(number: int) -> str:
        return opened(exchanges[number], turns, number, dialect)

    prompt = Prompt(
        dialect=dialect,
        instruction=instructions.choose(subtask, episode.episode_id, dialect, config),
        library=library(
            episode,
            subtask,
            {*needed, *(call.name for call in request_calls)},
            dialect,
            config,
            called={call.name: place for call, place in zip(shown, places, strict=True)},
            with_distractors=with_distractors,
        ),
        exchanges=tuple(exchanges),
        opening=opening,
        cuts=cuts,
    )
    text = targets if isinstance(targets, str) else dialect.print_calls(targets, len(shown))
    example = fit(prompt, text, context, episode_id=episode.episode_id)
    return [] if example is None else [example]


def assemble_negative(
    episode: Episode,
    subtask: str,
    instructions: Instructions,
    context: RenderingContext,
    *,
    targets: str | Sequence[Call],
    label_all_shown: bool = False,
) -> list[Example]:
    """Makes the example of an episode whose last request no call answers.

    A missing value can only be known where the library shows parameters, so with the detail
    "description" such episodes are left out.
    """
    if not uses_negative(episode, subtask, context):
        return []
    detail = context.config.detail_of(subtask, episode.episode_id)
    if episode.no_call_reason == "missing_parameter" and detail == "description":
        return []
    return assemble_last_request(
        episode,
        subtask,
        instructions,
        context,
        targets=targets,
        needed=wanted_function(episode),
        label_all_shown=label_all_shown,
    )


def assemble_last_request(
    episode: Episode,
    subtask: str,
    instructions: Instructions,
    context: RenderingContext,
    *,
    targets: str | Sequence[Call],
    needed: Collection[str] = (),
    label_all_shown: bool = False,
) -> list[Example]:
    """Makes the example that ends with the last thing that the user says, all calls shown.

    They have labels as in the sub-task's other examples, or these would tell whether one answers.
    """
    turns = episode.turns[: last_user_turn(episode) + 1]
    shown, _ = number_labels(calls_of(turns), (), label_all_shown=label_all_shown)
    return assemble(
        episode,
        subtask,
        instructions,
        context,
        turns=turns,
        targets=targets,
        needed=needed,
        shown=shown,
    )


def uses_negative(episode: Episode, subtask: str, context: RenderingContext) -> bool:
    """Whether this sub-task takes this negative, by `RenderingConfig.negative_rates`.

    Those that an augmentation made are all taken: it has made as many as are wanted.
    """
    if not set(NEGATIVE_KINDS).isdisjoint(episode.marks):
        return True
    config = context.config
    rate = config.negative_rate_of(subtask, episode.source)
    return chance(rate, config.seed, episode.episode_id, subtask, "negative")


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


def _without_hidden(turns: Sequence[Turn], num_shown: int) -> list[Turn]:
    """The turns that a prompt shows."""
    kept: list[Turn] = []
    for turn in turns:
        if isinstance(turn, CallTurn):
            num_shown -= len(turn.calls)
            if num_shown < 0:
                continue
        kept.append(turn)
    return kept


def _exchanges_of(turns: Sequence[Turn], shown: Sequence[Call]) -> list[int]:
    """The exchange of each shown call."""
    places: list[int] = []
    exchange = -1
    for turn in turns:
        if isinstance(turn, UserTurn):
            exchange += 1
        elif isinstance(turn, CallTurn):
            places.extend([exchange] * len(turn.calls))
    return places[: len(shown)]


def _request_start(
    shown: Sequence[Call], places: Sequence[int], target: Sequence[Call], last: int, first: int
) -> int:
    """The first exchange of the request: whatever its calls and the target refer to is part of it.

    Args:
        shown: The calls that the prompt shows.
        places: Their exchanges.
        target: The calls to be written.
        last: The exchange of these.
        first: The exchange with which the request would begin if nothing referred to others.
    """
    of_label = _exchange_of_label(shown, places)
    if of_label:
        for call, place in zip(
            (*target, *reversed(shown)), (*[last] * len(target), *reversed(places)), strict=True
        ):
            if place >= first:
                for reference in references_in(call.arguments):
                    first = min(first, of_label.get(reference.label, first))
    return first


def _cuts(shown: Sequence[Call], places: Sequence[int], most: int) -> list[int]:
    """How many of the oldest exchanges may go, so that no call that stays refers to one of them."""
    of_label = _exchange_of_label(shown, places)
    spans = [
        (of_label[reference.label], place)
        for call, place in zip(shown, places, strict=True)
        for reference in references_in(call.arguments)
        if reference.label in of_label
    ]
    return [
        number
        for number in range(1, most + 1)
        if not any(first < number <= last for first, last in spans)
    ]


def _exchange_of_label(shown: Sequence[Call], places: Sequence[int]) -> dict[str, int]:
    return {call.label: place for call, place in zip(shown, places, strict=True) if call.label}
