"""`granite-fc generate --chat`: a conversation whose calls the simulator's functions execute."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from granite_fc.calls import strict_json
from granite_fc.calls.conversation import Turn
from granite_fc.calls.spec import FunctionSpec
from granite_fc.cli.generate_asked import offered_names
from granite_fc.cli.generate_model import AskedModel
from granite_fc.cli.generate_notes import Notes
from granite_fc.conventions import conventions
from granite_fc.decoding.streaming import tell_answer
from granite_fc.decoding.tool_conversation import (
    Event,
    Executed,
    Failed,
    Kind,
    ToolConversation,
    Wrote,
)


class _TooLong(Exception):
    """A conversation takes more tokens than the model has positions."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length


def chat(model: AskedModel, arguments: argparse.Namespace, notes: Notes) -> None:
    """Talks with a user until the input ends.

    Args:
        model: Who answers.
        arguments: The command line's; they say which functions there are.
        notes: Shows answers, and what calls return.
    """

    def write_turn(
        prompt: str, kind: Kind, functions: Sequence[FunctionSpec], turns: Sequence[Turn]
    ) -> str:
        request = model.request_of_turn(prompt, kind, functions, turns)
        if request is None:
            raise _TooLong(model.length(prompt))
        answer = tell_answer(model.engine, model.vocabulary, request, notes.write)
        notes.end_of(answer)
        return answer.text

    tools = conventions().tools(arguments.seed)
    offered = offered_names(tools, arguments.tools)
    conversation = ToolConversation(write_turn, conventions(), tools, offered)
    notes.say(f"functions: {', '.join(offered)}; an empty line ends", style="dim")
    while text := _hear():
        try:
            for event in conversation.say(text):
                _show(event, notes)
        except _TooLong as error:
            notes.say(
                f"[the conversation takes {error.length} tokens, and the model has "
                f"{model.max_positions} positions: it ends here]"
            )
            return


def _show(event: Event, notes: Notes) -> None:
    match event:
        case Executed(call, result):
            notes.say(f"  {call.name} returned {strict_json.encode(result)}", style="green")
        case Failed(reason):
            notes.say(f"  failed: {reason}", style="red")
        case Wrote():
            notes.write("\n")


def _hear() -> str:
    try:
        return input("> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return ""
