"""Parameter detection: the values that the text gives for the parameters of known functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.reference import references_in
from granite_fc.calls.spec import FunctionSpec
from tasks.keyed import chance
from tasks.renderers.assembly import assemble, calls_of, last_user_turn, uses_negative
from tasks.renderers.example import Example, RenderingContext
from tasks.renderers.instructions import Instructions
from tasks.renderers.mentioned import Heard
from tasks.renderers.unclear_values import (
    TRUTH,
    could_be_about,
    is_said,
    is_unclear,
    is_unsaid_number,
    name_words,
)
from tasks.renderers.values import EarlierCalls, Outputs, skipped_turns
from tasks.sources.episode import Episode
from tasks.sources.said_dates import moment
from tasks.subtasks import PARAMETER_DETECTION

INSTRUCTIONS = Instructions(
    short=(
        "Write values said as JSON, a line for each call that has a value; {} only if none has.",
        "Which values are said? JSON, a line for each call that has a value; {} only if none has.",
        "Extract parameter values: JSON, a line for each call that has a value; {} only if none"
        " has.",
    ),
    long=(
        "Find the values that the conversation gives for the parameters of the functions below."
        " Write one JSON object a line for each call that has a value, with the parameters that"
        " have one and no others. Write {} only if no call has a value.",
        "Fill in the parameters from what is said. The output is a JSON object of names and values,"
        " a line for each call that has a value; leave out what nobody mentions. The output is {}"
        " only if no call has a value.",
        "Detect the parameter-value pairs in the text. Use the names of the parameters as keys and"
        " their values in the types that the functions take, one JSON object a line for each call"
        " that has a value. {} is the answer only if none has.",
        "Which values does the conversation give for these parameters? Answer with JSON objects,"
        " a line for each call that has a value, in the order of the calls; with {} only if none"
        " has.",
    ),
)

_NOTHING = "{}"


def render(episode: Episode, context: RenderingContext) -> list[Example]:
    """One example for each call turn of which the text gives a value.

    The targets have one JSON object for each call with such values, one a line, and the library
    only the functions of these calls. What a reference leads to, what results have and a default
    count only if they are also said.
    Functions with a call of which it is not clear what the text gives (`is_unclear`), such as a
    part of a list from results, are not asked about ("partly_said" counts the turns in which no
    value is left then). A whole number that nobody says is left out.
    Negatives: where no function fits, the parameters of the first one on offer are asked for that
    the conversation neither calls nor might be about (`could_be_about`), and where all values of a
    turn's calls come from other calls, theirs, for the share `RenderingConfig.nothing_left_rate` of
    such turns; the answer is `{}`.
    """
    if episode.no_call_reason is not None:
        return _negative(episode, context)
    examples: list[Example] = []
    specs = {spec.name: spec for spec in episode.functions}
    skipped = skipped_turns(episode, context.config.ungrounded)
    for index, turn in episode.call_turns():
        before = episode.turns[:index]
        heard, earlier = Heard(before), EarlierCalls(before)
        outputs = Outputs(episode.turns[: index + 1])
        unclear = {
            call.name for call in turn.calls if is_unclear(episode, index, call, heard, outputs)
        }
        asked = [call for call in turn.calls if call.name not in unclear]
        pairs = [_pairs(call, specs.get(call.name), heard, earlier, outputs) for call in asked]
        given = [json.dumps(found, ensure_ascii=False) for found in pairs if found]
        needed = {call.name for call, found in zip(asked, pairs, strict=True) if found}
        if not given and unclear:
            context.count("partly_said")
        elif not given and any(call.arguments for call in asked):
            given = [_NOTHING] * _is_taken_without_values(episode, index, context)
        if given and index in skipped:
            context.count("ungrounded")
        elif given:
            examples += assemble(
                episode,
                PARAMETER_DETECTION,
                INSTRUCTIONS,
                context,
                turns=before,
                targets="\n".join(given),
                needed=needed or set(turn.calls.names),
                request_start=0,
                with_distractors=False,
            )
    return examples


def _negative(episode: Episode, context: RenderingContext) -> list[Example]:
    turns = episode.turns[: last_user_turn(episode) + 1]
    heard, calls = Heard(turns), calls_of(turns)
    called = {call.name for call in calls}
    uncalled = [
        spec.name
        for spec in episode.functions
        if spec.properties and spec.name not in called and not could_be_about(spec, heard, calls)
    ]
    if episode.no_call_reason != "no_function" or not uncalled:
        return []
    if not uses_negative(episode, PARAMETER_DETECTION, context):
        return []
    return assemble(
        episode,
        PARAMETER_DETECTION,
        INSTRUCTIONS,
        context,
        turns=turns,
        targets=_NOTHING,
        needed=uncalled[:1],
        with_distractors=False,
    )


def _is_taken_without_values(episode: Episode, index: int, context: RenderingContext) -> bool:
    """Whether a call turn of which the text gives no value is asked about; most only confirm."""
    config = context.config
    key = (config.seed, episode.episode_id, PARAMETER_DETECTION, "no value", index)
    return chance(config.nothing_left_rate, *key)


def _pairs(
    call: Call, spec: FunctionSpec | None, heard: Heard, earlier: EarlierCalls, outputs: Outputs
) -> dict[str, Any]:
    properties = spec.properties if spec else {}
    pairs = {}
    for name, value in call.arguments.items():
        if any(True for _ in references_in(value)):
            if not is_said(value, heard, outputs):
                continue
            value = outputs.resolve(value)
        elif earlier.alone_give(value, spec, lambda: heard.said):
            continue
        is_unsaid = _is_unsaid_default(name, value, properties.get(name, {}), heard)
        if not is_unsaid and not is_unsaid_number(value, heard):
            pairs[name] = value
    return pairs


def _is_unsaid_default(name: str, value: Any, schema: Mapping[str, Any], heard: Heard) -> bool:
    if "default" not in schema or schema["default"] != value:
        return False
    is_truth = str(value).casefold() in TRUTH
    if is_truth or ("enum" in schema and isinstance(value, str) and _is_word(value)):
        # One of a few words ("Check") stands elsewhere too: only what leads to this call counts.
        heard = heard.since_last_call
    if is_truth and any(map(heard.said.says, name_words(name))):
        # "Without subtitles" says it of a parameter `subtitles`.
        return False
    return not heard.mentions(value)


def _is_word(text: str) -> bool:
    return moment(text) is None and not text.isdecimal()
