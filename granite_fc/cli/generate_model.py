"""The model that `granite-fc generate` asks, and how it is asked."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from granite_fc.calls.conversation import Turn
from granite_fc.calls.spec import FunctionSpec
from granite_fc.cli.generate_asked import subtask_of
from granite_fc.cli.generate_notes import Notes
from granite_fc.conventions import conventions
from granite_fc.data.permutation import key_of
from granite_fc.decoding.constraint import AnswerGrammar
from granite_fc.decoding.engine import Engine
from granite_fc.decoding.request import Request
from granite_fc.decoding.request_file import FileRequest
from granite_fc.decoding.sampling import SamplingConfig
from granite_fc.decoding.tool_conversation import Kind
from granite_fc.errors import ConfigurationError
from granite_fc.sharding.activate import activate
from granite_fc.training.switched_adapters import SwitchedAdapters
from granite_fc.training.trained_model import load


class AskedModel:
    """A checkpoint's model, and the requests that the command line makes of what it is asked.

    Args:
        arguments: The command line's.
        directory: The checkpoint.
        adapters: Those that answer in place of the checkpoint's own.
        notes: Told where grammars allow less than schemas.

    Attributes:
        engine: The model.
        vocabulary: Its vocabulary.
        max_positions: The positions that it has.
    """

    def __init__(
        self,
        arguments: argparse.Namespace,
        directory: Path,
        adapters: SwitchedAdapters,
        notes: Notes,
    ) -> None:
        self._arguments = arguments
        self._adapters = adapters
        self._notes = notes
        self._conventions = conventions()
        self._sampling = _sampling(arguments)
        model = load(directory, arguments.overrides)
        switched = adapters.load(model, arguments.overrides)
        with activate(model.mesh, model.rules):
            self.engine = Engine(model.config, model.params, model.vocabulary, adapters=switched)
        self.vocabulary = model.vocabulary
        self.max_positions = model.config.max_positions

    def length(self, prompt: str) -> int:
        """Returns how many tokens a prompt takes."""
        return len(self.vocabulary.encode(prompt))

    def request(self, asked: FileRequest) -> Request | None:
        """Returns what to ask the engine, or None where the model has no positions for it.

        Raises:
            ConfigurationError: A raw prompt is to be answered by a grammar.
        """
        grammar = None
        if self._arguments.constrained:
            if asked.request is None:
                raise ConfigurationError(
                    "--constrained",
                    found=f"a raw prompt, {asked.request_id!r}, which names no functions",
                    expected="requests with messages and tools",
                )
            grammar = self._grammar(asked.request.functions, asked.request.conversation)
        return self._request(
            asked.prompt,
            grammar,
            # Requests of one file draw apart, and each as it would alone.
            drawn_as=asked.request_id,
            is_calls=asked.request is not None,
            subtask=subtask_of(asked, self._conventions),
        )

    def request_of_turn(
        self, prompt: str, kind: Kind, functions: Sequence[FunctionSpec], turns: Sequence[Turn]
    ) -> Request | None:
        """Returns the same for the assistant's next turn of a conversation.

        Args:
            prompt: What asks for it.
            kind: What it is.
            functions: The functions on offer.
            turns: Those before it.
        """
        is_calls = kind == "calls"
        return self._request(
            prompt,
            self._grammar(functions, turns) if is_calls and self._arguments.constrained else None,
            drawn_as=f"{kind} {len(turns)}",
            is_calls=is_calls,
            subtask=(
                self._conventions.calls_subtask if is_calls else self._conventions.reply_subtask
            ),
        )

    def _grammar(self, functions: Sequence[FunctionSpec], turns: Sequence[Turn]) -> AnswerGrammar:
        grammar = self._conventions.call_grammar(functions, turns)
        self._notes.narrowed(grammar)
        return grammar

    def _request(
        self,
        prompt: str,
        grammar: AnswerGrammar | None,
        *,
        drawn_as: str,
        is_calls: bool,
        subtask: str | None,
    ) -> Request | None:
        tokens = self.vocabulary.encode(prompt)
        if not 1 <= len(tokens) <= self.max_positions:
            return None
        return Request(
            tokens,
            self._arguments.max_new_tokens,
            samples=self._arguments.samples,
            sampling=self._sampling,
            seed=key_of(self._arguments.seed, "generate", drawn_as),
            grammar=grammar,
            complete=self._conventions.calls_end if is_calls else None,
            adapter=self._adapters.of(subtask),
        )


def _sampling(arguments: argparse.Namespace) -> SamplingConfig:
    """What gin binds, and over it what the command line says."""
    given = {
        name: value
        for name in ("temperature", "top_k", "top_p")
        if (value := getattr(arguments, name)) is not None
    }
    return dataclasses.replace(SamplingConfig(), **given)
