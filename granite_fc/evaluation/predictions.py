r"""Answers of any model, read from a file.

A file has one JSON object a line: an id and an answer. The answer is text, which stays as it is, or
calls as objects, which are written down as text so that all answers are read in one way:

    {"id": "a", "prediction": "<tool_call>..."}           also "answer" or "result"
    {"id": "a", "result": [{"f": "{\"k\": 1}"}]}            as bfcl-eval writes results
    {"id": "a", "tool_calls": [...], "content": null}     a message of OpenAI's chat completions,
    {"id": "a", "answer": {"choices": [...]}}             a whole completion,
    {"custom_id": "a", "response": {"body": {...}}}       or a line of its batch interface

A file in which an id is missing, unknown or there twice, or a line is no such object, is an error:
no score is computed on a part of the data. An answer that cannot be read is none: it is judged, and
is wrong. Lines that runs write also have "targets" and "failure": what was right, and why there is
less than a whole answer.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from granite_fc.calls.syntax import print_calls
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.call_objects import UNREADABLE, calls_text
from granite_fc.evaluation.items import FAILURES

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


class Prediction(NamedTuple):
    """An answer from a file.

    Attributes:
        text: The answer.
        failure: Why there is less than a whole answer, one of `FAILURES`; None for a whole one.
    """

    text: str
    failure: str | None = None


def read_predictions(
    path: str | os.PathLike[str],
    ids: Collection[str],
    not_asked: Collection[str] = frozenset(),
    targets: Mapping[str, str] | None = None,
) -> dict[str, Prediction]:
    """Reads one answer for every id.

    Lines are read one by one and up to 64 MiB each; answers to other ids are counted and not kept.

    Args:
        path: The file.
        ids: Of the items that were asked.
        not_asked: Ids whose answers are passed over: those of items outside of a sample.
        targets: Id to the right answer. A line that says of another one that it is right answers
            another request.

    Returns:
        Id to answer, in the order of `ids`. Calls that were given as objects are in the syntax of
        `granite_fc.calls.syntax`.

    Raises:
        ConfigurationError: The file cannot be read, is not UTF-8, has a line that is no JSON object
            or lacks a field, ids are missing, unknown or repeated, or requests were others.
    """
    wanted = frozenset(ids)
    found: dict[str, Prediction] = {}
    repeated, unknown, others = _Named(), _Named(), _Named()
    for number, text in _lines(Path(path)):
        line = _fields(path, number, text)
        if line.id not in wanted:
            if line.id not in not_asked:
                unknown.add(line.id)
        elif line.id in found:
            repeated.add(line.id)
        else:
            found[line.id] = Prediction(answer_text(line.answer), line.failure)
            if targets and line.target not in (None, targets.get(line.id)):
                others.add(line.id)
    missing = _Named()
    for name in ids:
        if name not in found:
            missing.add(name)
    problems = [
        f"{len(named)} ids {what}: {named}"
        for named, what in (
            (missing, "missing"),
            (unknown, "that are none of the items'"),
            (repeated, "again"),
            (others, "with targets that are not the items'"),
        )
        if len(named)
    ]
    if problems:
        raise ConfigurationError(
            str(path),
            found="; ".join(problems),
            expected=f"one answer to each of the {len(wanted):,} items",
        )
    return {name: found[name] for name in ids}


def check_predictions(path: str | os.PathLike[str]) -> list[str]:
    """Reads files of answers once, before anybody is asked anything; keeps no answer.

    Args:
        path: A file, or a folder with files `*.jsonl`.

    Returns:
        The ids that are answered, in the order of the lines, files by name.

    Raises:
        ConfigurationError: There is no file, it cannot be read, is not UTF-8, has a line that is no
            JSON object or lacks a field, or an id is there twice.
    """
    path = Path(path).expanduser()
    files = [path]
    if path.is_dir():
        files = sorted(path.glob("*.jsonl"))
        if not files:
            raise ConfigurationError(
                str(path), found="no file *.jsonl in it", expected="a file of answers for each task"
            )
    ids: list[str] = []
    for file in files:
        seen: set[str] = set()
        repeated = _Named()
        for number, text in _lines(file):
            name = _fields(file, number, text).id
            if name in seen:
                repeated.add(name)
            else:
                seen.add(name)
                ids.append(name)
        if len(repeated):
            raise ConfigurationError(
                str(file), found=f"{len(repeated)} ids again: {repeated}", expected="each id once"
            )
    return ids


def answer_text(answer: Any) -> str:
    """Returns an answer as text; `UNREADABLE` where it is nothing that a model answers.

    Args:
        answer: Text, which stays as it is, calls as objects, or a message, completion or batch
            response of OpenAI's interface.
    """
    if isinstance(answer, str):
        return answer
    if isinstance(answer, list):
        return calls_text(answer)
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
        return calls_text(calls) if isinstance(calls, list) else UNREADABLE
    if answer.get("function_call"):
        return calls_text([answer["function_call"]])
    if "name" in answer:
        return calls_text([answer])
    content = answer.get("content")
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, Mapping) else None for part in content]
        content = "".join(part for part in parts if isinstance(part, str))
    if isinstance(content, str):
        return content
    if content is None and answer.get("tool_calls") == []:
        return print_calls(())
    if content is None and any(key in answer for key in _MESSAGE):
        # A message without calls and without words.
        return ""
    return UNREADABLE


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


class _Line(NamedTuple):
    id: str
    answer: Any
    target: str | None = None
    failure: str | None = None


def _fields(path: str | os.PathLike[str], number: int, line: bytes) -> _Line:
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
        return _Line(match[1] or match[2], None)
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
        answer = row if answers[0] == "choices" else row[answers[0]]
    elif message and not answers:
        answer = row
    else:
        raise _bad_line(path, number, f"the fields {_listed(row)}")
    target, failure = row.get("targets"), row.get("failure")
    return _Line(
        str(named[0]),
        answer,
        target if isinstance(target, str) else None,
        failure if isinstance(failure, str) and failure in FAILURES else None,
    )


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
