"""Turns as text, as a prompt shows them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.syntax import FUNCTION_RESPONSE, MARKERS, print_calls
from tasks.sources.episode import AssistantTurn, CallTurn, Turn, UserTurn

_BRACKETED = re.compile("<(?=" + "|".join(re.escape(m[1:]) for m in MARKERS if m[0] == "<") + ")")
_ROLE = re.compile("^(?=" + "|".join(m for m in MARKERS if m[0] != "<") + ")", re.MULTILINE)


def plain_text(text: str) -> str:
    """What somebody says, stripped, and such that no part of it passes for a marker of a prompt."""
    text = text.strip()
    if "<" in text:
        text = _BRACKETED.sub("< ", text)
    if ":" in text:
        text = _ROLE.sub("- ", text)
    return text


def response_text(result: Any) -> str:
    """One call's result as the line that a prompt shows."""
    text = json.dumps(result, ensure_ascii=False)
    if "<" in text:
        text = _BRACKETED.sub(r"\\u003c", text)
    return f"{FUNCTION_RESPONSE} {text}"


def conversation(turns: Sequence[Turn], calls: Iterable[Call] | None) -> list[str]:
    """Writes turns as exchanges: each begins with what the user says and ends with a newline.

    Args:
        turns: The turns; begin with the user.
        calls: What to show as the calls of the call turns, all of them in one row; None leaves the
            call turns out, and so do fewer calls than the turns have: a turn shows what is left.
    """
    exchanges: list[str] = []
    remaining = None if calls is None else iter(calls)
    for turn in turns:
        match turn:
            case UserTurn(text):
                exchanges.append(f"USER: {plain_text(text)}\n")
            case AssistantTurn(text):
                exchanges[-1] += f"ASSISTANT:\n{plain_text(text)}\n"
            case CallTurn():
                if remaining is not None:
                    exchanges[-1] += _call_turn(turn, remaining)
    return exchanges


def _call_turn(turn: CallTurn, remaining: Iterator[Call]) -> str:
    made = [call for _, call in zip(turn.calls, remaining, strict=False)]
    if not made:
        return ""
    responses = (response_text(result) for result in turn.results[: len(made)])
    return "\n".join(("ASSISTANT:", print_calls(made), *responses, ""))
