"""Whether calls are those that BFCL accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from granite_fc.calls.call import Call
from granite_fc.calls.reference import Reference
from granite_fc.evaluation.judgement import WrongPart
from granite_fc.evaluation.suites.bfcl.functions import Function
from granite_fc.evaluation.suites.bfcl.values import problem_of_value


class Accepted(NamedTuple):
    """One call of a right answer.

    Attributes:
        function: What is called.
        values: Parameter to the values that are right; `""` among them says that it may be left
            out.
    """

    function: Function
    values: Mapping[str, Sequence[Any]]


def problem_of_call(call: Call, accepted: Accepted) -> WrongPart | None:
    """Returns the first thing that is wrong with a call, or None where it is accepted.

    The name has to be the function's, every required parameter given, every given one both
    declared and in the accepted answer, and every other one of the answer given unless it may be
    left out.
    """
    function, arguments = accepted.function, call.arguments
    if call.name != function.name:
        return WrongPart("name", f"{call.name[:80]!r}, expected {function.name!r}")
    for name in function.required:
        if name not in arguments:
            return WrongPart("missing", f"{name} of {function.name}")
    for name, value in arguments.items():
        if name not in function.parameters or name not in accepted.values:
            return WrongPart("extra", f"{name[:80]} of {function.name}")
        declared = function.parameters[name]
        meanings = function.language.values_of(_plain(value), declared)
        problems = [
            problem_of_value(name, meaning, declared, accepted.values[name]) for meaning in meanings
        ]
        if None not in problems:
            return problems[0]
    for name, values in accepted.values.items():
        if name not in arguments and "" not in values:
            return WrongPart("missing", f"{name} of {function.name}")
    return None


def problems_of_calls(calls: Sequence[Call], accepted: Sequence[Accepted]) -> list[WrongPart]:
    """Returns what is wrong with calls whose order is free; nothing where they are accepted.

    As many calls as the answer has are paired with those that accept them, one to one and so that
    as many as possible find one (Kuhn's augmenting paths). BFCL's own checker gives each accepted
    call the first that fits, in order, and goes no way back: where one call fits two accepted ones
    and another fits only one of these, it may miss the pairing that exists.
    """
    if len(calls) != len(accepted):
        return [WrongPart("count", f"{len(calls)} calls, expected {len(accepted)}")]
    problems = [[problem_of_call(call, one) for call in calls] for one in accepted]
    pairs = _largest_pairing([[p is None for p in row] for row in problems])
    left = [index for index in range(len(calls)) if index not in pairs.values()]
    wrong = []
    for row in (row for index, row in enumerate(problems) if index not in pairs):
        reasons = [reason for index in left if (reason := row[index]) is not None]
        # The call that comes nearest says what went wrong.
        wrong.append(next((r for r in reasons if r.kind != "name"), reasons[0]))
    return wrong


def _largest_pairing(fits: Sequence[Sequence[bool]]) -> dict[int, int]:
    """Pairs rows with columns that fit, as many as possible: row to column."""
    row_of: dict[int, int] = {}

    def place(row: int, tried: set[int]) -> bool:
        for column, right in enumerate(fits[row]):
            if not right or column in tried:
                continue
            tried.add(column)
            if column not in row_of or place(row_of[column], tried):
                row_of[column] = row
                return True
        return False

    for row in range(len(fits)):
        place(row, set())
    return {row: column for column, row in row_of.items()}


def _plain(value: Any) -> Any:
    """A value in which references are the strings that they are written as."""
    if isinstance(value, Reference):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
