"""The dialect of Granite-20B-FunctionCalling.

    SYSTEM: instruction
    <|function_call_library|>
    one function a line
    closing words

    USER: ...
    ASSISTANT:
    <function_call> {"name": "f", "arguments": {...}}
    <function_response> {...}
    ASSISTANT:
    ...

The prompt of the call mode and its closing sentence are those of IBM's handler in the Berkeley
Function Calling Leaderboard (`bfcl_eval/model_handler/local_inference/granite.py`), that of the
response mode is the system prompt of vLLM's `tool_chat_template_granite_20b_fc.jinja`. The
instructions of the other modes are not published. Calls follow each other on lines of their own,
and answers begin on a new line, so that a prompt tokenised alone is a prefix of prompt and answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.syntax import (
    FUNCTION_CALL,
    FUNCTION_LIBRARY,
    FUNCTION_RESPONSE,
    MARKERS,
    ParseResult,
    parse_calls,
    print_calls,
)
from granite_fc.decoding.grammars.call_frame import CallFrame
from tasks.dialects.dialect import Dialect, Instruction
from tasks.dialects.function_reading import read_function
from tasks.dialects.function_text import function_text
from tasks.dialects.markers import Markers
from tasks.dialects.prompt_reading import PromptReading, json_of
from tasks.subtasks import CALL_SUBTASKS, RESPONSE_GENERATION

_CALL_MODE = Instruction(
    "You are a helpful assistant with access to the following function calls. Your task is to"
    " produce a sequence of function calls necessary to generate response to the user utterance."
    " Use the following function calls as required.",
    "If none of the functions are relevant or the given question lacks the parameters required by"
    ' the function, please output "<function_call> {"name": "no_function", "arguments": {}}".',
)
_RESPONSE_MODE = Instruction(
    "You are a helpful assistant with access to the following function calls. Your task is to"
    " understand the given conversation with function calls and responses and generate natural"
    " language response as the ASSISTANT to continue the conversation. You may use the following"
    " function calls to understand how to respond to the user query."
)
_RELEASED = {**dict.fromkeys(CALL_SUBTASKS, _CALL_MODE), RESPONSE_GENERATION: _RESPONSE_MODE}

_ESCAPED = tuple(marker for marker in MARKERS if marker.startswith("<"))
_BRACKETED = Markers([*_ESCAPED, "<|endoftext|>"])
_ROLES = tuple(marker for marker in MARKERS if marker[0] != "<")
_ROLE = re.compile(f"^(?={'|'.join(_ROLES)})", re.MULTILINE)
_MENDED_ROLE = re.compile(f"^- (?={'|'.join(_ROLES)})", re.MULTILINE)
_TURN = re.compile(r"^(USER: |ASSISTANT:\n)", re.MULTILINE)
_RESPONSE = f"\n{FUNCTION_RESPONSE} "


class Granite(Dialect):
    """SYSTEM, USER and ASSISTANT in plain text."""

    name = "granite"
    call_marker = FUNCTION_CALL
    prompt_start = "SYSTEM: "
    markers = _BRACKETED.markers
    roles = _ROLES

    def function(self, spec: FunctionSpec, detail: str, *, with_output: bool) -> str:
        """A line of its own: JSON, a signature or a name and description."""
        return _BRACKETED.escaped(function_text(spec, detail, with_output=with_output))

    def user(self, text: str) -> str:
        """`USER: ` and the text."""
        return f"USER: {self.plain_text(text)}\n"

    def assistant(self, text: str) -> str:
        """The text below `ASSISTANT:`."""
        return f"ASSISTANT:\n{self.plain_text(text)}\n"

    def call_turn(self, calls: Sequence[Call], results: Sequence[Any], num_before: int) -> str:
        """Calls below `ASSISTANT:`, then a `<function_response>` line for each result."""
        responses = (f"{FUNCTION_RESPONSE} {_BRACKETED.dump(result)}" for result in results)
        return "\n".join(("ASSISTANT:", print_calls(calls), *responses, ""))

    def prompt(
        self, instruction: Instruction, functions: Sequence[str], exchanges: Sequence[str]
    ) -> str:
        """SYSTEM, library, an empty line, the conversation and `ASSISTANT:`."""
        library = "\n".join((FUNCTION_LIBRARY, *functions, "")) if functions else ""
        closing = f"{instruction.closing}\n" if instruction.closing else ""
        conversation = "".join(exchanges)
        return f"SYSTEM: {instruction.text}\n{library}{closing}\n{conversation}ASSISTANT:\n"

    def plain_text(self, text: str) -> str:
        """The text with a space in every tag, and a dash before a role that begins a line."""
        text = _BRACKETED.broken(text.strip())
        return _ROLE.sub("- ", text) if ":" in text else text

    def print_calls(self, calls: Sequence[Call], num_before: int = 0) -> str:
        """`<function_call> {...}`, a line each."""
        return print_calls(calls)

    def call_frame(self, num_before: int) -> CallFrame:
        """One `<function_call>` a line."""
        return CallFrame(f"{FUNCTION_CALL} ", f"\n{FUNCTION_CALL} ", markers=_ESCAPED)

    def parse_calls(self, text: str) -> ParseResult:
        """Reads `<function_call> {...}`, repeated."""
        return parse_calls(text)

    def _read_prompt(self, text: str, reading: PromptReading) -> None:
        if not text.startswith(self.prompt_start):
            raise ValueError("no SYSTEM in front")
        head, _, conversation = text.partition("\n\n")
        _, _, library = head.partition(f"\n{FUNCTION_LIBRARY}\n")
        lines = library.split("\n") if library else []
        if lines and (lines[-1] == _CALL_MODE.closing or _is_text(lines[-1], after=lines[0])):
            lines.pop()
        reading.functions(map(read_function, lines))
        # Before the first turn there is nothing; then come role and text of each.
        _, *turns = _TURN.split(conversation)
        for role, said in zip(turns[::2], turns[1::2], strict=True):
            if role == "USER: ":
                reading.user(_as_said(said))
            elif said.startswith(FUNCTION_CALL):
                calls, *responses = said.removesuffix("\n").split(_RESPONSE)
                reading.call_turn(parse_calls(calls))
                for response in responses:
                    reading.result(json_of(response))
            elif said:
                reading.assistant(_as_said(said))

    def released_instruction(self, subtask: str) -> Instruction | None:
        """That of the call mode or of the response mode."""
        return _RELEASED.get(subtask)


def _as_said(text: str) -> str:
    return _MENDED_ROLE.sub("", _BRACKETED.mended(text.removesuffix("\n")))


def _is_text(line: str, *, after: str) -> bool:
    """Whether the last line of a library is none of its functions, as the first one has them."""
    return after.startswith("{") and not line.startswith("{")
