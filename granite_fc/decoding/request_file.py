"""Requests from a file of JSON lines."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from granite_fc.conventions import ChatRequest, Conventions
from granite_fc.decoding.request import Answer
from granite_fc.errors import ConfigurationError


@dataclasses.dataclass(frozen=True)
class FileRequest:
    """One line of the file.

    Attributes:
        request_id: The line's `id`, or its number, from 1.
        prompt: What the model is given.
        request: What is asked, where the line says it in the chat form; None for a raw prompt.
        adapter: The sub-task whose adapters the line asks for by name; None where it asks for none.
    """

    request_id: str
    prompt: str
    request: ChatRequest | None
    adapter: str | None = None


def read_requests(
    path: str | Path, conventions: Conventions, *, key: str, adapters: Collection[str] = ()
) -> list[FileRequest]:
    """Reads requests.

    A line is a JSON object with `prompt`, a text that the model is given as it is, or with
    `messages` and `tools` as OpenAI's chat API has them, from which the prompt is made that asks
    for calls. `id` names it, `adapter` the sub-task whose adapters are to answer; empty lines are
    passed over.

    Args:
        path: The file.
        conventions: How a model is asked.
        key: What the user calls the path.
        adapters: The sub-tasks that have adapters.

    Raises:
        ConfigurationError: The file cannot be read, or a line is malformed; it is named.
    """
    try:
        content = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise ConfigurationError(
            key, found=f"{path}: {error.strerror}", expected="a file of JSON lines"
        ) from None
    found: list[FileRequest] = []
    ids: set[str] = set()
    for number, record in _records(content, key):
        try:
            request = _read(record, number, conventions, adapters)
        except ValueError as error:
            raise ConfigurationError(
                f"{key} line {number}",
                found=str(error),
                expected='{"prompt": ...} or {"messages": [...], "tools": [...]}',
            ) from None
        if request.request_id in ids:
            raise ConfigurationError(
                f"{key} line {number}",
                found=f"the id {request.request_id!r} again",
                expected="an id of its own",
            )
        ids.add(request.request_id)
        found.append(request)
    if not found:
        raise ConfigurationError(key, found=f"{path}, which is empty", expected="JSON lines")
    return found


def _records(content: bytes, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(
                f"{key} line {number}", found=str(error), expected="a JSON object in UTF-8"
            ) from None
        if not isinstance(record, dict):
            raise ConfigurationError(
                f"{key} line {number}", found=type(record).__name__, expected="a JSON object"
            )
        yield number, record


def _read(
    record: dict[str, Any], number: int, conventions: Conventions, adapters: Collection[str]
) -> FileRequest:
    name = record.get("id", number)
    if isinstance(name, bool) or not isinstance(name, str | int):
        raise ValueError(f"the id {name!r}, expected a string or a whole number")
    adapter = record.get("adapter")
    if adapter is not None and adapter not in tuple(adapters):
        known = ", ".join(adapters) or "none"
        raise ValueError(f"the adapter {adapter!r}, expected one that --adapter names: {known}")
    if "prompt" in record:
        prompt = record["prompt"]
        if not isinstance(prompt, str) or not prompt:
            raise ValueError(f"the prompt {prompt!r}, expected a text")
        return FileRequest(str(name), prompt, None, adapter)
    if "messages" not in record:
        raise ValueError(f"neither prompt nor messages, but {', '.join(record) or 'nothing'}")
    request = conventions.read_request(record)
    prompt = conventions.prompt_for_calls(request.functions, request.conversation)
    return FileRequest(str(name), prompt, request, adapter)


class OrderedAnswers:
    """Hands on answers in the order of their requests, however they come.

    Args:
        samples: Number of answers to each request.

    Attributes:
        total: Number of all answers.
    """

    def __init__(self, samples: Sequence[int]) -> None:
        self.total = sum(samples)
        self._places = [
            (request, sample) for request, n in enumerate(samples) for sample in range(n)
        ]
        self._next = 0
        self._waiting: dict[tuple[int, int], Answer | None] = {}

    def put(self, request: int, sample: int, answer: Answer | None) -> None:
        """Takes an answer; None for a request that was not asked."""
        self._waiting[request, sample] = answer

    def next_ones(self) -> Iterator[tuple[int, Answer | None]]:
        """Yields the answers, each with its request, whose turn it is now."""
        while self._next < len(self._places) and self._places[self._next] in self._waiting:
            place = self._places[self._next]
            self._next += 1
            yield place[0], self._waiting.pop(place)
