"""Whether calls do what they are to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.execute import ExecutionError, execute
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.match import value_form
from granite_fc.evaluation.metrics.metric import Metric
from granite_fc.evaluation.question import Question

# Functions on a state of their own, as it is before the first call.
FreshFunctions = Callable[[], Mapping[str, Callable[..., Any]]]

_DIGITS = 10
# An answer of far more calls than gold has other results than gold.
_MOST_CALLS = 4
_MORE_CALLS = 16

METRICS = (
    Metric(
        "win_rate",
        "Win rate by execution",
        "Answers whose calls, executed after those that the prompt shows, all succeed and return"
        " what gold's do, over answers whose gold can be executed. What has to be equal,"
        " as a multiset, are the results of the calls to whose output no other call of"
        f" the answer refers; numbers are equal to {_DIGITS} significant digits. Functions get"
        " keyword arguments, on a fresh state for each answer. An answer of more than four times"
        " gold's calls and 16 is not executed and has not won.",
        "Basu et al., NESTFUL, arXiv 2409.03797; their scorer passes arguments by position",
        is_share=True,
    ),
)


def has_won(
    gold: Sequence[Call], given: Sequence[Call], question: Question, functions: FreshFunctions
) -> bool | None:
    """Whether calls do what gold does; None where gold itself cannot be executed.

    That is also so where the shown calls do not return what the prompt shows: functions are then in
    another state than those of the prompt.
    """
    expected = _results(gold, question, functions)
    if expected is None:
        return None
    if len(given) > _MOST_CALLS * len(gold) + _MORE_CALLS:
        return False
    return _results(given, question, functions) == expected


def _results(
    calls: Sequence[Call], question: Question, functions: FreshFunctions
) -> Counter[Hashable] | None:
    """The results that nothing uses; None where a call fails."""
    fresh = functions()
    try:
        shown = CallGraph(question.shown)
        before = execute(shown, fresh)
        for found, told in zip(before, question.results, strict=False):
            if _form(found) != _form(told):
                return None
        known = {
            call.label: result
            for call, result in zip(shown, before, strict=True)
            if call.label is not None
        }
        graph = CallGraph(tuple(calls), known_labels=frozenset(known))
        results = execute(graph, fresh, known)
    except (ValueError, ExecutionError, RecursionError):
        return None
    used = set().union(*graph.dependencies())
    return Counter(_form(result) for place, result in enumerate(results) if place not in used)


def _form(value: Any) -> Hashable:
    return value_form(_rounded(value))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
