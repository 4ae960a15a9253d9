"""The dialect of Hermes: ChatML with XML tags around functions, calls and results.

    <|im_start|>system
    You are a function calling AI model. ... <tools>
    one function a line
    </tools> ...<|im_end|>
    <|im_start|>user
    ...<|im_end|>
    <|im_start|>assistant
    <tool_call>
    {"name": "f", "arguments": {...}}
    </tool_call><|im_end|>
    <|im_start|>tool
    <tool_response>
    {"name": "f", "content": {...}}
    </tool_response><|im_end|>
    <|im_start|>assistant

After the chat template of `NousResearch/Hermes-2-Pro-Llama-3-8B` as vLLM has it
(`tool_chat_template_hermes.jinja`): its system prompt, tags and `tool` turns. The functions stand
on lines of their own within `<tools>`, and no space comes before `<|im_end|>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.strict_json import decode_prefix, encode
from granite_fc.calls.syntax import MAX_MALFORMED, ParseResult
from granite_fc.decoding.grammars.call_frame import CallFrame
from tasks.dialects.dialect import Dialect, Instruction
from tasks.dialects.function_reading import read_function
from tasks.dialects.function_text import function_record
from tasks.dialects.markers import Markers
from tasks.dialects.prompt_reading import PromptReading, json_of
from tasks.dialects.reading import call_objects, read_calls, skip_whitespace
from tasks.subtasks import CALL_SUBTASKS

_START = "<|im_start|>"
_CALL = "<tool_call>"
_CALL_END = "</tool_call>"
_MARKERS = Markers(
    [
        _START,
        "<|im_end|>",
        *(f"<{tag}>" for tag in ("tools", "tool_call", "tool_response")),
        *(f"</{tag}>" for tag in ("tools", "tool_call", "tool_response")),
    ]
)
_CALL_MODE = Instruction(
    "You are a function calling AI model. You are provided with function signatures within"
    " <tools></tools> XML tags. You may call one or more functions to assist with the user query."
    " Don't make assumptions about what values to plug into functions."
    " Here are the available tools:",
    "Use the following pydantic model json schema for each tool call you will make:"
    ' {"properties": {"arguments": {"title": "Arguments", "type": "object"}, "name": {"title":'
    ' "Name", "type": "string"}}, "required": ["arguments", "name"], "title": "FunctionCall",'
    ' "type": "object"}\n'
    "For each function call return a json object with function name and arguments within"
    " <tool_call></tool_call> XML tags as follows:\n"
    '<tool_call>\n{"name": <function-name>, "arguments": <args-dict>}\n</tool_call>\n'
    "If no function is to be called, return the function name no_function and no arguments.",
)


class Hermes(Dialect):
    """ChatML turns; calls in `<tool_call>` tags."""

    name = "hermes"
    call_marker = _CALL
    prompt_start = _START
    markers = _MARKERS.markers

    def function(self, spec: FunctionSpec, detail: str, *, with_output: bool) -> str:
        """One line of JSON, as the tools of the API; a signature is a description."""
        record = function_record(spec, detail, with_output=with_output)
        return _MARKERS.dump({"type": "function", "function": record})

    def user(self, text: str) -> str:
        """A turn of `user`."""
        return _turn("user", self.plain_text(text))

    def assistant(self, text: str) -> str:
        """A turn of `assistant`."""
        return _turn("assistant", self.plain_text(text))

    def call_turn(self, calls: Sequence[Call], results: Sequence[Any], num_before: int) -> str:
        """The assistant's turn, then one of `tool` for each result."""
        responses = [
            _turn("tool", f"<tool_response>\n{_response(call, result)}\n</tool_response>")
            for call, result in zip(calls, results, strict=False)
        ]
        return "".join((_turn("assistant", self.print_calls(calls)), *responses))

    def prompt(
        self, instruction: Instruction, functions: Sequence[str], exchanges: Sequence[str]
    ) -> str:
        """The system turn with its tools, the conversation, and the head of the next turn."""
        tools = ("<tools>", *functions, "</tools>") if functions else ()
        lines = (instruction.text, *tools, instruction.closing)
        system = _turn("system", "\n".join(filter(None, lines)))
        return f"{system}{''.join(exchanges)}{_START}assistant\n"

    def plain_text(self, text: str) -> str:
        """The text with a space in every tag."""
        return _MARKERS.broken(text.strip())

    def print_calls(self, calls: Sequence[Call], num_before: int = 0) -> str:
        """`<tool_call>` elements, one below the other."""
        return "\n".join(
            f"{_CALL}\n{_MARKERS.escaped(encode(value))}\n{_CALL_END}"
            for value in call_objects(calls)
        )

    def call_frame(self, num_before: int) -> CallFrame:
        """A `<tool_call>` element for each call."""
        between = f"\n{_CALL_END}\n{_CALL}\n"
        return CallFrame(f"{_CALL}\n", between, f"\n{_CALL_END}", markers=_MARKERS.markers)

    def parse_calls(self, text: str) -> ParseResult:
        """Reads `<tool_call>` elements."""
        position = text.find(_CALL)
        if position < 0:
            return ParseResult((), f"no {_CALL} in the text", text.strip())
        before = text[:position]
        objects: list[Any] = []
        errors: list[str] = []
        while position >= 0 and len(errors) < MAX_MALFORMED:
            number = len(objects) + len(errors) + 1
            try:
                value, end = decode_prefix(text, skip_whitespace(text, position + len(_CALL)))
                objects.append(value)
            except ValueError as error:
                errors.append(f"call {number}: {error}")
                end = position + len(_CALL)
            position = text.find(_CALL, end)
            rest = text[end : position if position >= 0 else len(text)].strip()
            if rest != _CALL_END:
                errors.append(f"call {number}: no {_CALL_END} right after the call")
        return read_calls(objects, errors, before)

    def _read_prompt(self, text: str, reading: PromptReading) -> None:
        before, *messages = text.split(_START)
        if before or not messages:
            raise ValueError(f"no {_START} in front")
        for message in messages:
            role, _, content = message.partition("\n")
            content = content.removesuffix("<|im_end|>\n")
            if role == "system" and "\n<tools>\n" in content:
                _, _, tools = content.partition("\n<tools>\n")
                reading.functions(map(read_function, tools.partition("\n</tools>")[0].split("\n")))
            elif role == "user":
                reading.user(_MARKERS.mended(content))
            elif role == "tool":
                response = content.removeprefix("<tool_response>").removesuffix("</tool_response>")
                reading.result(_content(json_of(response.strip())))
            elif role == "assistant" and content.startswith(_CALL):
                reading.call_turn(self.parse_calls(content))
            elif role == "assistant" and content:
                reading.assistant(_MARKERS.mended(content))

    def released_instruction(self, subtask: str) -> Instruction | None:
        """That of the templates for calls."""
        return _CALL_MODE if subtask in CALL_SUBTASKS else None


def _turn(role: str, text: str) -> str:
    return f"{_START}{role}\n{text}<|im_end|>\n"


def _response(call: Call, result: Any) -> str:
    return _MARKERS.dump({"name": call.name, "content": result})


def _content(response: Any) -> Any:
    if not isinstance(response, dict) or "content" not in response:
        raise ValueError("a response without content")
    return response["content"]
