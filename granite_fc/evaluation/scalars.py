"""An evaluation by generation as scalars, for TensorBoard and `metrics.jsonl`."""

from __future__ import annotations

from collections.abc import Sequence

from granite_fc.evaluation.aggregate import Aggregate
from granite_fc.evaluation.items import JudgedAnswer
from granite_fc.evaluation.results import group_results

RUN = "inference_eval"
REQUESTS = "requests"
# Before the kind of a mistake: the share of answers that make it.
WRONG = "wrong"


def scalars_of(answers: Sequence[JudgedAnswer]) -> dict[str, dict[str, float]]:
    """Returns run to scalars.

    The run `inference_eval/<task>` has every metric of a task's answers, the number of `requests`,
    and as `wrong/<kind>` the share of answers that make a mistake of that kind. The run
    `inference_eval` has the same of each sub-task, as `<metric>/<sub-task>`.
    """
    found = {
        f"{RUN}/{group.name}": dict(_scalars(group.aggregate))
        for group in group_results(answers, lambda answer: answer.item.task)
    }
    found[RUN] = {
        f"{name}/{group.name}": value
        for group in group_results(answers, lambda answer: answer.item.group)
        for name, value in _scalars(group.aggregate)
    }
    return found


def _scalars(aggregate: Aggregate) -> list[tuple[str, float]]:
    return [
        (REQUESTS, float(aggregate.num_answers)),
        *((name, metric.value) for name, metric in aggregate.metrics.items()),
        *(
            (f"{WRONG}/{kind}", number / aggregate.num_answers)
            for kind, number in aggregate.error_kinds.items()
            if number
        ),
    ]
