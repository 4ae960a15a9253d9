"""What can be said of a reply in words as an answer."""

from __future__ import annotations

from collections.abc import Callable

from granite_fc.evaluation.error_kinds import called, unreadable, wrong_in_reply
from granite_fc.evaluation.judgement import Judgement, WrongPart
from granite_fc.evaluation.metrics.grounding import check_grounding, count_grounding
from granite_fc.evaluation.metrics.metric import counts_of
from granite_fc.evaluation.metrics.reply_overlap import count_overlap
from granite_fc.evaluation.metrics.whole import count_whole
from granite_fc.evaluation.question import NOTHING_KNOWN, Question

# The F1 of BERTScore, asked with reference and answer.
BertF1 = Callable[[str, str], float]


def judge_reply(
    gold: str,
    given: str,
    question: Question = NOTHING_KNOWN,
    *,
    calls: tuple[str, ...] = (),
    is_words: bool = True,
    bert_f1: BertF1 | None = None,
) -> Judgement:
    """Judges a reply; white space is made even first.

    Args:
        gold: The reference.
        given: The answer.
        question: What the prompt shows. Where it is not known what was on offer, nothing else of
            the prompt is, and no value of the answer is said to be invented.
        calls: Names of the functions that the answer calls where words are asked for; it is then no
            reply that can be read.
        is_words: Whether the answer is words alone; without them it is no reply that can be read,
            though none of its calls may be either.
        bert_f1: Such as a `granite_fc.evaluation.metrics.bert_score.BertScorer` has; None where no
            encoder is at hand.

    Returns:
        The metrics of `reply_overlap`, `grounding`, `bert_score` and `whole`.
    """
    gold, given = " ".join(gold.split()), " ".join(given.split())
    exact = gold == given
    is_read = exact or bool(given and is_words and not calls)
    grounding = check_grounding(gold, given, question)
    counts = {
        **count_whole(exact=exact, is_read=is_read),
        **count_overlap(gold, given),
        **count_grounding(grounding),
    }
    if bert_f1 is not None:
        counts |= counts_of(bert_score=(bert_f1(gold, given), 1))
    wrong: tuple[WrongPart, ...] = ()
    if calls and not exact:
        wrong = called(calls)
    elif not is_read:
        wrong = unreadable("no words" if is_words else "a call that cannot be read")
    elif not exact:
        wrong = wrong_in_reply(grounding)
    return Judgement(exact, counts, wrong)
