"""What every dialect offers."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from granite_fc.calls.call import Call
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.syntax import ParseResult
from granite_fc.decoding.grammars.call_frame import CallFrame
from granite_fc.evaluation.question import NOTHING_KNOWN, Question
from tasks.dialects.prompt_reading import PromptReading


class Instruction(NamedTuple):
    """What a prompt asks for.

    Attributes:
        text: Said before the functions.
        closing: Said after them.
    """

    text: str
    closing: str = ""


class Dialect(abc.ABC):
    """How a prompt and calls are written.

    A prompt is an instruction, functions and exchanges. Whoever makes it fit leaves out functions
    and exchanges, so both are written one by one and put together at the end. It ends where the
    assistant is to write; targets follow it at once.

    Labels and references are those of `granite_fc.calls`: a `label` beside the name, and
    `"$var_1.field$"` strings among the arguments. Calling nothing is a call of `no_function`.

    Attributes:
        name: How settings call it.
        call_marker: What begins calls, and occurs in no other text of the dialect's targets.
        prompt_start: What every prompt begins with, and no other dialect's does.
        markers: Strings with a meaning in a prompt, which texts and values must not have.
        roles: Words with a meaning where they begin a line of a prompt.
    """

    name: ClassVar[str]
    call_marker: ClassVar[str]
    prompt_start: ClassVar[str]
    markers: ClassVar[tuple[str, ...]] = ()
    roles: ClassVar[tuple[str, ...]] = ()

    @abc.abstractmethod
    def function(self, spec: FunctionSpec, detail: str, *, with_output: bool) -> str:
        """A function as the library has it.

        Args:
            spec: The function.
            detail: One of `tasks.rendering_config.FUNCTION_DETAILS`.
            with_output: Whether to show what it returns.
        """

    @abc.abstractmethod
    def user(self, text: str) -> str:
        """What the user says."""

    @abc.abstractmethod
    def assistant(self, text: str) -> str:
        """What the assistant says to the user."""

    @abc.abstractmethod
    def call_turn(self, calls: Sequence[Call], results: Sequence[Any], num_before: int) -> str:
        """Calls and what they returned.

        Args:
            calls: At least one.
            results: One for each call, or none where they are not known.
            num_before: Number of the calls that the prompt shows before.
        """

    @abc.abstractmethod
    def prompt(
        self, instruction: Instruction, functions: Sequence[str], exchanges: Sequence[str]
    ) -> str:
        """The whole prompt, up to where the assistant is to write."""

    @abc.abstractmethod
    def plain_text(self, text: str) -> str:
        """What somebody says, stripped, and such that no part of it passes for a marker."""

    @abc.abstractmethod
    def print_calls(self, calls: Sequence[Call], num_before: int = 0) -> str:
        """Calls as a target; no calls as `no_function`.

        Args:
            calls: The calls.
            num_before: Number of the calls that the prompt shows.
        """

    @abc.abstractmethod
    def call_frame(self, num_before: int) -> CallFrame:
        """What `print_calls` writes around calls.

        Args:
            num_before: Number of the calls that the prompt shows.
        """

    @abc.abstractmethod
    def parse_calls(self, text: str) -> ParseResult:
        """Reads what `print_calls` writes, from any text; never raises."""

    def read_prompt(self, text: str) -> Question:
        """Reads what `prompt` writes; never raises.

        Functions have as much detail as the text, and texts are as they were said but for white
        space and words that looked like markers. Of a text that is no prompt nothing is known.
        """
        try:
            reading = PromptReading()
            self._read_prompt(text, reading)
            return reading.question()
        except (ValueError, RecursionError):
            return NOTHING_KNOWN

    @abc.abstractmethod
    def _read_prompt(self, text: str, reading: PromptReading) -> None:
        """Reads a prompt.

        Raises:
            ValueError: The text is none.
        """

    def released_instruction(self, subtask: str) -> Instruction | None:
        """The instruction with which the dialect's own models were released, if it is known."""
        return None

    def chat_macros(self) -> str:
        """Jinja macros that write what the methods write; see `tasks.chat_templates`."""
        return Path(__file__).with_name(f"{self.name}.jinja").read_text(encoding="utf-8")
