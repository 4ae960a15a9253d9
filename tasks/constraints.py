"""What answers of a sub-task may be, told from the prompt alone."""

from __future__ import annotations

import functools
from collections.abc import Callable

from granite_fc.decoding.constraint import AnswerGrammar
from tasks.dialects import dialect_of_prompt
from tasks.subtasks import (
    CALL_SUBTASKS,
    NAME_DETECTION,
    NEXT_BEST_FUNCTION,
    PARAMETER_DETECTION,
)


def grammar(subtask: str) -> Callable[[str], AnswerGrammar | None] | None:
    """Returns what makes the grammar of a prompt's answers; None where any text is an answer.

    The prompt says what is on offer, in as much detail as it has: a parameter without a type takes
    any value, and where parameters are not shown any names. Of a text that is no prompt there is no
    grammar.
    """
    known = (*CALL_SUBTASKS, NAME_DETECTION, NEXT_BEST_FUNCTION, PARAMETER_DETECTION)
    return functools.partial(_grammar, subtask) if subtask in known else None


def _grammar(subtask: str, inputs: str) -> AnswerGrammar | None:
    # Training does without llguidance.
    from granite_fc.decoding.grammars.calls import CallsGrammar
    from granite_fc.decoding.grammars.names import NamesGrammar
    from granite_fc.decoding.grammars.parameter_values import ParameterValuesGrammar

    dialect = dialect_of_prompt(inputs)
    question = dialect.read_prompt(inputs)
    if question.functions is None:
        return None
    if subtask in CALL_SUBTASKS:
        frame = dialect.call_frame(len(question.shown))
        return CallsGrammar(question.functions, frame, question.shown, question.results)
    if subtask == PARAMETER_DETECTION:
        return ParameterValuesGrammar(question.functions)
    names = [spec.name for spec in question.functions]
    return NamesGrammar(names, 1 if subtask == NEXT_BEST_FUNCTION else None)
