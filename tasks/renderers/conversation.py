"""Turns as exchanges: what the user says, with all that follows until the user speaks again."""

from __future__ import annotations

from collections.abc import Sequence

from granite_fc.calls.call import Call
from tasks.dialects import Dialect
from tasks.sources.episode import AssistantTurn, CallTurn, Turn, UserTurn
from tasks.sources.told_time import told_time


def conversation(turns: Sequence[Turn], calls: Sequence[Call], dialect: Dialect) -> list[str]:
    """Writes turns as exchanges.

    Args:
        turns: The turns; begin with the user.
        calls: What to show as the calls of the call turns, all of them in one row. Where there are
            fewer than the turns have, a turn shows what is left.
        dialect: How to write them.
    """
    exchanges: list[str] = []
    num_shown = 0
    for turn in turns:
        match turn:
            case UserTurn(text):
                exchanges.append(dialect.user(text))
            case AssistantTurn(text):
                exchanges[-1] += dialect.assistant(text)
            case CallTurn():
                made = calls[num_shown : num_shown + len(turn.calls)]
                if made:
                    results = turn.results[: len(made)]
                    exchanges[-1] += dialect.call_turn(made, results, num_shown)
                num_shown += len(made)
    return exchanges


def opened(exchange: str, turns: Sequence[Turn], number: int, dialect: Dialect) -> str:
    """Writes an exchange as the first that a prompt shows: it tells the time that the first told.

    Args:
        exchange: As `conversation` has written it.
        turns: All turns.
        number: Which of the exchanges it is.
        dialect: How to write it.
    """
    texts = [turn.text for turn in turns if isinstance(turn, UserTurn)]
    told = told_time(texts[0])
    if number == 0 or not told or told_time(texts[number]):
        return exchange
    answered = exchange.removeprefix(dialect.user(texts[number]))
    return dialect.user(f"{told} {texts[number]}") + answered
