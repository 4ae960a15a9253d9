"""How a tasks package writes what a model reads, and reads what it writes.

The engine knows no prompt: a package that trains models declares how requests are put to them, so
that what it trained can be asked and judged.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from granite_fc.calls.call import Call
from granite_fc.calls.conversation import Turn
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.syntax import ParseResult
from granite_fc.decoding.constraint import AnswerGrammar
from granite_fc.errors import ConfigurationError


@dataclasses.dataclass(frozen=True)
class ChatRequest:
    """What somebody asks of a model.

    Attributes:
        functions: The functions on offer.
        conversation: What was said and called before; ends with the user.
    """

    functions: tuple[FunctionSpec, ...]
    conversation: tuple[Turn, ...]


@dataclasses.dataclass(frozen=True)
class Tools:
    """Functions that can be called for real.

    Attributes:
        specs: What they are.
        functions: Name to function; they take keyword arguments and share one state.
        groups: Name to the part of the world that a function belongs to.
    """

    specs: tuple[FunctionSpec, ...]
    functions: Mapping[str, Callable[..., Any]]
    groups: Mapping[str, str]


class Conventions(Protocol):
    """How one tasks package talks to its models, as gin configures it at the moment."""

    @property
    def calls_subtask(self) -> str:
        """The sub-task as which `prompt_for_calls` asks."""
        ...

    @property
    def reply_subtask(self) -> str:
        """The sub-task as which `prompt_for_reply` asks."""
        ...

    def prompt_for_calls(
        self, functions: Sequence[FunctionSpec], conversation: Sequence[Turn]
    ) -> str:
        """The prompt that asks for all calls that a conversation still needs."""
        ...

    def prompt_for_reply(
        self, functions: Sequence[FunctionSpec], conversation: Sequence[Turn]
    ) -> str:
        """The prompt that asks for what the assistant says next."""
        ...

    def chat_template(self) -> str | None:
        """A chat template that writes the same prompts from a request to a server.

        Jinja as transformers runs it, with `messages`, `tools` and `add_generation_prompt`: what
        `prompt_for_calls` writes where the user spoke last, and what `prompt_for_reply` writes
        after the results of calls. A request that it cannot write exactly it refuses. None where
        the package has no such template.
        """
        ...

    def read_calls(self, text: str) -> ParseResult:
        """Reads calls in any form that the package knows; never raises."""
        ...

    def print_calls(self, calls: Sequence[Call], like: str) -> str:
        """Writes calls as a given text writes its own; no calls as that nothing is called."""
        ...

    def read_request(self, record: Mapping[str, Any]) -> ChatRequest:
        """Reads what somebody asks in the form of OpenAI's chat API: `messages` and `tools`.

        Raises:
            ValueError: The record is malformed; the message says in what.
        """
        ...

    def call_grammar(
        self, functions: Sequence[FunctionSpec], conversation: Sequence[Turn]
    ) -> AnswerGrammar:
        """What may answer `prompt_for_calls`."""
        ...

    def calls_end(self, text: str) -> int | None:
        """How many characters of an answer to `prompt_for_calls` are its calls.

        None as long as more calls may come; see `TaskDeclaration.complete`.
        """
        ...

    def tools(self, seed: int) -> Tools:
        """Functions to try a model on, in a fresh state of their own."""
        ...


_declared: list[Conventions] = []


def declare_conventions(conventions: Conventions) -> None:
    """Makes known how to talk to models; the last package that does so is asked."""
    _declared.append(conventions)


def has_conventions() -> bool:
    """Whether a tasks package that declares some was imported."""
    return bool(_declared)


def conventions() -> Conventions:
    """Returns those of the tasks package that was imported last.

    Raises:
        ConfigurationError: None was declared.
    """
    if not _declared:
        raise ConfigurationError(
            "conventions",
            found="no tasks package that says how to write prompts",
            expected="one that is imported by the gin files",
            remedy="Add `import tasks` or your own package to a gin file.",
        )
    return _declared[-1]
