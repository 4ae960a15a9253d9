"""Metrics of every form of answer."""

from __future__ import annotations

from granite_fc.evaluation.metrics.metric import Counts, Metric, counts_of

METRICS = (
    Metric(
        "exact_match",
        "Exact match",
        "Answers that mean what gold means, over answers. Calls: as a graph, up to the names of"
        " labels and the reorderings that it allows, in function chaining in gold's order alone."
        " Names: in gold's order. Parameter-value pairs: objects in any order, values as JSON."
        " Replies: word for word.",
        is_share=True,
    ),
    Metric(
        "parse_rate",
        "Parse rate",
        "Answers that can be read, from their first character to the last, in the form that is"
        " asked for, over answers. A reply in words has nothing that begins a call. Of an answer"
        " that cannot be read, the other metrics take the calls that could be.",
        is_share=True,
    ),
)


def count_whole(*, exact: bool, is_read: bool) -> Counts:
    """Counts of the metrics of every form of answer."""
    return counts_of(exact_match=(exact, 1), parse_rate=(is_read, 1))
