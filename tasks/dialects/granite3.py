"""The dialect of Granite 3.x.

    <|start_of_role|>available_tools<|end_of_role|>
    functions as indented JSON, an empty line between two
    <|end_of_text|>
    <|start_of_role|>system<|end_of_role|>...<|end_of_text|>
    <|start_of_role|>user<|end_of_role|>...<|end_of_text|>
    <|start_of_role|>assistant<|end_of_role|><|tool_call|>[{"name": "f", "arguments": {...}}]
    <|start_of_role|>tool_response<|end_of_role|>{...}<|end_of_text|>

As the chat template of `ibm-granite/granite-3.0-8b-instruct` writes it; the sentence about
`<|tool_call|>` is from the system prompt that later 3.x templates add where there are tools.
An answer follows `<|end_of_role|>` at once, as those models expect it. A prompt tokenised alone is
a prefix of prompt and answer where that is a token of its own, as in Granite 3's vocabularies, and
in this project's SentencePiece ones; another byte-level BPE may join it with the answer's first
characters, and caches reject such examples as `no_token_boundary`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.strict_json import decode_prefix, encode
from granite_fc.calls.syntax import ParseResult
from granite_fc.decoding.grammars.call_frame import CallFrame
from tasks.dialects.dialect import Dialect, Instruction
from tasks.dialects.function_reading import read_function
from tasks.dialects.function_text import function_record
from tasks.dialects.markers import Markers
from tasks.dialects.prompt_reading import PromptReading, json_of
from tasks.dialects.reading import call_objects, read_calls, skip_whitespace
from tasks.subtasks import CALL_SUBTASKS

_TOOL_CALL = "<|tool_call|>"
_START = "<|start_of_role|>"
_END = "<|end_of_text|>\n"
_MARKERS = Markers([_TOOL_CALL, _START, "<|end_of_role|>", "<|end_of_text|>"])
_CALL_MODE = Instruction(
    "You are a helpful AI assistant with access to the following tools. When a tool is required to"
    " answer the user's query, respond with <|tool_call|> followed by a JSON list of tools used.",
    "If no tool is to be used, or a value that it requires is missing, respond with"
    ' <|tool_call|>[{"name": "no_function", "arguments": {}}].',
)


class Granite3(Dialect):
    """Roles between `<|start_of_role|>` and `<|end_of_role|>`."""

    name = "granite3"
    call_marker = _TOOL_CALL
    prompt_start = _START
    markers = _MARKERS.markers

    def function(self, spec: FunctionSpec, detail: str, *, with_output: bool) -> str:
        """Indented JSON; a signature is a description."""
        record = function_record(spec, detail, with_output=with_output)
        return _MARKERS.dump(record, indent=4)

    def user(self, text: str) -> str:
        """A message of role `user`."""
        return _message("user", self.plain_text(text))

    def assistant(self, text: str) -> str:
        """A message of role `assistant`."""
        return _message("assistant", self.plain_text(text))

    def call_turn(self, calls: Sequence[Call], results: Sequence[Any], num_before: int) -> str:
        """The calls of the assistant, then a `tool_response` message for each result."""
        responses = (_message("tool_response", _MARKERS.dump(result)) for result in results)
        return "".join((_message("assistant", self.print_calls(calls)), *responses))

    def prompt(
        self, instruction: Instruction, functions: Sequence[str], exchanges: Sequence[str]
    ) -> str:
        """Tools, system message, conversation, and the head of the next message."""
        tools = _message("available_tools", "\n" + "\n\n".join(functions)) if functions else ""
        system = _message("system", " ".join(filter(None, instruction)))
        return f"{tools}{system}{''.join(exchanges)}{_role('assistant')}"

    def plain_text(self, text: str) -> str:
        """The text with a space in every special token."""
        return _MARKERS.broken(text.strip())

    def print_calls(self, calls: Sequence[Call], num_before: int = 0) -> str:
        """`<|tool_call|>` and a JSON list."""
        return _TOOL_CALL + _MARKERS.escaped(encode(call_objects(calls)))

    def call_frame(self, num_before: int) -> CallFrame:
        """A list after `<|tool_call|>`."""
        return CallFrame(f"{_TOOL_CALL}[", ", ", "]", markers=_MARKERS.markers)

    def parse_calls(self, text: str) -> ParseResult:
        """Reads the list after `<|tool_call|>`."""
        start = text.find(_TOOL_CALL)
        if start < 0:
            return ParseResult((), f"no {_TOOL_CALL} in the text", text.strip())
        before = text[:start]
        try:
            value, end = decode_prefix(text, skip_whitespace(text, start + len(_TOOL_CALL)))
        except ValueError as error:
            return ParseResult((), str(error), before.strip())
        if not isinstance(value, list):
            return ParseResult((), f"no list after {_TOOL_CALL}", before.strip())
        rest = text[end:].strip()
        return read_calls(value, ["text after the calls"] if rest else [], before)

    def _read_prompt(self, text: str, reading: PromptReading) -> None:
        before, *messages = text.split(_START)
        if before or not messages:
            raise ValueError(f"no {_START} in front")
        for message in messages:
            role, _, content = message.partition("<|end_of_role|>")
            content = content.removesuffix(_END)
            if role == "available_tools":
                reading.functions(map(read_function, _objects(content)))
            elif role == "user":
                reading.user(_MARKERS.mended(content))
            elif role == "tool_response":
                reading.result(json_of(content))
            elif role == "assistant" and content.startswith(_TOOL_CALL):
                reading.call_turn(self.parse_calls(content))
            elif role == "assistant" and content:
                reading.assistant(_MARKERS.mended(content))

    def released_instruction(self, subtask: str) -> Instruction | None:
        """That of the templates for calls."""
        return _CALL_MODE if subtask in CALL_SUBTASKS else None


def _objects(text: str) -> Iterator[str]:
    """Yields the JSON values of a text, as they are written."""
    position = skip_whitespace(text, 0)
    while position < len(text):
        _, end = decode_prefix(text, position)
        yield text[position:end]
        position = skip_whitespace(text, end)


def _role(role: str) -> str:
    return f"{_START}{role}<|end_of_role|>"


def _message(role: str, text: str) -> str:
    return f"{_role(role)}{text}{_END}"
