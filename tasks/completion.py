"""When an answer that is being written is all there is to write.

What may follow is then nothing: it would make any answer wrong. So nobody has to wait for the end
of sequence of a model that goes on. A right answer is never cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from granite_fc.calls.call import NO_FUNCTION
from granite_fc.calls.strict_json import decode_prefix
from tasks.dialects import dialect_of_calls
from tasks.dialects.reading import skip_whitespace
from tasks.subtasks import (
    CALL_SUBTASKS,
    NAME_DETECTION,
    NEXT_BEST_FUNCTION,
    PARAMETER_DETECTION,
)

_LINE_BREAK = re.compile(r"[\r\n]")
_EMPTY_LINE = re.compile(r"\n[ \t\r]*\n")
# After each call of a dialect in which calls follow each other.
_CLOSINGS = {"granite": "", "hermes": "</tool_call>"}


def completion(subtask: str) -> Callable[[str], int | None] | None:
    """Returns what `granite_fc.data.declarations.TaskDeclaration.complete` asks for.

    None for replies, which only the end of sequence ends.
    """
    if subtask in CALL_SUBTASKS:
        return calls_end
    return {
        NAME_DETECTION: names_end,
        NEXT_BEST_FUNCTION: name_end,
        PARAMETER_DETECTION: pairs_end,
    }.get(subtask)


def calls_end(text: str) -> int | None:
    """Where calls end; None while more of them may come.

    They end with the last call before something that is neither white space nor the beginning of
    another call, with `no_function`, and with the bracket where there is one around all of them.
    """
    dialect = dialect_of_calls(text)
    start = text.find(dialect.call_marker)
    if start < 0:
        return None
    if dialect.name not in _CLOSINGS:  # one JSON value has all calls
        is_inside = dialect.call_marker.startswith("{")
        found = _decoded(text, start if is_inside else start + len(dialect.call_marker))
        return None if found is None else found[1]
    return _end_of_row(text, start, dialect.call_marker, _CLOSINGS[dialect.name])


def names_end(text: str) -> int | None:
    """Where names end, one a line: before an empty line, and after `no_function` on the first."""
    start = len(text) - len(text.lstrip())
    first = _LINE_BREAK.search(text, start)
    if first is not None and text[start : first.start()].strip() == NO_FUNCTION:
        return first.start()
    empty = _EMPTY_LINE.search(text, start)
    return None if empty is None else empty.start()


def name_end(text: str) -> int | None:
    """Where one name ends: before the first line break."""
    found = _LINE_BREAK.search(text, len(text) - len(text.lstrip()))
    return None if found is None else found.start()


def pairs_end(text: str) -> int | None:
    """Where parameter-value objects end.

    They end with the last object before something that is neither white space nor another, and with
    `{}` in front, which says that there are none.
    """
    position, end = skip_whitespace(text, 0), None
    while position < len(text):
        found = _decoded(text, position) if text[position] == "{" else None
        if found is None:
            return None if text[position] == "{" else end
        value, after = found
        if value == {} and end is None:
            return after
        end, position = after, skip_whitespace(text, after)
    return None


def _end_of_row(text: str, start: int, marker: str, closing: str) -> int | None:
    while True:
        found = _decoded(text, start + len(marker))
        if found is None:
            return None
        value, end = found
        if closing:
            end = skip_whitespace(text, end)
            if not text.startswith(closing, end):
                return None
            end += len(closing)
        if isinstance(value, dict) and value.get("name") == NO_FUNCTION:
            return end
        start = skip_whitespace(text, end)
        following = text[start : start + len(marker)]
        if following != marker:
            return None if marker.startswith(following) else end


def _decoded(text: str, position: int) -> tuple[Any, int] | None:
    """The JSON value at a position and where it ends; None where none is complete."""
    try:
        return decode_prefix(text, skip_whitespace(text, position))
    except ValueError:
        return None
