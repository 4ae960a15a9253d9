"""What `granite-fc generate` does, once it knows with which model."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from granite_fc.calls import strict_json
from granite_fc.calls.conversation import Turn
from granite_fc.calls.spec import FunctionSpec
from granite_fc.cli.generate_asked import offered_names, read_asked
from granite_fc.conventions import Conventions, conventions
from granite_fc.decoding.constraint import AnswerGrammar
from granite_fc.decoding.engine import Engine
from granite_fc.decoding.request import Answer, Request
from granite_fc.decoding.request_file import FileRequest
from granite_fc.decoding.sampling import SamplingConfig
from granite_fc.decoding.streaming import tell_answer
from granite_fc.decoding.tool_conversation import (
    Executed,
    Failed,
    Kind,
    ToolConversation,
    Wrote,
)
from granite_fc.errors import ConfigurationError
from granite_fc.sharding.activate import activate
from granite_fc.training.trained_model import load
from granite_fc.visible_text import visible


class Session:
    """One model and what it is asked.

    Args:
        arguments: The command line's.
        directory: The checkpoint.
    """

    def __init__(self, arguments: argparse.Namespace, directory: Path) -> None:
        self._arguments = arguments
        self._conventions: Conventions = conventions()
        self._sampling = _sampling(arguments)
        self._console = Console(stderr=True, highlight=False)
        # What is asked is read before the model is: a mistake there is told at once.
        self._asked = read_asked(arguments, self._conventions)
        self._model = load(directory, arguments.overrides)
        with activate(self._model.mesh, self._model.rules):
            self._engine = Engine(self._model.config, self._model.params, self._model.vocabulary)

    def answer_one(self) -> None:
        """Answers one prompt or request, and prints the answer as it is written."""
        (asked,) = self._asked
        request = self._request(asked)
        if request.samples == 1:
            answer = tell_answer(self._engine, self._model.vocabulary, request, _tell)
            print()
            self._note(answer)
            return
        (answers,) = self._engine.answer([request])
        for answer in answers:
            print(visible(answer.text))
            self._note(answer)

    def answer_file(self) -> None:
        """Answers every request of a file, a JSON line each, in their order."""
        requests = [self._request(asked) for asked in self._asked]
        found: list[list[Answer | None]] = [[None] * request.samples for request in requests]
        with self._progress(sum(map(len, found))) as progress:
            for written in self._engine.stream(requests):
                if written.answer is not None:
                    found[written.request][written.sample] = written.answer
                    progress.advance(progress.task_ids[0])
        output = self._arguments.output
        if output is None:
            self._write(found, sys.stdout)
            return
        with open(output, "w", encoding="utf-8", errors="backslashreplace") as file:
            self._write(found, file)
        print(f"wrote {output}")

    def chat(self) -> None:
        """Talks with a user until the input ends."""
        tools = self._conventions.tools(self._arguments.seed)
        offered = offered_names(tools, self._arguments.tools)
        conversation = ToolConversation(self._write_turn, self._conventions, tools, offered)
        self._console.print(f"functions: {', '.join(offered)}; an empty line ends", style="dim")
        while text := self._hear():
            for event in conversation.say(text):
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

    def _request(self, asked: FileRequest) -> Request:
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
        return self._asked_of_model(
            asked.prompt, grammar, is_calls=asked.request is not None, key=asked.request_id
        )

    def _asked_of_model(
        self, prompt: str, grammar: AnswerGrammar | None, *, is_calls: bool, key: str
    ) -> Request:
        tokens = self._model.vocabulary.encode(prompt)
        most = self._model.config.max_positions
        if not 1 <= len(tokens) <= most:
            raise ConfigurationError(
                f"request {key}",
                found=f"{len(tokens)} tokens",
                expected=f"1 to {most}, the model's positions",
            )
        return Request(
            tokens,
            self._arguments.max_new_tokens,
            samples=self._arguments.samples,
            sampling=self._sampling,
            seed=self._arguments.seed,
            grammar=grammar,
            complete=self._conventions.calls_end if is_calls else None,
        )

    def _write_turn(
        self, prompt: str, kind: Kind, functions: Sequence[FunctionSpec], turns: Sequence[Turn]
    ) -> str:
        grammar = None
        if kind == "calls" and self._arguments.constrained:
            grammar = self._conventions.call_grammar(functions, turns)
        request = self._asked_of_model(prompt, grammar, is_calls=kind == "calls", key="of the chat")
        answer = tell_answer(self._engine, self._model.vocabulary, request, _tell)
        self._note(answer)
        return answer.text

    def _note(self, answer: Answer) -> None:
        if answer.finish == "length":
            self._console.print(f"[cut off after {len(answer.tokens)} tokens]", markup=False)

    def _write(self, found: Sequence[Sequence[Answer | None]], file: TextIO) -> None:
        for asked, answers in zip(self._asked, found, strict=True):
            for answer in answers:
                assert answer is not None
                record = {"id": asked.request_id, "prediction": answer.text}
                if asked.request is not None:
                    record |= _read_calls(self._conventions, answer.text)
                if answer.finish == "length":
                    record["failure"] = "cut_off"
                file.write(json.dumps(record, ensure_ascii=False) + "\n")

    def _progress(self, total: int) -> Progress:
        progress = Progress(
            TextColumn("answering"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        progress.add_task("answering", total=total)
        return progress


def _tell(text: str) -> None:
    print(visible(text), end="", flush=True)


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
