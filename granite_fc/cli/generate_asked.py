"""What `granite-fc generate` is asked on its command line."""

from __future__ import annotations

import argparse
import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TextIO

from granite_fc.calls.conversation import Turn, UserTurn
from granite_fc.calls.spec import FunctionSpec
from granite_fc.conventions import ChatRequest, Conventions, Tools
from granite_fc.decoding.request_file import FileRequest, read_requests
from granite_fc.errors import ConfigurationError

_ONE = "1"


def read_asked(
    arguments: argparse.Namespace, conventions: Conventions, adapters: Sequence[str]
) -> list[FileRequest]:
    """Returns the requests that the command line states or names; none for a conversation.

    Args:
        arguments: The command line's.
        conventions: How a model is asked.
        adapters: The sub-tasks that have adapters, which a line of a file may ask for.

    Raises:
        ConfigurationError: A file cannot be read, or there are no such functions.
    """
    if arguments.chat:
        offered_names(conventions.tools(arguments.seed), arguments.tools)
        return []
    if arguments.prompt is not None:
        return [FileRequest(_ONE, arguments.prompt, None)]
    if arguments.input is not None:
        if arguments.output is not None:
            open_output(arguments.output, mode="a").close()
        return read_requests(arguments.input, conventions, key="--input", adapters=adapters)
    if arguments.functions is not None:
        functions = _functions(arguments.functions, arguments.request, conventions)
    else:
        tools = conventions.tools(arguments.seed)
        offered = offered_names(tools, arguments.tools)
        functions = tuple(spec for spec in tools.specs if spec.name in offered)
    turns: tuple[Turn, ...] = (UserTurn(arguments.request),)
    prompt = conventions.prompt_for_calls(functions, turns)
    return [FileRequest(_ONE, prompt, ChatRequest(functions, turns))]


def subtask_of(asked: FileRequest, conventions: Conventions) -> str | None:
    """The sub-task whose adapters answer a request; None for a raw prompt that asks for none."""
    if asked.adapter is not None or asked.request is None:
        return asked.adapter
    return conventions.calls_subtask


def open_output(path: str, mode: Literal["w", "a"] = "w") -> TextIO:
    """Opens the file of the answers.

    Raises:
        ConfigurationError: It cannot be written.
    """
    try:
        return open(path, mode, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ConfigurationError(
            "--output", found=f"{path}: {error.strerror}", expected="a file that can be written"
        ) from None


def offered_names(tools: Tools, wanted: str | None) -> tuple[str, ...]:
    """Returns the functions that are offered, in the order in which there are.

    Args:
        tools: All functions.
        wanted: Names of functions and groups, with commas between them. None: the first group.

    Raises:
        ConfigurationError: There is no such function or group.
    """
    groups = list(dict.fromkeys(tools.groups.values()))
    names = groups[:1] if wanted is None else [name.strip() for name in wanted.split(",")]
    known = [*groups, *(spec.name for spec in tools.specs)]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
            raise ConfigurationError(
                "--tools",
                found=name,
                expected=f"functions, or domains: {', '.join(groups)}",
                remedy=f"Nearest: {', '.join(near)}." if near else "",
            )
    return tuple(
        spec.name
        for spec in tools.specs
        if spec.name in names or tools.groups.get(spec.name) in names
    )


def _functions(path: str, request: str, conventions: Conventions) -> tuple[FunctionSpec, ...]:
    record = {"messages": [{"role": "user", "content": request}], "tools": _json_list(path)}
    try:
        return conventions.read_request(record).functions
    except ValueError as error:
        raise ConfigurationError(
            "--functions", found=f"{path}: {error}", expected="a list of functions"
        ) from None


def _json_list(path: str) -> Sequence[Any]:
    try:
        value = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(
            "--functions", found=f"{path}: {error}", expected="a JSON file with a list of functions"
        ) from None
    if not isinstance(value, list) or not value:
        raise ConfigurationError(
            "--functions", found=f"{path}: {type(value).__name__}", expected="a list of functions"
        )
    return value
