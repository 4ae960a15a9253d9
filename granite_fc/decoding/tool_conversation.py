"""A conversation in which the model's calls are executed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from granite_fc.calls.call import Call
from granite_fc.calls.conversation import AssistantTurn, CallTurn, Turn, UserTurn
from granite_fc.calls.execute import ExecutionError, execute
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import with_labels
from granite_fc.calls.spec import FunctionSpec
from granite_fc.conventions import Conventions, Tools

Kind = Literal["calls", "reply"]


@dataclasses.dataclass(frozen=True)
class Wrote:
    """What the model wrote to one prompt.

    Attributes:
        kind: What was asked for.
        text: The text.
    """

    kind: Kind
    text: str


@dataclasses.dataclass(frozen=True)
class Executed:
    """What came of one call.

    Attributes:
        call: The call.
        result: What it returned, a JSON value.
    """

    call: Call
    result: Any


@dataclasses.dataclass(frozen=True)
class Failed:
    """Why calls could not be read, or one of them not be executed.

    Attributes:
        reason: In words.
    """

    reason: str


Event = Wrote | Executed | Failed
# Prompt, and what is asked for, to what the model writes.
Write = Callable[[str, Kind, Sequence[FunctionSpec], Sequence[Turn]], str]


class ToolConversation:
    """Asks a model for calls after each word of the user, executes them, and asks for a reply.

    Args:
        write: Lets the model answer: given the prompt, "calls" or "reply", the functions on offer
            and the conversation so far.
        conventions: How it is asked.
        tools: The functions, which keep their state for the whole conversation.
        offered: Names of those that are on offer; all where None.
    """

    def __init__(
        self,
        write: Write,
        conventions: Conventions,
        tools: Tools,
        offered: Sequence[str] | None = None,
    ) -> None:
        self._write = write
        self._conventions = conventions
        self._functions = tools.functions
        self._specs = tuple(spec for spec in tools.specs if offered is None or spec.name in offered)
        self._turns: list[Turn] = []
        self._results: dict[str, Any] = {}

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The conversation so far."""
        return tuple(self._turns)

    def say(self, text: str) -> Iterator[Event]:
        """Takes what the user says, and yields what the model does about it, as it happens."""
        self._turns.append(UserTurn(text))
        prompt = self._conventions.prompt_for_calls(self._specs, self._turns)
        written = self._write(prompt, "calls", self._specs, self._turns)
        yield Wrote("calls", written)
        yield from self._execute(written)
        prompt = self._conventions.prompt_for_reply(self._specs, self._turns)
        reply = self._write(prompt, "reply", self._specs, self._turns)
        yield Wrote("reply", reply)
        self._turns.append(AssistantTurn(reply))

    def _execute(self, written: str) -> Iterator[Executed | Failed]:
        read = self._conventions.read_calls(written)
        if read.error is not None:
            yield Failed(f"these are no calls: {read.error}")
            return
        if not read.calls:
            return
        offered = {spec.name: self._functions[spec.name] for spec in self._specs}
        failure: Failed | None = None
        try:
            graph = CallGraph(read.calls, known_labels=frozenset(self._results))
            results = tuple(execute(graph, offered, self._results))
        except ValueError as error:
            yield Failed(str(error))
            return
        except ExecutionError as error:
            # What was done before stays done.
            failure, results = Failed(str(error)), error.results
        made = CallGraph(
            self._numbered(graph.calls[: len(results)]), known_labels=graph.known_labels
        )
        if results:
            self._turns.append(CallTurn(made, results))
        self._results.update(zip(made.labels, results, strict=True))
        for call, result in zip(made, results, strict=True):
            yield Executed(call, result)
        if failure is not None:
            yield failure

    def _numbered(self, calls: Sequence[Call]) -> tuple[Call, ...]:
        """Labels every call by its number in the conversation, as prompts show them."""
        labels = {label: label for label in self._results}
        made: list[Call] = []
        for call in calls:
            arguments = with_labels(call.arguments, labels)
            label = f"$var_{len(self._results) + len(made) + 1}"
            if call.label is not None:
                labels[call.label] = label
            made.append(Call(call.name, arguments, label))
        return tuple(made)
