"""The dialect of OpenAI's chat completions: the request as JSON, the answer's `tool_calls` as JSON.

    {"tools": [
    {"type": "function", "function": {"name": "f", "description": "...", "parameters": {...}}}
    ],
    "messages": [
    {"role": "system", "content": "..."},
    {"role": "user", "content": "..."},
    {"role": "assistant", "content": null, "tool_calls": [...]},
    {"role": "tool", "tool_call_id": "call_1", "content": "..."}
    ]}
    {"tool_calls": [{"id": "call_2", "type": "function", "function": {"name": "f",
    "arguments": "{...}"}}]}

After https://platform.openai.com/docs/api-reference/chat/create: arguments and results are JSON
inside of strings, and each result names the id of its call. The whole prompt is one JSON value, a
message or a function a line. Ids count the calls of the conversation; a label stands in `function`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.strict_json import decode_prefix, encode
from granite_fc.calls.syntax import ParseResult
from granite_fc.decoding.grammars.call_frame import CallFrame
from tasks.dialects.dialect import Dialect, Instruction
from tasks.dialects.function_reading import spec_of_record
from tasks.dialects.function_text import function_record
from tasks.dialects.prompt_reading import PromptReading, json_of
from tasks.dialects.reading import call_objects, read_calls

_TOOL_CALLS = '{"tool_calls"'
_LOOKS_LIKE_CALLS = re.compile(r'\{(?=\s*"tool_calls")')


class OpenAI(Dialect):
    """Messages and tools as JSON."""

    name = "openai"
    call_marker = _TOOL_CALLS
    prompt_start = "{"

    def function(self, spec: FunctionSpec, detail: str, *, with_output: bool) -> str:
        """One line of JSON; a signature is a description."""
        record = function_record(spec, detail, with_output=with_output)
        return _json({"type": "function", "function": record})

    def user(self, text: str) -> str:
        """A message of role `user`."""
        return _message(role="user", content=text.strip())

    def assistant(self, text: str) -> str:
        """A message of role `assistant`."""
        return _message(role="assistant", content=text.strip())

    def call_turn(self, calls: Sequence[Call], results: Sequence[Any], num_before: int) -> str:
        """A message with `tool_calls`, then one of role `tool` for each result."""
        made = _message(role="assistant", content=None, tool_calls=_tool_calls(calls, num_before))
        returned = (
            _message(role="tool", tool_call_id=_call_id(number), content=_json(result))
            for number, result in enumerate(results, start=num_before + 1)
        )
        return "".join((made, *returned))

    def prompt(
        self, instruction: Instruction, functions: Sequence[str], exchanges: Sequence[str]
    ) -> str:
        """The body of a request, one JSON value."""
        tools = '"tools": [\n' + ",\n".join(functions) + "\n],\n" if functions else ""
        system = _message(role="system", content=" ".join(filter(None, instruction)))
        messages = "".join((system, *exchanges)).removesuffix(",\n")
        return f'{{{tools}"messages": [\n{messages}\n]}}\n'

    def plain_text(self, text: str) -> str:
        """The text; in a prompt JSON keeps it apart, as an answer it must not begin calls."""
        return _LOOKS_LIKE_CALLS.sub("{ -", text.strip())

    def print_calls(self, calls: Sequence[Call], num_before: int = 0) -> str:
        """An object with `tool_calls`."""
        return encode({"tool_calls": _tool_calls(calls, num_before)})

    def call_frame(self, num_before: int) -> CallFrame:
        """An object with a list of numbered calls, their arguments in a string."""
        numbered = ('{"id": "call_', '", "type": "function", "function": ')
        return CallFrame(
            f"{_TOOL_CALLS}: [",
            ", ",
            "]}",
            numbered=numbered,
            first_number=num_before + 1,
            call_closing="}",
            has_quoted_arguments=True,
        )

    def parse_calls(self, text: str) -> ParseResult:
        """Reads an object with `tool_calls`."""
        start = _LOOKS_LIKE_CALLS.search(text)
        if start is None:
            return ParseResult((), "no tool_calls in the text", text.strip())
        before = text[: start.start()].strip()
        try:
            value, end = decode_prefix(text, start.start())
        except ValueError as error:
            return ParseResult((), str(error), before)
        errors = ["text after the calls"] if text[end:].strip() else []
        return _read_calls(value["tool_calls"], errors, before)

    def _read_prompt(self, text: str, reading: PromptReading) -> None:
        request = json_of(text)
        messages = request.get("messages") if isinstance(request, dict) else None
        if not isinstance(messages, list):
            raise ValueError("no messages")
        tools = request.get("tools", [])
        if not isinstance(tools, list):
            raise ValueError("tools are no list")
        reading.functions(map(spec_of_record, tools))
        for message in messages:
            if not isinstance(message, dict):
                raise ValueError("a message is no object")
            role, content = message.get("role"), message.get("content")
            if role == "assistant" and "tool_calls" in message:
                reading.call_turn(_read_calls(message["tool_calls"], [], ""))
            elif not isinstance(content, str):
                raise ValueError("a message without content")
            elif role == "user":
                reading.user(content)
            elif role == "assistant":
                reading.assistant(content)
            elif role == "tool":
                reading.result(json_of(content))


def _read_calls(tool_calls: Any, errors: list[str], before: str) -> ParseResult:
    if not isinstance(tool_calls, list):
        return ParseResult((), "tool_calls is no list", before)
    objects: list[Any] = []
    for number, tool_call in enumerate(tool_calls, start=1):
        try:
            objects.append(_read(tool_call))
        except ValueError as error:
            errors.append(f"call {number}: {error}")
    return read_calls(objects, errors, before)


def _tool_calls(calls: Sequence[Call], num_before: int) -> list[dict[str, Any]]:
    return [
        {
            "id": _call_id(number),
            "type": "function",
            "function": {**value, "arguments": encode(value["arguments"])},
        }
        for number, value in enumerate(call_objects(calls), start=num_before + 1)
    ]


def _call_id(number: int) -> str:
    return f"call_{number}"


def _read(tool_call: Any) -> dict[str, Any]:
    function = tool_call.get("function") if isinstance(tool_call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
        raise ValueError("a tool call without a function whose arguments are a string")
    arguments, end = decode_prefix(function["arguments"])
    if function["arguments"][end:].strip():
        raise ValueError("text after the arguments")
    return {**function, "arguments": arguments}


def _message(**fields: Any) -> str:
    return _json(fields) + ",\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
