r"""Answers of any model, read from a file.

A file has one JSON object a line: an id and an answer. The answer is text in any form of calls, or
calls as objects, which are written down as text so that all answers are read in one way:

    {"id": "a", "prediction": "<tool_call>..."}           also "answer" or "result"
    {"id": "a", "prediction": "[f(k=1)]"}                 nothing but calls, in Python or JSON
    {"id": "a", "result": [{"f": "{\"k\": 1}"}]}            as bfcl-eval writes results
    {"id": "a", "tool_calls": [...], "content": null}     a message of OpenAI's chat completions,
    {"id": "a", "answer": {"choices": [...]}}             a whole completion,
    {"custom_id": "a", "response": {"body": {...}}}       or a line of its batch interface

A file in which an id is missing, unknown or there twice, or a line is no such object, is an error:
no score is computed on a part of the data. An answer that cannot be read is none: it is judged, and
is wrong.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from granite_fc.calls.strict_json import decode_prefix, encode
from granite_fc.calls.syntax import FUNCTION_CALL, SEPARATOR, print_calls
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.bare_calls import bare_calls

# What an answer becomes that cannot be read: text that is no call, and does not abstain either.
UNREADABLE = f"{FUNCTION_CALL} null"

_IDS = ("id", "custom_id")
_ANSWERS = ("prediction", "answer", "result", "response", "choices", "message")
_MESSAGE = ("tool_calls", "function_call", "content")
_EXPECTED = 'one JSON object a line with "id" (or "custom_id") and one of ' + ", ".join(
    f'"{field}"' for field in (*_ANSWERS, *_MESSAGE[:1])
)
_LEADING_ID = re.compile(r'\s*\{\s*"(?:id|custom_id)"\s*:\s*(?:"([^"\\]*+)"|([0-9]++))\s*,')
_MAX_LINE = 64 * 2**20
_MAX_DIGITS = 4_000
_NAMED = 5


def read_predictions(
    path: str | os.PathLike[str], ids: Collection[str], not_asked: Collection[str] = frozenset()
) -> dict[str, str]:
    """Reads one answer for every id.

    Lines are read one by one and up to 64 MiB each; answers to other ids are counted and not kept.

    Args:
        path: The file.
        ids: Of the items that were asked.
        not_asked: Ids whose answers are passed over: those of items outside of a sample.

    Returns:
        Id to the text of the answer, in the order of `ids`. Calls that were given as objects are
        in the syntax of `granite_fc.calls.syntax`.

    Raises:
        ConfigurationError: The file cannot be read, is not UTF-8, has a line that is no JSON object
            or lacks a field, or ids are missing, unknown or repeated.
    """
    wanted = frozenset(ids)
    texts: dict[str, str] = {}
    repeated, unknown = _Named(), _Named()
    for number, line in _lines(Path(path)):
        name, answer = _fields(path, number, line)
        if name not in wanted:
            if name not in not_asked:
                unknown.add(name)
        elif name in texts:
            repeated.add(name)
        else:
            texts[name] = answer_text(answer)
    missing = _Named()
    for name in ids:
        if name not in texts:
            missing.add(name)
    problems = [
        f"{len(named)} ids {what}: {named}"
        for named, what in (
            (missing, "missing"),
            (unknown, "that are none of the items'"),
            (repeated, "again"),
        )
        if len(named)
    ]
    if problems:
        raise ConfigurationError(
            str(path),
            found="; ".join(problems),
            expected=f"one answer to each of the {len(wanted):,} items",
        )
    return {name: texts[name] for name in ids}


def answer_text(answer: Any) -> str:
    """Returns an answer as text; `UNREADABLE` where it is nothing that a model answers.

    Args:
        answer: Text, calls as objects, or a message, completion or batch response of OpenAI's
            interface.
    """
    if isinstance(answer, str):
        calls = bare_calls(answer)
        return answer if calls is None else _calls_text(calls)
    if isinstance(answer, list):
        return _calls_text(answer)
    if isinstance(answer, Mapping):
        return _object_text(answer)
    return UNREADABLE


def _object_text(answer: Mapping[str, Any]) -> str:
    # What wraps a message is taken off: batch response, completion, choice.
    for key in ("body", "choices", "message"):
        if key in answer:
            inner = answer[key]
            if key == "choices":
                inner = inner[0] if isinstance(inner, list) and inner else None
            return _object_text(inner) if isinstance(inner, Mapping) else UNREADABLE
    if answer.get("tool_calls"):
        calls = answer["tool_calls"]
        return _calls_text(calls) if isinstance(calls, list) else UNREADABLE
    if answer.get("function_call"):
        return _calls_text([answer["function_call"]])
    if "name" in answer:
        return _calls_text([answer])
    content = answer.get("content")
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, Mapping) else None for part in content]
        content = "".join(part for part in parts if isinstance(part, str))
    if isinstance(content, str):
        return answer_text(content)
    if content is None and answer.get("tool_calls") == []:
        return print_calls(())
    if content is None and any(key in answer for key in _MESSAGE):
        # A message without calls and without words.
        return ""
    return UNREADABLE


def _calls_text(calls: Sequence[Any]) -> str:
    return SEPARATOR.join(map(_call_text, calls)) or print_calls(())


def _call_text(call: Any) -> str:
    """One call, as `{"name", "arguments"}`, in "function", or as `{name: arguments}`."""
    if not isinstance(call, Mapping):
        return UNREADABLE
    call = call["function"] if isinstance(call.get("function"), Mapping) else call
    # Llama's models say "parameters".
    given = next((key for key in ("arguments", "parameters") if key in call), None)
    if "name" in call and given is not None:
        written = {key: call[key] for key in ("name", "label") if key in call}
        arguments = call[given]
    elif len(call) == 1:
        ((name, arguments),) = call.items()
        written = {"name": name}
    else:
        return UNREADABLE
    try:
        if isinstance(arguments, str):
            text = arguments.strip() or "{}"
            arguments, end = decode_prefix(text)
            if end != len(text):
                return UNREADABLE
        return f"{FUNCTION_CALL} {_escaped(encode({**written, 'arguments': arguments}))}"
    except (ValueError, TypeError, RecursionError):
        return UNREADABLE


def _escaped(text: str) -> str:
    """JSON in which no string begins a call."""
    return text.replace("<", "\\u003c")


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yields lines that are not blank with their numbers, from 1."""
    try:
        with open(path, "rb") as file:
            number = 0
            while line := file.readline(_MAX_LINE + 1):
                number += 1
                if len(line) > _MAX_LINE:
                    raise _bad_line(path, number, "more than 64 MiB")
                if line.strip():
                    yield number, line
    except OSError as error:
        raise ConfigurationError(
            str(path), found=error.strerror or str(error), expected="a file of predictions"
        ) from None


