"""What `granite-fc generate` does, once it knows with which model."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from granite_fc.calls import strict_json
from granite_fc.calls.conversation import Turn
from granite_fc.calls.spec import FunctionSpec
from granite_fc.cli.generate_asked import (
    offered_names,
    open_output,
    read_asked,
    subtask_of,
)
from granite_fc.conventions import Conventions, conventions
from granite_fc.data.permutation import key_of
from granite_fc.decoding.constraint import AnswerGrammar
from granite_fc.decoding.engine import Engine
from granite_fc.decoding.request import Answer, Request
from granite_fc.decoding.request_file import FileRequest, OrderedAnswers
from granite_fc.decoding.sampling import SamplingConfig
from granite_fc.decoding.streaming import tell_answer
from granite_fc.decoding.tool_conversation import (
    Event,
    Executed,
    Failed,
    Kind,
    ToolConversation,
    Wrote,
)
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.items import FAILURE_OF, PROMPT_TOO_LONG
from granite_fc.sharding.activate import activate
from granite_fc.training.hosts import Hosts
from granite_fc.training.switched_adapters import SwitchedAdapters
from granite_fc.training.trained_model import load
from granite_fc.visible_text import visible


class _TooLong(Exception):
    """A conversation takes more tokens than the model has positions."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length


