"""The steps of an API-Bank dialogue as turns."""

from __future__ import annotations

import collections
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.spec import FunctionSpec
from tasks.sources.api_bank_functions import found_tools, is_search, with_fields_of
from tasks.sources.api_bank_text import Row, Step, TextError, read_call, read_literal
from tasks.sources.episode import AssistantTurn, CallTurn, Turn, UserTurn
from tasks.sources.said import Said, is_placeholder, words_of
from tasks.sources.value_links import leaves

# Words of function names that do not say what a call is asked for: much of the set is about health.
_ASK_NOTHING = frozenset(
    words_of(
        "api calculator checker find finder get health healthcare info information medical provider"
        " retriever search searcher service tool user"
    )
)
# What a reply must not invent: numbers, and names (capitalised words inside a sentence).
_CLAIM = re.compile(r"\d[\d,.:/-]*\d|\d|(?<=[a-z,] )[A-Z][a-z]+")
# As many letters at the beginning of two words make them forms of one: reserve, reservation.
_BEGINNING = 5
_ENDING = re.compile(r"(?:e?[sd]|e?rs?|ing)?")


class Dialogue:
    """The steps of a dialogue as turns.

    Attributes:
        turns: The turns, calls with literal arguments.
        functions: The functions that searches found, and those called, by name; called ones first.
        names: The functions called, in order.
        problem: What is wrong with a call; None where nothing is. The turns end before it.
    """

    def __init__(
        self,
        row: Row,
        path: Sequence[Step],
        tools: Mapping[str, FunctionSpec],
        coerced: collections.Counter[str],
    ) -> None:
        self._request = _request_text(row)
        self.turns: list[Turn] = [UserTurn(self._request)]
        self.names: list[str] = []
        self.problem: TextError | None = None
        self._tools = dict(tools)
        self._found: list[str] = []
        self._coerced = coerced
        for step in path:
            try:
                if self._goes_on_unasked(step):
                    coerced["cut_before_unasked_call"] += 1
                    break
                self._add(step)
            except TextError as error:
                self.problem = error
                break
        self.functions = {
            name: self._tools[name] for name in dict.fromkeys([*self.names, *self._found])
        }

    def _goes_on_unasked(self, step: Step) -> bool:
        """Whether a step is a further call that the request does not ask for.

        Then the function is none that the search found for the request, and no longer on offer.
        """
        if step.reply or is_search(step) or not self.names:
            return False
        name, arguments, _ = read_call(step.call)
        served = {word for made in self.names for word in name_words(made)}
        passed = {
            word for call in self._calls() for _, v in leaves(call.arguments) for word in _words(v)
        }
        known = served | passed
        asked = [word for word in words_of(self._request) if not _is_any(word, known)]
        if name in self.names:
            wanted = [word for _, value in leaves(arguments) for word in _words(value)]
            return not any(word in asked for word in wanted)
        wanted = [word for word in name_words(name) if word not in _ASK_NOTHING]
        if any(_is_any(word, asked) for word in wanted):
            return False
        self._found = [found for found in self._found if found != name]
        return True

    def _calls(self) -> Iterator[Call]:
        for turn in self.turns:
            if isinstance(turn, CallTurn):
                yield from turn.calls

    def _add(self, step: Step) -> None:
        if step.reply:
            self._add_reply(step.reply)
            return
        found = found_tools(step)
        if is_search(step):
            self._coerced["tool_search_left_out"] += 1
            self._tools |= {tool.name: tool for tool in found}
            self._found += [tool.name for tool in found]
            return
        name, arguments, bare = read_call(step.call)
        spec = self._tools.get(name)
        if spec is None:
            raise TextError("unknown_function", name)
        self._coerced["quotes_added"] += bare
        fitted = {k: self._as_declared(v, spec.properties.get(k, {})) for k, v in arguments.items()}
        if wrong := spec.check_arguments(fitted):
            raise TextError("argument_does_not_fit", f"{name}: {wrong[0]}")
        for _, value in leaves(fitted):
            if is_placeholder(value, self._request):
                raise TextError("placeholder_value", f"{name}: {value}")
        results = () if step.result is None else (read_literal(step.result),)
        if results:
            self._tools[name] = with_fields_of(spec, results[0])
        self.names.append(name)
        self.turns.append(CallTurn(CallGraph((Call(name, fitted),)), results))

    def _add_reply(self, text: str) -> None:
        if not isinstance(self.turns[-1], CallTurn) or not self.turns[-1].results:
            return
        invented = _invented(text, self.turns)
        if invented is None:
            self.turns.append(AssistantTurn(text))
        else:
            self._coerced["ungrounded_reply_left_out"] += 1

    def _as_declared(self, value: Any, schema: Mapping[str, Any]) -> Any:
        declared = schema.get("type")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if declared == "string" and is_number:
            self._coerced["number_to_text"] += 1
            return str(value)
        if declared in ("integer", "number") and isinstance(value, str):
            if re.fullmatch(r"-?\d{1,15}", value):
                self._coerced["numeral_to_number"] += 1
                return int(value)
            if declared == "number" and re.fullmatch(r"-?\d{1,15}\.\d{1,15}", value):
                self._coerced["numeral_to_number"] += 1
                return float(value)
        return value


def name_words(name: str) -> list[str]:
    """Returns the words of a function's name, in lower case."""
    return [word.casefold() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def _words(value: Any) -> list[str]:
    return words_of(value if isinstance(value, str) else json.dumps(value))


def _is_any(word: str, others: Iterable[str]) -> bool:
    """Whether a word or another form of it is among others, as far as letters tell."""
    return any(_are_forms(word, other) for other in others)


def _are_forms(one: str, other: str) -> bool:
    if len(one) >= _BEGINNING and one[:_BEGINNING] == other[:_BEGINNING]:
        return True
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and _ENDING.fullmatch(long[len(short) :]) is not None


def _request_text(row: Row) -> str:
    return f"{row.request} (It is {row.time}.)" if row.time else row.request


def _invented(reply: str, turns: Sequence[Turn]) -> str | None:
    """Returns a number or name of a reply that nothing before it has, or None."""
    said = Said()
    for turn in turns:
        if isinstance(turn, CallTurn):
            for value in (*turn.results, *(call.arguments for call in turn.calls)):
                for text in _texts(value):
                    said.add(text)
        else:
            said.add(turn.text)
    for claim in _CLAIM.findall(reply):
        number = claim.replace(",", "")
        if re.fullmatch(r"\d+(\.\d+)?", number) and said.says(float(number)):
            continue
        if not said.says(claim):
            return claim
    return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield key.replace("_", " ")
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    else:
        yield str(value)