def _fields(path: str | os.PathLike[str], number: int, line: bytes) -> tuple[str, Any]:
    """Returns id and answer of a line."""
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        row = json.loads(text, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise _bad_line(path, number, f"bytes that are not UTF-8, at {error.start}") from None
    except RecursionError:
        # An answer that is nested too deeply is a wrong one, where it can be told whose it is.
        match = _LEADING_ID.match(text)
        if match is None:
            raise _bad_line(path, number, "JSON that is nested too deeply") from None
        return match[1] or match[2], None
    except ValueError as error:
        raise _bad_line(path, number, f"no JSON: {error}") from None
    if not isinstance(row, dict):
        raise _bad_line(path, number, f"JSON of type {type(row).__name__}")
    named = [row[key] for key in _IDS if key in row]
    answers = [key for key in _ANSWERS if key in row]
    message = [key for key in _MESSAGE if key in row]
    if "custom_id" in row:
        # A batch line has an id of its own beside.
        named = [row["custom_id"]]
    if len(named) != 1 or isinstance(named[0], bool) or not isinstance(named[0], str | int):
        raise _bad_line(path, number, f"no id among the fields {_listed(row)}")
    if len(answers) == 1 and not message:
        return str(named[0]), row if answers[0] == "choices" else row[answers[0]]
    if message and not answers:
        return str(named[0]), row
    raise _bad_line(path, number, f"the fields {_listed(row)}")


def _listed(row: Mapping[str, Any]) -> str:
    return ", ".join(repr(key[:40]) for key in list(row)[: 2 * _NAMED]) or "none"


def _bad_line(path: str | os.PathLike[str], number: int, found: str) -> ConfigurationError:
    return ConfigurationError(f"{path}, line {number}", found=found, expected=_EXPECTED)


def _integer(digits: str) -> int | float:
    """An integer; one of more digits than Python reads becomes no JSON number."""
    return int(digits) if len(digits) < _MAX_DIGITS else math.inf


class _Named:
    """How many ids there are of a kind, and the first few of them."""

    def __init__(self) -> None:
        self._count = 0
        self._first: list[str] = []

    def add(self, name: str) -> None:
        self._count += 1
        if len(self._first) < _NAMED:
            self._first.append(name[:80])

    def __len__(self) -> int:
        return self._count

    def __str__(self) -> str:
        return ", ".join(self._first) + (", ..." if self._count > len(self._first) else "")
