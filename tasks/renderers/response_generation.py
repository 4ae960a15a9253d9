"""Response generation: what to say to the user, after the calls and what they returned."""

from __future__ import annotations

from tasks.renderers.assembly import (
    assemble,
    calls_of,
    last_user_turn,
    uses_negative,
    wanted_function,
)
from tasks.renderers.example import Example, RenderingContext
from tasks.renderers.instructions import Instructions
from tasks.renderers.labels import number_labels
from tasks.sources.episode import AssistantTurn, Episode
from tasks.subtasks import RESPONSE_GENERATION

INSTRUCTIONS = Instructions(
    short=(
        "Reply to the user, given the function calls and responses.",
        "Continue as the ASSISTANT, from what the functions returned.",
        "Write the next reply from the calls and responses so far.",
    ),
    long=(
        "You see a conversation with function calls and what they returned. Write what the"
        " assistant says to the user next, in natural language and true to the results.",
        "Tell the user what came of the request. Use the values that the functions returned, and"
        " make up none.",
        "The calls below have been made for the user. Sum up what they returned in a short reply"
        " that fits the conversation. Ask for what is missing where nothing could be called.",
        "Continue the conversation as the assistant: one reply in words, based on the calls and"
        " their responses, without a further call.",
    ),
)


def render(episode: Episode, context: RenderingContext) -> list[Example]:
    """One example for each reply right after calls whose results are known, if it is grounded.

    Negatives, of an episode that ends in a request without a call: the reply to that request,
    which says that no function fits or asks for the missing value.
    """
    if episode.no_call_reason is not None:
        if not uses_negative(episode, RESPONSE_GENERATION, context):
            return []
        replies = [last_user_turn(episode) + 1]
    else:
        replies = [
            index + 1
            for index, turn in episode.call_turns()
            if len(turn.results) == len(turn.calls)
        ]
    return [example for index in replies for example in _reply(episode, context, index)]


def _reply(episode: Episode, context: RenderingContext, index: int) -> list[Example]:
    turn = episode.turns[index] if index < len(episode.turns) else None
    if not isinstance(turn, AssistantTurn):
        return []
    if not turn.grounded and context.config.ungrounded == "skip":
        context.count("ungrounded")
        return []
    dialect = context.dialect(episode.episode_id, RESPONSE_GENERATION)
    turns = episode.turns[:index]
    shown, _ = number_labels(calls_of(turns), ())
    return assemble(
        episode,
        RESPONSE_GENERATION,
        INSTRUCTIONS,
        context,
        turns=turns,
        targets=dialect.plain_text(turn.text),
        needed=wanted_function(episode),
        shown=shown,
    )
