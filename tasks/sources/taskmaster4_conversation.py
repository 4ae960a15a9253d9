"""A conversation of Taskmaster-4 as turns with literal calls."""

from __future__ import annotations

import collections
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from tasks.sources.episode import AssistantTurn, CallTurn, Turn, UserTurn
from tasks.sources.json_records import read_value
from tasks.sources.said import Said, words_of
from tasks.sources.taskmaster4_functions import WORDED
from tasks.sources.taskmaster4_spelling import Spelling
from tasks.sources.value_links import leaves

# What a placeholder of the collection's instructions looks like.
_PLACEHOLDER = re.compile(r"\bvar_[a-z]")
_ESCAPED_BREAK = re.compile(r"(\\[rn])+\s*$")
# Shows the whole menu and searches it; one of the two answers any question.
_MENU_TWICE = ["show_menu", "get_menu_items"]
# The menu's words for kinds of things, which people leave out: "caramel" is "Caramel Sauce".
_KINDS = frozenset({"drink", "latte", "milk", "or", "sauce", "sweetener", "syrup", "tea"})
_MIN_PREFIX = 4


class MalformedCallError(ValueError):
    """A call or its response cannot be read."""


class UnfilledTemplateError(ValueError):
    """A response has a placeholder in the place of a value."""


class Conversation:
    """One conversation, read.

    Args:
        utterances: The record's utterances.

    Attributes:
        turns: Its turns; calls have literal arguments.
        given: Index of a user turn to values that it gives in other words: without the menu's word
            for the kind of thing, or abbreviated.
        coercions: What was changed, by rule.

    Raises:
        MalformedCallError: The first call cannot be read.
        UnfilledTemplateError: A response has a placeholder.
        KeyError: A part is missing.
        TypeError: A part is of the wrong type.
    """

    def __init__(self, utterances: Sequence[Mapping[str, Any]]) -> None:
        self.turns: list[Turn] = []
        self.given: dict[int, set[str]] = {}
        self._spelling = Spelling()
        self.coercions: collections.Counter[str] = self._spelling.coercions
        try:
            for utterance in utterances:
                self._read(utterance)
        except MalformedCallError:
            requests = [n for n, turn in enumerate(self.turns) if isinstance(turn, UserTurn)]
            del self.turns[requests[-1] :]
            if not any(isinstance(turn, CallTurn) for turn in self.turns):
                raise
            self.coercions["cut_before_malformed_call"] += 1

    def _read(self, utterance: Mapping[str, Any]) -> None:
        text = utterance["text"]
        cleaned = _ESCAPED_BREAK.sub("", text)
        self.coercions["escaped_line_break_dropped"] += cleaned != text
        if utterance["speaker"] != "user":
            self.turns.append(AssistantTurn(cleaned))
            return
        self.turns.append(UserTurn(cleaned))
        self._spelling.hear(cleaned)
        made = list(self._calls(utterance["annotations"]))
        if [call.name for call, _ in made] == _MENU_TWICE and "menu" not in cleaned.casefold():
            del made[0]
            self.coercions["unasked_menu_dropped"] += 1
        if made:
            calls, results = zip(*made, strict=True)
            self.given[len(self.turns) - 1] = _given(calls, self.turns)
            self.turns.append(CallTurn(CallGraph(calls), results))

    def _calls(self, annotations: Sequence[Mapping[str, str]]) -> Iterator[tuple[Call, Any]]:
        """Yields the calls that follow an utterance, each with its response."""
        contexts: dict[str, dict[str, str]] = {}
        for annotation in annotations:
            contexts.setdefault(annotation["context"], {})[annotation["name"]] = annotation["value"]
        for context, call in contexts.items():
            if "api_call" not in call:
                continue
            name = call["api_call"]
            request = call.get("request")
            if request is None and name == "show_menu":
                request = "{}"
                self.coercions["request_without_text_is_empty"] += 1
            answer = contexts.get(context.replace("api_call", "api_response"), {})
            if answer.get("api_response") != name:
                raise MalformedCallError(f"{name} has no response")
            arguments = self._value(request)
            result = self._value(answer.get("response"))
            if not isinstance(arguments, dict):
                raise MalformedCallError(f"the arguments of {name} are no object")
            written = self._spelling.to_go(self._spelling.as_said(arguments))
            if name == "get_addons":
                written = self._spelling.without_kinds(written)
            written = self._spelling.as_listed(written)
            result = self._spelling.to_go(result)
            self._spelling.learn(result)
            yield Call(name, written), self._spelling.as_listed(result)

    def _value(self, text: str | None) -> Any:
        if text is None:
            raise MalformedCallError("a request or response is missing")
        try:
            read_value(text)
            value = json.loads(text, object_pairs_hook=self._object)
        except ValueError as error:
            raise MalformedCallError(f"{error}: {text}") from None
        return self._normalised(value)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for key, value in pairs:
            if key in fields:
                if fields[key] != value:
                    raise ValueError(f"{key} has two values")
                self.coercions["repeated_key_dropped"] += 1
            fields[key] = value
        return fields

    def _normalised(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._normalised(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._normalised(item) for item in value]
        if not isinstance(value, str):
            return value
        if _PLACEHOLDER.search(value):
            raise UnfilledTemplateError(value)
        normalised = " ".join(value.split())
        self.coercions["spaces_normalised"] += normalised != value
        return normalised


def _given(calls: Sequence[Call], turns: Sequence[Turn]) -> set[str]:
    """Returns the values of calls that users give in other words than the menu's."""
    texts = [turn.text for turn in turns if isinstance(turn, UserTurn)]
    said = Said(texts)
    words = [word for text in texts for word in words_of(text)]
    return {
        value
        for call in calls
        for path, value in leaves(call.arguments)
        if path[-1] in WORDED
        and all(_is_told(part, said, words) for part in str(value).split(" OR "))
    }


def _is_told(text: str, said: Said, words: Sequence[str]) -> bool:
    wanted = [word for word in words_of(text) if word not in _KINDS] or words_of(text)
    if said.says(" ".join(wanted)) or "".join(wanted) in "".join(words):
        return True
    beginnings = tuple(word for word in words if len(word) >= _MIN_PREFIX)
    return bool(wanted) and all(
        said.says(word) or any(word.startswith(start) for start in beginnings) for word in wanted
    )
