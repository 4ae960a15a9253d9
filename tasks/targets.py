"""What a target of a sub-task means, and when an answer says the same."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from granite_fc.calls.match import answers_equal
from granite_fc.calls.strict_json import decode_prefix
from granite_fc.evaluation.judge_parameters import same_pairs
from tasks.dialects import Dialect, dialect_of_calls
from tasks.dialects.reading import skip_whitespace
from tasks.subtasks import (
    CALL_SUBTASKS,
    FUNCTION_CHAINING,
    NAME_DETECTION,
    NEXT_BEST_FUNCTION,
    PARAMETER_DETECTION,
    RESPONSE_GENERATION,
)


def parse_target(subtask: str, text: str, dialect: Dialect | None = None) -> Any:
    """Reads an answer of a sub-task; never raises on what a model may write.

    Args:
        subtask: The sub-task.
        text: The answer.
        dialect: In which to read calls; None for the one whose calls come first in the text. All
            else is written alike in every dialect.

    Returns:
        Calls: a tuple of `Call`, empty for `no_function`. Name detection: a tuple of names.
        Parameter detection: a tuple of dictionaries, one for each call. Next best function: the
        name. Response generation: the reply, its white space made even. None where the text is no
        answer of this sub-task.
    """
    if subtask in CALL_SUBTASKS:
        result = (dialect or dialect_of_calls(text)).parse_calls(text)
        return result.calls if result.error is None and not result.text else None
    if subtask == NAME_DETECTION:
        names = tuple(line.strip() for line in text.strip().splitlines())
        return names if names and all(_is_name(name) for name in names) else None
    if subtask == NEXT_BEST_FUNCTION:
        name = text.strip()
        return name if _is_name(name) else None
    if subtask == PARAMETER_DETECTION:
        return _parse_pairs(text)
    if subtask == RESPONSE_GENERATION:
        return " ".join(text.split())
    raise ValueError(f"no such sub-task: {subtask!r}")


def exact_match(subtask: str) -> Callable[[str, str], bool]:
    """Returns the comparison (target, answer) of a sub-task: whether both mean the same.

    Calls are compared as graphs, up to the names of labels and the reorderings that the gold graph
    allows; in function chaining the order counts as well. JSON values: 1 equals 1.0, not "1" and
    not true; the order of fields is free. Objects of parameter detection may come in any order,
    names of name detection may not. Replies have to agree word for word. An answer has to be in the
    dialect of the target.
    """
    return functools.partial(_exact_match, subtask)


def _exact_match(subtask: str, target: str, answer: str) -> bool:
    dialect = dialect_of_calls(target)
    gold = parse_target(subtask, target, dialect)
    given = parse_target(subtask, answer, dialect)
    if gold is None or given is None:
        return False
    if subtask in CALL_SUBTASKS:
        return answers_equal(gold, given, in_order=subtask == FUNCTION_CHAINING)
    if subtask == PARAMETER_DETECTION:
        return same_pairs(gold, given)
    return gold == given


def _is_name(text: str) -> bool:
    return bool(text) and not any(character.isspace() for character in text)


def _parse_pairs(text: str) -> tuple[dict[str, Any], ...] | None:
    pairs = []
    position = skip_whitespace(text, 0)
    while position < len(text):
        try:
            value, position = decode_prefix(text, position)
        except ValueError:
            return None
        if not isinstance(value, dict):
            return None
        pairs.append(value)
        position = skip_whitespace(text, position)
    return tuple(pairs) or None
