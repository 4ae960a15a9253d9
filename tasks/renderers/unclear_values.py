"""Which calls leave it open what their text says, and which functions it could be about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.reference import references_in
from granite_fc.calls.spec import FunctionSpec
from tasks.renderers.mentioned import Heard
from tasks.renderers.values import Outputs
from tasks.sources.episode import CallTurn, Episode
from tasks.sources.said import words_of
from tasks.sources.said_dates import dates_in, times_in

TRUTH = frozenset({"true", "false"})
_NAME_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# Words of names that say nothing about what is asked.
_EMPTY_WORDS = frozenset(
    words_of("allowed for good has have include includes is name need of type with")
)
_ID_WORDS = frozenset({"id", "ids", "identifier"})
_IDENTIFIER = re.compile(r"#\w*\d|[^\W\d_]_\d")
_MOMENT_WORDS = frozenset(words_of("date dates day time times hour"))
_DAY = re.compile(r"\b(?:today|tonight|tomorrow|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b")
_PLACE_WORDS = frozenset(
    words_of("address airport area city country destination from location origin place station to")
)
_PLACE = re.compile(r"\b(?:around|at|from|in|near|to) (?:the )?[A-Z]")
# Where somebody says who somebody is.
_INTRODUCTION = re.compile(
    r"\b(?i:my|his|her|our|whose) (?i:full |last |first )?(?i:name(?: is|['’]s)) \w"
    r"|\b(?i:this is|i['’]m|i am|call me) [A-Z][a-z]"
)
_PERSON_WORDS = frozenset(
    words_of("user customer full patient host renter guest caller person first last contact")
)
_PERSON_NAME = re.compile(r"\bname of whoever\b|\bfull name\b|\bperson's name\b", re.IGNORECASE)
# Shorter values occur in unrelated rows by chance.
_MIN_LENGTH = 3
_MAX_SMALL = 20


def is_unclear(episode: Episode, index: int, call: Call, heard: Heard, outputs: Outputs) -> bool:
    """Whether nothing decides which of a call's values the text gives.

    So it is where an argument is a list or an object of which a result has a part that is not said;
    where one comes from another call of the turn that takes nothing from the text, or is of the
    same function, so that what is said could be told of either; where a required whole number is
    said by nobody, or any is only as a part of something else; and where the call leaves out an
    optional value, without a default, that was said of the row which it is about.

    Args:
        episode: The conversation.
        index: The turn of the call.
        call: The call.
        heard: What is said before the turn.
        outputs: What calls returned.
    """
    turn = episode.turns[index]
    others = [o for o in turn.calls if o is not call] if isinstance(turn, CallTurn) else []
    if any(other.name == call.name and call.label in _labels(other.arguments) for other in others):
        return True
    of_label = {other.label: other for other in others if other.label is not None}
    spec = next((spec for spec in episode.functions if spec.name == call.name), None)
    for name, value in call.arguments.items():
        labels = _labels(value)
        sources = [of_label[label] for label in labels if label in of_label]
        if any(not other.arguments or other.name == call.name for other in sources):
            return True
        is_whole = isinstance(value, Mapping | list | tuple)
        if is_whole and labels and not is_said(value, heard, outputs):
            return True
        if is_unsaid_number(value, heard):
            is_required = spec is not None and name in spec.required
            if is_required or heard.said.says(value):
                return True
    return spec is not None and _leaves_out_what_was_said(
        episode, index, call, spec, heard, outputs
    )


def is_said(value: Any, heard: Heard, outputs: Outputs) -> bool:
    """Whether the conversation mentions a value, with what its references lead to."""
    try:
        return heard.mentions(outputs.resolve(value))
    except LookupError:
        return False


def is_unsaid_number(value: Any, heard: Heard) -> bool:
    """Whether a value is a whole number that the conversation does not mention.

    Small ones are parts of many other things; of a large one the figures are enough ("$200,000").
    """
    if not isinstance(value, int) or isinstance(value, bool) or heard.mentions(value):
        return False
    return abs(value) <= _MAX_SMALL or not heard.said.says(value)


def could_be_about(spec: FunctionSpec, heard: Heard, calls: Collection[Call]) -> bool:
    """Whether a text may give a value to a function that it does not ask for.

    It may where a call has a parameter of the same name, and where the text says a value that the
    function lists, a word of a parameter's name, or any identifier, date, time of day, place or
    person's name if the function takes such a value.
    """
    text = " ".join(heard.texts)
    passed = {name for call in calls for name in call.arguments}
    for name, schema in spec.properties.items():
        words = name_words(name)
        if name in passed or any(map(heard.said.says, words - _ID_WORDS)):
            return True
        listed = (str(value) for value in schema.get("enum", ()))
        if any(value.casefold() not in TRUTH and heard.mentions(value) for value in listed):
            return True
        described = {*name.casefold().split("_"), *words_of(name), *words}
        described.update(words_of(str(schema.get("description", ""))))
        if not described.isdisjoint(_ID_WORDS) and _IDENTIFIER.search(text):
            return True
        if not words.isdisjoint(_PLACE_WORDS) and _PLACE.search(text):
            return True
        if not words.isdisjoint(_MOMENT_WORDS) and _tells_moment(text.casefold()):
            return True
        if _is_name_of_person(name, schema) and _INTRODUCTION.search(text):
            return True
    return False


def name_words(name: str) -> frozenset[str]:
    """The words of a parameter's name, in whatever style, that say what it is about."""
    words = (word.casefold() for word in _NAME_WORD.findall(name))
    return frozenset(word for word in words if len(word) > 1) - _EMPTY_WORDS


def _is_name_of_person(name: str, schema: Mapping[str, Any]) -> bool:
    words = {word.casefold() for word in _NAME_WORD.findall(name)}
    is_named = "name" in words and not words.isdisjoint(_PERSON_WORDS)
    return is_named or _PERSON_NAME.search(str(schema.get("description", ""))) is not None


def _tells_moment(text: str) -> bool:
    return bool(_DAY.search(text) or dates_in(text) or times_in(text))


def _labels(value: Any) -> set[str]:
    return {reference.label for reference in references_in(value)}


def _leaves_out_what_was_said(
    episode: Episode,
    index: int,
    call: Call,
    spec: FunctionSpec,
    heard: Heard,
    outputs: Outputs,
) -> bool:
    left_out = {
        name
        for name, schema in spec.properties.items()
        if name not in call.arguments and name not in spec.required and "default" not in schema
    }
    if not left_out:
        return False
    services = episode.services
    passed = {}
    for name, value in call.arguments.items():
        try:
            passed[name] = outputs.resolve(value)
        except LookupError:
            continue
    return any(
        any(_tells(row.get(name)) and row.get(name) == value for name, value in passed.items())
        and any(_tells(row.get(name)) and heard.mentions(row[name]) for name in left_out)
        for turn in episode.turns[:index]
        if isinstance(turn, CallTurn)
        for other, result in zip(turn.calls, turn.results, strict=False)
        if other.name != call.name and services.get(other.name, "") == services.get(call.name)
        for row in _rows(result)
    )


def _tells(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= _MIN_LENGTH and value.casefold() not in TRUTH


def _rows(result: Any) -> Iterator[Mapping[str, Any]]:
    """Yields the objects in a result."""
    if isinstance(result, Mapping):
        yield result
        for item in result.values():
            yield from _rows(item)
    elif isinstance(result, list | tuple):
        for item in result:
            yield from _rows(item)
