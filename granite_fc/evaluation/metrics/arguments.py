"""Whether calls have the right arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from granite_fc.calls.call import Call
from granite_fc.evaluation.metrics.metric import Counts, Metric, counts_of
from granite_fc.evaluation.metrics.pairing import Answer, Pairing, agreeing, pair_calls

_PAIRED = (
    "Calls of one function are paired one to one such that the most parameters agree"
    " (granite_fc.evaluation.metrics.pairing): a second call of a function is a call of its own."
)
_EQUAL = (
    "Values are compared as JSON: 1 equals 1.0, but neither true nor the string 1; references agree"
    " where path and the calls that they lead to do."
)
_NESTFUL = (
    "Basu et al., NESTFUL, arXiv 2409.03797; their scorer keys arguments by function, so that the"
    " second call of a function overwrites the first"
)

METRICS = (
    Metric(
        "parameter_precision",
        "Parameter precision",
        f"Parameters right in name and value over parameters predicted. {_PAIRED} {_EQUAL}",
        _NESTFUL,
    ),
    Metric(
        "parameter_recall",
        "Parameter recall",
        f"Parameters right in name and value over parameters in gold. {_PAIRED} {_EQUAL}",
        _NESTFUL,
    ),
    Metric(
        "parameter_f1",
        "Parameter F1",
        "Twice the parameters right in name and value over parameters predicted plus parameters in"
        f" gold. {_PAIRED} {_EQUAL}",
        _NESTFUL,
    ),
    Metric(
        "value_accuracy",
        "Value accuracy",
        f"Right values over the parameters that both of two paired calls name. {_PAIRED} {_EQUAL}",
    ),
    Metric(
        "call_accuracy",
        "Full-call accuracy",
        "Paired calls with the same parameters, all of them right, over the larger of the numbers"
        f" of calls predicted and in gold: neither a missing nor a further call is free. {_PAIRED}",
        "NESTFUL's partial match, arXiv 2409.03797, without its alignment by position",
    ),
    Metric(
        "sequence_accuracy",
        "Full-sequence accuracy",
        "Answers whose calls are gold's, all arguments included, up to the names of labels and the"
        " reorderings that the call graph of gold allows, over answers"
        " (granite_fc.calls.match.graphs_equal).",
        "NESTFUL's full match, arXiv 2409.03797, which knows one order alone",
        is_share=True,
    ),
)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """An answer beside gold.

    Attributes:
        gold: The right calls.
        given: The calls that could be read.
        pairing: Which of them stand for each other, by their places.
        right: For each of these gold calls its parameters that agree.
    """

    gold: Sequence[Call]
    given: Sequence[Call]
    pairing: Pairing
    right: dict[int, frozenset[str]]

    @property
    def right_calls(self) -> list[int]:
        """The places of the gold calls to which a fully right one is paired."""
        return [
            i
            for i, j in self.pairing.items()
            if len(self.right[i]) == len(self.gold[i].arguments) == len(self.given[j].arguments)
        ]

    def shared(self, place: int) -> list[str]:
        """The parameters that a paired gold call and the call that stands for it both name."""
        other = self.given[self.pairing[place]].arguments
        return [parameter for parameter in self.gold[place].arguments if parameter in other]


def compare(gold: Sequence[Call], given: Sequence[Call], later: Collection[str] = ()) -> Comparison:
    """Pairs the calls of an answer with those of gold.

    Args:
        gold: The right calls.
        given: Those of the answer.
        later: Labels of the answer to which references count though they stand before.
    """
    first, second = Answer(gold), Answer(given, later)
    pairing = pair_calls(first, second)
    right = {i: frozenset(agreeing(first, second, i, j, pairing)) for i, j in pairing.items()}
    return Comparison(gold, given, pairing, right)


def count_arguments(compared: Comparison, *, is_same: bool) -> Counts:
    """Counts of the metrics of arguments.

    Args:
        compared: An answer beside gold.
        is_same: Whether it means what gold means; nothing of it is wrong then.
    """
    wanted = sum(len(call.arguments) for call in compared.gold)
    found = sum(len(call.arguments) for call in compared.given)
    shared = sum(len(compared.shared(i)) for i in compared.pairing)
    right = sum(map(len, compared.right.values()))
    right_calls = len(compared.right_calls)
    if is_same:
        right = shared = wanted
        right_calls = len(compared.gold)
    return counts_of(
        parameter_precision=(right, found),
        parameter_recall=(right, wanted),
        parameter_f1=(2 * right, wanted + found),
        value_accuracy=(right, shared),
        call_accuracy=(right_calls, max(len(compared.gold), len(compared.given))),
        sequence_accuracy=(is_same, 1),
    )
