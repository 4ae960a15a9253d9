"""What is gathered while a prompt is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.strict_json import decode_prefix
from granite_fc.calls.syntax import ParseResult
from granite_fc.evaluation.question import Question


class PromptReading:
    """The parts of a prompt, in the order in which they are found."""

    def __init__(self) -> None:
        self._functions: tuple[FunctionSpec, ...] = ()
        self._said: list[str] = []
        self._replied: list[str] = []
        self._shown: list[Call] = []
        self._results: list[Any] = []
        self._next = 0

    def functions(self, specs: Iterable[FunctionSpec]) -> None:
        """Takes the library."""
        self._functions = tuple(specs)

    def user(self, text: str) -> None:
        """Takes what the user says."""
        self._said.append(text)

    def assistant(self, text: str) -> None:
        """Takes what the assistant says."""
        self._replied.append(text)

    def call_turn(self, calls: ParseResult) -> None:
        """Takes calls.

        Raises:
            ValueError: They were not read to the end.
        """
        if calls.error is not None or calls.text:
            raise ValueError(calls.error or "text before calls")
        self._next = len(self._shown)
        self._shown += calls.calls

    def result(self, value: Any) -> None:
        """Takes what the next of the last calls returned.

        It is left out where that of an earlier call is missing, since results go by their place.
        """
        if len(self._results) == self._next < len(self._shown):
            self._results.append(value)
        self._next += 1

    def question(self) -> Question:
        """All that was found."""
        return Question(
            functions=self._functions,
            shown=tuple(self._shown),
            results=tuple(self._results),
            said="\n".join(self._said),
            replied="\n".join(self._replied),
        )


def json_of(text: str) -> Any:
    """Reads a JSON value with nothing behind it.

    Raises:
        ValueError: It is none.
    """
    value, end = decode_prefix(text)
    if text[end:].strip():
        raise ValueError("text after a JSON value")
    return value
