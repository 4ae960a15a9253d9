"""Next best function: the one to call after those called so far, or that nothing is left."""

from __future__ import annotations

from granite_fc.calls.call import NO_FUNCTION, Call
from tasks.renderers.assembly import assemble, assemble_negative
from tasks.renderers.example import Example, RenderingContext
from tasks.renderers.instructions import Instructions
from tasks.renderers.labels import number_labels
from tasks.renderers.values import calls_to_ask_about
from tasks.sources.episode import Episode
from tasks.subtasks import NEXT_BEST_FUNCTION

INSTRUCTIONS = Instructions(
    short=(
        "Name the next function to call, or no_function if nothing is left.",
        "Which function comes next? Only its name, or no_function if none.",
        "Given the calls so far, name the next function, or no_function.",
    ),
    long=(
        "You see a conversation with the function calls that were made so far and what they"
        " returned. Name the one function that has to be called next, without arguments. If nothing"
        " is left to call, write no_function.",
        "Choose the best next step from the functions below. Answer with the name of a single"
        " function, or with no_function when the calls so far are enough or no function fits.",
        "Given the request, the calls and their results, which function should be called now? Give"
        " only its name. Give no_function if no further call is needed.",
        "Continue the sequence of calls by one: the output is the name of the next function, or"
        " no_function at the end of the sequence.",
    ),
)


def render(episode: Episode, context: RenderingContext) -> list[Example]:
    """One example for each call of the episode, and one after the last, when nothing is left.

    Further negatives: no function fits; a required value is missing, where the library shows
    parameters. A call for which nobody gave a required text is shown but not asked for: the next
    step would have been a question (`tasks.renderers.values.calls_to_ask_about`).
    """
    if episode.no_call_reason is not None:
        return assemble_negative(
            episode, NEXT_BEST_FUNCTION, INSTRUCTIONS, context, targets=NO_FUNCTION
        )
    examples: list[Example] = []
    unclear = calls_to_ask_about(episode, context.config.ungrounded)
    before: list[Call] = []
    end = 0
    for index, turn in episode.call_turns():
        for position, call in enumerate(turn.calls):
            end = index if position == 0 else index + 1
            if (index, position) in unclear:
                context.count("ungrounded")
            else:
                examples += _step(episode, context, end, before, call)
            before.append(call)
        end = index + 1
    if before:
        examples += _step(episode, context, end, before, None)
    return examples


def _step(
    episode: Episode, context: RenderingContext, end: int, before: list[Call], call: Call | None
) -> list[Example]:
    shown, _ = number_labels(before, ())
    return assemble(
        episode,
        NEXT_BEST_FUNCTION,
        INSTRUCTIONS,
        context,
        turns=episode.turns[:end],
        targets=NO_FUNCTION if call is None else call.name,
        needed=() if call is None else (call.name,),
        shown=shown,
        named=() if call is None else (call,),
    )
