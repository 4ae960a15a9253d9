"""How the models of this package are talked to outside of their data: suites, users, tools."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.conversation import CallTurn, Turn, UserTurn
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.syntax import ParseResult
from granite_fc.conventions import ChatRequest, Tools
from granite_fc.decoding.constraint import AnswerGrammar
from granite_fc.decoding.grammars import limits as limits  # gin reads its settings beforehand
from tasks.chat_templates import Asked, chat_template
from tasks.completion import calls_end
from tasks.dialects import DIALECTS, Dialect, dialect_of_calls
from tasks.renderers import response_generation, umbrella
from tasks.renderers.assembly import calls_of
from tasks.renderers.conversation import conversation as exchanges_of
from tasks.renderers.instructions import Instructions
from tasks.renderers.labels import number_labels
from tasks.rendering_config import RenderingConfig
from tasks.sources.formats import openai
from tasks.sources.formats.conversation import Said
from tasks.sources.formats.specs import read_functions
from tasks.sources.formats.turns import TurnReader
from tasks.subtasks import RESPONSE_GENERATION, UMBRELLA

# There is no episode; a name in its place makes every request read the same phrasing.
_EPISODE_ID = ""
_ANSWER = "."


class RenderedConventions:
    """Prompts as the renderers write them, under the present gin configuration.

    Calls are asked for as the umbrella task does, since a request of which nothing is known may
    need any of them. Where `RenderingConfig.instructions` is not "short", the instruction is the
    one with which models of the dialect were released, if there is one: all sub-tasks that ask for
    calls are trained on it.
    """

    calls_subtask = UMBRELLA
    reply_subtask = RESPONSE_GENERATION

    def prompt_for_calls(
        self, functions: Sequence[FunctionSpec], conversation: Sequence[Turn]
    ) -> str:
        """The prompt that asks for all calls that a conversation still needs."""
        return _prompt(UMBRELLA, umbrella.INSTRUCTIONS, functions, conversation)

    def prompt_for_reply(
        self, functions: Sequence[FunctionSpec], conversation: Sequence[Turn]
    ) -> str:
        """The prompt that asks for what the assistant says next."""
        return _prompt(
            RESPONSE_GENERATION, response_generation.INSTRUCTIONS, functions, conversation
        )

    def chat_template(self) -> str:
        """A Jinja template that writes both prompts from `messages` and `tools`."""
        return chat_template(
            _dialect(RenderingConfig()),
            calls=_asked(UMBRELLA, umbrella.INSTRUCTIONS),
            reply=_asked(RESPONSE_GENERATION, response_generation.INSTRUCTIONS),
        )

    def read_calls(self, text: str) -> ParseResult:
        """Reads calls in the dialect whose calls come first in the text."""
        return dialect_of_calls(text).parse_calls(text)

    def print_calls(self, calls: Sequence[Call], like: str) -> str:
        """Writes calls in the dialect of a text."""
        return dialect_of_calls(like).print_calls(calls)

    def read_request(self, record: Mapping[str, Any]) -> ChatRequest:
        """Reads `messages` and `tools`; what is changed on the way is that of the user's data.

        Raises:
            ValueError: The record is malformed.
        """
        changes: collections.Counter[str] = collections.Counter()
        found = openai.read(record)
        functions = read_functions(found.functions or (), changes)
        # The reader leaves out what nobody answers: a last word stands for the answer to come.
        messages = [*found.messages, Said("assistant", _ANSWER)]
        *turns, _ = TurnReader(functions, changes).read(messages)
        if not turns or not isinstance(turns[-1], UserTurn):
            raise ValueError("the last message is not the user's")
        return ChatRequest(tuple(functions.values()), tuple(turns))

    def call_grammar(
        self, functions: Sequence[FunctionSpec], conversation: Sequence[Turn]
    ) -> AnswerGrammar:
        """What may answer `prompt_for_calls`."""
        # Whoever constrains nothing does without llguidance.
        from granite_fc.decoding.grammars.calls import CallsGrammar

        shown = _shown(conversation, label_all=True)
        turns = [turn for turn in conversation if isinstance(turn, CallTurn)]
        results: list[Any] = []
        for turn in turns:
            if len(turn.results) < len(turn.calls):
                break  # results go by the places of their calls
            results += turn.results
        frame = _dialect(RenderingConfig()).call_frame(len(shown))
        return CallsGrammar(functions, frame, shown, results)

    def calls_end(self, text: str) -> int | None:
        """How many characters of an answer to `prompt_for_calls` are its calls."""
        return calls_end(text)

    def tools(self, seed: int) -> Tools:
        """The functions of the simulator, on a world of their own."""
        # Only whoever calls functions pays for loading the world.
        from tasks.sources.simulator.executables import executable_functions
        from tasks.sources.simulator.links import ALL

        return Tools(
            specs=tuple(function.spec for function in ALL),
            functions=executable_functions(seed, "validation"),
            groups={function.name: function.domain for function in ALL},
        )


def _dialect(config: RenderingConfig) -> Dialect:
    """The dialect that most examples are in."""
    shares = config.dialect_shares
    return DIALECTS[max(shares, key=lambda name: shares[name]) if shares else config.dialect]


def _prompt(
    subtask: str,
    instructions: Instructions,
    functions: Sequence[FunctionSpec],
    conversation: Sequence[Turn],
) -> str:
    dialect = _dialect(RenderingConfig())
    asked = _asked(subtask, instructions)
    shown = _shown(conversation, label_all=subtask == UMBRELLA)
    return dialect.prompt(
        asked.instruction,
        [
            dialect.function(spec, asked.detail, with_output=subtask == UMBRELLA)
            for spec in functions
        ],
        exchanges_of(conversation, shown, dialect),
    )


def _asked(subtask: str, instructions: Instructions) -> Asked:
    config = RenderingConfig()
    dialect = _dialect(config)
    instruction = dialect.released_instruction(subtask)
    if instruction is None or config.instructions == "short":
        instruction = instructions.choose(subtask, _EPISODE_ID, dialect, config)
    return Asked(instruction, config.detail_of(subtask, _EPISODE_ID))


def _shown(conversation: Sequence[Turn], *, label_all: bool) -> Sequence[Call]:
    """The calls of a conversation as a prompt shows them."""
    return number_labels(calls_of(conversation), (), label_all_shown=label_all)[0]
