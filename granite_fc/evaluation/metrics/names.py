"""Whether the right functions are named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from granite_fc.evaluation.metrics.lcs import lcs_length
from granite_fc.evaluation.metrics.metric import Counts, Metric, counts_of

_API_BLEND = "Basu et al., API-BLEND, arXiv 2402.15491, section 4.4; not set-based and not macro"
_SAME = "Names are equal as strings; a name named twice has to be in gold twice to match twice."

METRICS = (
    Metric(
        "name_precision",
        "Name precision",
        f"Matched names over names predicted, one to one as multisets. {_SAME}",
        _API_BLEND,
    ),
    Metric(
        "name_recall",
        "Name recall",
        f"Matched names over names in gold, one to one as multisets. {_SAME}",
        _API_BLEND,
    ),
    Metric(
        "name_f1",
        "Name F1",
        f"Twice the matched names over names predicted plus names in gold. {_SAME}",
        _API_BLEND,
    ),
    Metric(
        "name_lcs_f1",
        "Name LCS-F1",
        "Twice the length of the longest common subsequence of predicted and gold names over names"
        " predicted plus names in gold: the F1 of LCS/predicted and LCS/gold.",
        _API_BLEND,
    ),
    Metric(
        "name_sequence_accuracy",
        "Exact name sequence",
        "Answers that can be read and name the functions of gold in gold's order, over answers.",
        'Abdelaziz et al., Granite-20B-FunctionCalling, arXiv 2407.00121, table 5 ("exact score")',
        is_share=True,
    ),
)


def count_names(gold: Sequence[str], given: Sequence[str], *, is_read: bool) -> Counts:
    """Counts of the metrics of names.

    Args:
        gold: The right names; none where nothing is to be called.
        given: The names that could be read.
        is_read: Whether the whole answer could be.
    """
    matched = (Counter(gold) & Counter(given)).total()
    both = len(gold) + len(given)
    return counts_of(
        name_precision=(matched, len(given)),
        name_recall=(matched, len(gold)),
        name_f1=(2 * matched, both),
        name_lcs_f1=(2 * lcs_length(gold, given), both),
        name_sequence_accuracy=(is_read and list(gold) == list(given), 1),
    )
