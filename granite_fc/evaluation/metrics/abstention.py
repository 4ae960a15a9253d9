"""Whether calls are made where none fits, and where one does."""

from __future__ import annotations

from granite_fc.evaluation.metrics.metric import Counts, Metric, counts_of

_BFCL = "BFCL's irrelevance and relevance, without its credit for answers that cannot be read"

METRICS = (
    Metric(
        "abstention_recall",
        "Right abstentions",
        "Answers that say that nothing is to be called, over answers whose gold says so. One that"
        " cannot be read, or that has words alone, does not say it.",
        _BFCL,
        is_share=True,
    ),
    Metric(
        "needless_calls",
        "Needless calls",
        "Answers with a call that can be read, over answers whose gold calls nothing.",
        _BFCL,
        higher_is_better=False,
        is_share=True,
    ),
    Metric(
        "needless_refusals",
        "Needless refusals",
        "Answers that say that nothing is to be called, over answers whose gold calls something.",
        _BFCL,
        higher_is_better=False,
        is_share=True,
    ),
)


def count_abstention(*, gold_abstains: bool, abstains: bool, calls: bool) -> Counts:
    """Counts of the metrics of abstention.

    Args:
        gold_abstains: Whether nothing is to be called.
        abstains: Whether the answer can be read and says so.
        calls: Whether it has a call that can be read.
    """
    if gold_abstains:
        return counts_of(abstention_recall=(abstains, 1), needless_calls=(calls, 1))
    return counts_of(needless_refusals=(abstains, 1))