class Session:
    """One model and what it is asked.

    Args:
        arguments: The command line's.
        directory: The checkpoint.
        hosts: Those that hold the model together; each asks the same, one prints.
    """

    def __init__(self, arguments: argparse.Namespace, directory: Path, hosts: Hosts) -> None:
        if arguments.chat and hosts.count > 1:
            raise ConfigurationError("--chat", found=f"{hosts.count} hosts", expected="one")
        self._arguments = arguments
        self._is_leader = hosts.is_leader
        self._conventions: Conventions = conventions()
        self._sampling = _sampling(arguments)
        self._narrowed: set[str] = set()
        self._console = Console(stderr=True, highlight=False)
        # What is asked is read before the model is: a mistake there is told at once.
        self._adapters = SwitchedAdapters.find(arguments.adapter, directory)
        self._asked = read_asked(arguments, self._conventions, self._adapters.subtasks)
        self._note_unused()
        self._model = load(directory, arguments.overrides)
        adapters = self._adapters.load(self._model, arguments.overrides)
        with activate(self._model.mesh, self._model.rules):
            self._engine = Engine(
                self._model.config, self._model.params, self._model.vocabulary, adapters=adapters
            )

    def answer_one(self) -> None:
        """Answers one prompt or request, and prints the answer as it is written."""
        (asked,) = self._asked
        request = self._request(asked)
        if request is None:
            raise ConfigurationError(
                "the request",
                found=f"{self._length(asked.prompt)} tokens",
                expected=f"at most {self._model.config.max_positions}, the model's positions",
            )
        if request.samples == 1:
            answer = tell_answer(self._engine, self._model.vocabulary, request, self._tell)
            self._tell("\n")
            self._note(answer)
            return
        (answers,) = self._engine.answer([request])
        for number, answer in enumerate(answers, start=1):
            self._tell(f"[{number}]\n{answer.text}\n")
            self._note(answer)

    def answer_file(self) -> None:
        """Answers every request of a file, a JSON line each, in their order.

        A line is written as soon as those before it are: what is there when the program is stopped
        stays. A request that the model has no positions for has a line that says so.
        """
        requests = [self._request(asked) for asked in self._asked]
        answers = OrderedAnswers(
            [1 if request is None else request.samples for request in requests]
        )
        asked = [number for number, request in enumerate(requests) if request is not None]
        with self._output() as file, self._progress(answers.total) as progress:
            for number, request in enumerate(requests):
                if request is None:
                    answers.put(number, 0, None)
            for written in self._engine.stream([r for r in requests if r is not None]):
                if written.answer is not None:
                    answers.put(asked[written.request], written.sample, written.answer)
                for number, answer in answers.next_ones():
                    progress.advance(progress.task_ids[0])
                    if self._is_leader:
                        file.write(json.dumps(self._record(number, answer), ensure_ascii=False))
                        file.write("\n")
                        file.flush()
        if self._arguments.output is not None and self._is_leader:
            self._console.print(f"wrote {self._arguments.output}")

    def chat(self) -> None:
        """Talks with a user until the input ends."""
        tools = self._conventions.tools(self._arguments.seed)
        offered = offered_names(tools, self._arguments.tools)
        conversation = ToolConversation(self._write_turn, self._conventions, tools, offered)
        self._console.print(f"functions: {', '.join(offered)}; an empty line ends", style="dim")
        while text := self._hear():
            try:
                self._show(conversation.say(text))
            except _TooLong as error:
                self._console.print(
                    f"[the conversation takes {error.length} tokens, and the model has "
                    f"{self._model.config.max_positions} positions: it ends here]",
                    markup=False,
                )
                return

    def _show(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case Executed(call, result):
                    shown = f"  {call.name} returned {strict_json.encode(result)}"
                    self._console.print(Text(visible(shown), style="green"))
                case Failed(reason):
                    self._console.print(Text(f"  failed: {visible(reason)}", style="red"))
                case Wrote():
                    print()

    def _hear(self) -> str:
        try:
            return input("> " if sys.stdin.isatty() else "").strip()
        except EOFError:
            return ""

    def _tell(self, text: str) -> None:
        if self._is_leader:
            print(visible(text), end="", flush=True)

    @contextlib.contextmanager
    def _output(self) -> Iterator[TextIO]:
        path = self._arguments.output
        if path is None or not self._is_leader:
            yield sys.stdout
            return
        with open_output(path) as file:
            yield file

    def _length(self, prompt: str) -> int:
        return len(self._model.vocabulary.encode(prompt))

    def _request(self, asked: FileRequest) -> Request | None:
        """What to ask the model, or None where it has no positions for it."""
        grammar = None
        if self._arguments.constrained:
            if asked.request is None:
                raise ConfigurationError(
                    "--constrained",
                    found=f"a raw prompt, {asked.request_id!r}, which names no functions",
                    expected="requests with messages and tools",
                )
            grammar = self._conventions.call_grammar(
                asked.request.functions, asked.request.conversation
            )
            self._note_narrowed(grammar)
        tokens = self._model.vocabulary.encode(asked.prompt)
        if not 1 <= len(tokens) <= self._model.config.max_positions:
            return None
        # Requests of one file draw apart, and each as it would alone.
        seed = key_of(self._arguments.seed, "generate", asked.request_id)
        return self._model_request(
            tokens,
            grammar,
            seed,
            is_calls=asked.request is not None,
            subtask=subtask_of(asked, self._conventions),
        )

    def _model_request(
        self,
        tokens: Sequence[int],
        grammar: AnswerGrammar | None,
        seed: int,
        *,
        is_calls: bool,
        subtask: str | None,
    ) -> Request:
        return Request(
            tokens,
            self._arguments.max_new_tokens,
            samples=self._arguments.samples,
            sampling=self._sampling,
            seed=seed,
            grammar=grammar,
            complete=self._conventions.calls_end if is_calls else None,
            adapter=self._adapters.of(subtask),
        )

    def _write_turn(
        self, prompt: str, kind: Kind, functions: Sequence[FunctionSpec], turns: Sequence[Turn]
    ) -> str:
        tokens = self._model.vocabulary.encode(prompt)
        if len(tokens) > self._model.config.max_positions:
            raise _TooLong(len(tokens))
        grammar = None
        if kind == "calls" and self._arguments.constrained:
            grammar = self._conventions.call_grammar(functions, turns)
        seed = key_of(self._arguments.seed, "generate", f"{kind} {len(turns)}")
        is_calls = kind == "calls"
        subtask = self._conventions.calls_subtask if is_calls else self._conventions.reply_subtask
        request = self._model_request(tokens, grammar, seed, is_calls=is_calls, subtask=subtask)
        answer = tell_answer(self._engine, self._model.vocabulary, request, self._tell)
        self._note(answer)
        return answer.text

    def _note_unused(self) -> None:
        """Tells of adapters that have nothing to answer, such as a sub-task's beside a prompt."""
        used = {subtask_of(asked, self._conventions) for asked in self._asked}
        if self._arguments.chat:
            used = {self._conventions.calls_subtask, self._conventions.reply_subtask}
        for subtask in self._adapters.subtasks:
            if subtask not in used and self._is_leader:
                note = f"[nothing is asked as {subtask}: its adapters are not used]"
                self._console.print(note, markup=False)

    def _note_narrowed(self, grammar: AnswerGrammar) -> None:
        for place in getattr(grammar, "narrowed", ()):
            if place not in self._narrowed and self._is_leader:
                self._console.print(f"[kept to more than its schema says: {place}]", markup=False)
            self._narrowed.add(place)

    def _note(self, answer: Answer) -> None:
        if answer.finish == "length":
            note = f"[cut off after {len(answer.tokens)} tokens]"
        elif answer.finish == "no_room":
            note = "[the shortest answer takes more tokens than there are left]"
        else:
            return
        if self._is_leader:
            self._console.print(note, markup=False)

    def _record(self, number: int, answer: Answer | None) -> dict[str, Any]:
        """The line of an answer; None for a request that was not asked."""
        asked = self._asked[number]
        text = "" if answer is None else answer.text
        record: dict[str, Any] = {"id": asked.request_id, "prediction": text}
        if answer is not None and asked.request is not None:
            record |= _read_calls(self._conventions, text)
        failure = PROMPT_TOO_LONG if answer is None else FAILURE_OF.get(answer.finish)
        return record if failure is None else record | {"failure": failure}

    def _progress(self, total: int) -> Progress:
        progress = Progress(
            TextColumn("answering"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not (self._console.is_terminal and self._is_leader),
        )
        progress.add_task("answering", total=total)
        return progress


def _sampling(arguments: argparse.Namespace) -> SamplingConfig:
    """What gin binds, and over it what the command line says."""
    given = {
        name: value
        for name in ("temperature", "top_k", "top_p")
        if (value := getattr(arguments, name)) is not None
    }
    return dataclasses.replace(SamplingConfig(), **given)


def _read_calls(conventions: Conventions, text: str) -> dict[str, Any]:
    read = conventions.read_calls(text)
    calls = {"calls": [call.to_json() for call in read.calls]}
    return calls if read.error is None else calls | {"error": read.error}
