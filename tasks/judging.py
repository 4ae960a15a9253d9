"""How answers of a sub-task are judged: what they mean, and what is known of the request."""

from __future__ import annotations

import functools
from collections.abc import Callable

import gin

from granite_fc.evaluation.judge_calls import judge_calls, judge_name, judge_names
from granite_fc.evaluation.judge_parameters import judge_parameters
from granite_fc.evaluation.judge_reply import BertF1, judge_reply
from granite_fc.evaluation.judgement import Judgement, WrongPart
from granite_fc.evaluation.metrics.bert_score import BertScorer
from granite_fc.evaluation.metrics.execution import FreshFunctions
from granite_fc.evaluation.metrics.whole import count_whole
from granite_fc.evaluation.question import NOTHING_KNOWN, Question
from tasks.dialects import dialect_of_calls, dialect_of_prompt
from tasks.subtasks import (
    CALL_SUBTASKS,
    FUNCTION_CHAINING,
    NAME_DETECTION,
    NEXT_BEST_FUNCTION,
    PARAMETER_DETECTION,
)
from tasks.targets import parse_target

_SIMULATOR = "simulator"


def judge(subtask: str, source: str) -> Callable[[str, str, str], Judgement]:
    """Returns what judges (inputs, target, answer) of a task.

    What was on offer, called and said is read from the inputs. Calls of the simulator are executed
    as well, on the world of its validation episodes.
    """
    return functools.partial(_judge, subtask, source)


def judge_answer(
    subtask: str,
    target: str,
    answer: str,
    question: Question = NOTHING_KNOWN,
    functions: FreshFunctions | None = None,
) -> Judgement:
    """Judges an answer of a sub-task; `exact` is what `tasks.targets.exact_match` says.

    Args:
        subtask: The sub-task.
        target: The right answer; its dialect is that in which calls are read.
        answer: The model's.
        question: What the prompt shows.
        functions: Makes the functions that can be executed; None where they cannot be.
    """
    dialect = dialect_of_calls(target)
    gold = parse_target(subtask, target, dialect)
    if gold is None:
        wrong = (WrongPart("parse", "the target cannot be read"),)
        return Judgement(False, count_whole(exact=False, is_read=False), wrong)
    if subtask in CALL_SUBTASKS:
        return judge_calls(
            gold,
            dialect.parse_calls(answer),
            question,
            in_order=subtask == FUNCTION_CHAINING,
            functions=functions,
        )
    given = parse_target(subtask, answer, dialect)
    if subtask == NAME_DETECTION:
        return judge_names(gold, given, question)
    if subtask == NEXT_BEST_FUNCTION:
        return judge_name(gold, given, question)
    if subtask == PARAMETER_DETECTION:
        return judge_parameters(gold, given, question)
    dialect = dialect_of_calls(answer)
    return judge_reply(
        gold,
        given,
        question,
        calls=tuple(call.name for call in dialect.parse_calls(answer).calls),
        is_words=dialect.call_marker not in answer,
        bert_f1=_bert_f1(),
    )


@gin.configurable(module="tasks")
def bert_scorer(directory: str | None = None, layer: int | None = None) -> BertScorer | None:
    """The encoder by which replies get a BERTScore; None without a directory.

    Args:
        directory: An encoder that `transformers` can load.
        layer: The layer whose vectors are compared; see `BertScorer`.
    """
    return None if directory is None else _loaded(directory, layer)


def _judge(subtask: str, source: str, inputs: str, target: str, answer: str) -> Judgement:
    functions = _fresh_functions if source == _SIMULATOR and subtask in CALL_SUBTASKS else None
    return judge_answer(subtask, target, answer, _question(inputs), functions)


# A request is often answered by several models, or several times.
@functools.lru_cache(maxsize=64)
def _question(inputs: str) -> Question:
    return dialect_of_prompt(inputs).read_prompt(inputs)


def _fresh_functions() -> dict[str, Callable[..., object]]:
    # Only whoever calls functions pays for loading the world.
    from tasks.sources.simulator.config import SimulatorConfig
    from tasks.sources.simulator.executables import executable_functions

    return executable_functions(SimulatorConfig().seed, "validation")


def _bert_f1() -> BertF1 | None:
    scorer = bert_scorer()
    return None if scorer is None else scorer.f1


@functools.lru_cache(maxsize=2)
def _loaded(directory: str, layer: int | None) -> BertScorer:
    return BertScorer(directory, layer)
