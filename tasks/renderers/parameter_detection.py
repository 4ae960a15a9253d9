"""Parameter detection: the values that the text gives for the parameters of known functions."""

from __future__ import annotations

import json
import re
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.reference import references_in
from granite_fc.calls.spec import FunctionSpec
from tasks.renderers.assembly import assemble, last_user_turn, uses_negative
from tasks.renderers.example import Example, RenderingContext
from tasks.sources.episode import CallTurn, Episode, Turn
from tasks.subtasks import PARAMETER_DETECTION

INSTRUCTIONS = (
    "Write the parameter values that the text gives, as JSON, a line for each call.",
    "Which parameters have a value in the text? JSON, a line for each call.",
    "Extract the parameter-value pairs as JSON, one object a line.",
)

_NOTHING = "{}"


def render(episode: Episode, context: RenderingContext) -> list[Example]:
    """One example for each call turn of which the text gives a value, with its functions alone.

    The targets have one JSON object for each call with such values, one a line. A reference is no
    value of the text, nor is a default that nobody mentions. Where no function fits, the parameters
    of the first one on offer are asked for, and the answer is `{}`.
    """
    if episode.no_call_reason is not None:
        return _negative(episode, context)
    examples: list[Example] = []
    specs = {spec.name: spec for spec in episode.functions}
    for index, turn in episode.call_turns():
        said = _said(episode.turns[:index])
        pairs = [_pairs(call, specs.get(call.name), said) for call in turn.calls]
        given = [json.dumps(found, ensure_ascii=False) for found in pairs if found]
        if given:
            examples += assemble(
                episode,
                PARAMETER_DETECTION,
                INSTRUCTIONS,
                context,
                turns=episode.turns[:index],
                targets="\n".join(given),
                needed=set(turn.calls.names),
                whole_conversation=True,
                with_distractors=False,
            )
    return examples


def _negative(episode: Episode, context: RenderingContext) -> list[Example]:
    with_parameters = [spec.name for spec in episode.functions if spec.properties]
    if episode.no_call_reason != "no_function" or not with_parameters:
        return []
    if not uses_negative(episode, PARAMETER_DETECTION, context):
        return []
    return assemble(
        episode,
        PARAMETER_DETECTION,
        INSTRUCTIONS,
        context,
        turns=episode.turns[: last_user_turn(episode) + 1],
        targets=_NOTHING,
        needed=(with_parameters[0],),
        with_distractors=False,
    )


def _pairs(call: Call, spec: FunctionSpec | None, said: str) -> dict[str, Any]:
    properties = spec.properties if spec else {}
    pairs = {}
    for name, value in call.arguments.items():
        if any(True for _ in references_in(value)):
            continue
        schema = properties.get(name, {})
        if "default" in schema and schema["default"] == value and not _mentioned(value, said):
            continue
        pairs[name] = value
    return pairs


def _mentioned(value: Any, said: str) -> bool:
    text = value if isinstance(value, str) else json.dumps(value)
    return re.search(rf"(?<!\w){re.escape(text.casefold())}(?!\w)", said) is not None


def _said(turns: tuple[Turn, ...]) -> str:
    return "\n".join(turn.text for turn in turns if not isinstance(turn, CallTurn)).casefold()
