"""How much of a reply is worded like the reference."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from granite_fc.evaluation.metrics.lcs import lcs_length
from granite_fc.evaluation.metrics.metric import Counts, Metric, counts_of

# sacrebleu keeps the tokens of what it has seen.
_MAX_CHARACTERS = 100_000
_ORDERS = (1, 2, 3, 4)
_PRECISIONS = tuple(f"bleu_precision_{order}" for order in _ORDERS)
_LENGTH = "bleu_length_ratio"
_BLEU = (
    "sacrebleu's tokens 13a, smoothing exp, case kept, one reference; of a longer reply the first"
    f" {_MAX_CHARACTERS} characters."
)
_PAPINENI = "Papineni et al., 2002; as sacrebleu (Post, 2018) computes it, signature nrefs:1|"


def _corpus_bleu(sums: Sequence[tuple[float, float]]) -> float:
    *precisions, (length, reference_length) = sums
    if not reference_length:
        return float("nan")
    correct = [round(numerator) for numerator, _ in precisions]
    total = [round(denominator) for _, denominator in precisions]
    return _bleu(correct, total, length, reference_length, effective_order=False)


METRICS = (
    Metric(
        "rouge_l",
        "ROUGE-L",
        "Mean F1 of the longest common subsequence of words: LCS over the words predicted and over"
        " those of the reference, in rouge-score's lower-case tokens without stemming.",
        "Lin, 2004; the numbers of rouge-score's rougeL",
    ),
    Metric(
        "bleu",
        "BLEU of sentences",
        f"Mean BLEU of single replies, orders that a reply is too short for left out. {_BLEU}",
        f"{_PAPINENI}case:mixed|eff:yes|tok:13a|smooth:exp",
    ),
    *(
        Metric(
            name,
            f"BLEU's {order}-gram precision",
            f"Matched over predicted {order}-grams, an n-gram matched at most as often as the"
            f" reference has it. {_BLEU}",
            _PAPINENI,
        )
        for order, name in zip(_ORDERS, _PRECISIONS, strict=True)
    ),
    Metric(
        _LENGTH,
        "Length to reference",
        f"Tokens predicted over tokens of the references: neither more nor less is better. {_BLEU}",
        _PAPINENI,
        higher_is_better=None,
        is_bounded=False,
    ),
    Metric(
        "bleu_corpus",
        "BLEU of the corpus",
        "BLEU of all replies together: the geometric mean of the n-gram precisions of their sums"
        f" times the brevity penalty of the summed lengths, no mean of single replies. {_BLEU}",
        f"{_PAPINENI}case:mixed|eff:no|tok:13a|smooth:exp",
        components=(*_PRECISIONS, _LENGTH),
        derive=_corpus_bleu,
    ),
)


def count_overlap(gold: str, given: str) -> Counts:
    """Counts of ROUGE-L and BLEU."""
    score = _scorer().corpus_score([given[:_MAX_CHARACTERS]], [[gold]])
    return counts_of(
        rouge_l=(_rouge_l(gold, given), 1),
        bleu=(_bleu(score.counts, score.totals, score.sys_len, score.ref_len), 1),
        **dict(
            zip(_PRECISIONS, zip(score.counts, score.totals, strict=True), strict=True),
            **{_LENGTH: (score.sys_len, score.ref_len)},
        ),
    )


def _rouge_l(gold: str, given: str) -> float:
    from rouge_score.tokenize import tokenize

    wanted, found = tokenize(gold, None), tokenize(given, None)
    if not wanted or not found:
        return 0.0
    return 2 * lcs_length(wanted, found) / (len(wanted) + len(found))


def _bleu(
    correct: Sequence[int],
    total: Sequence[int],
    length: float,
    reference_length: float,
    *,
    effective_order: bool = True,
) -> float:
    score = _scorer().compute_bleu(
        correct=list(correct),
        total=list(total),
        sys_len=round(length),
        ref_len=round(reference_length),
        smooth_method="exp",
        effective_order=effective_order,
    )
    return min(1.0, score.score / 100)


@functools.cache
def _scorer() -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU(tokenize="13a", smooth_method="exp")
