"""What can be said of parameter-value pairs as an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from granite_fc.calls.call import Call
from granite_fc.calls.match import value_form
from granite_fc.calls.reference import to_json_value
from granite_fc.evaluation.error_kinds import called, refused, unreadable, wrong_in_values
from granite_fc.evaluation.judgement import Judgement, WrongPart
from granite_fc.evaluation.metrics.abstention import count_abstention
from granite_fc.evaluation.metrics.arguments import compare, count_arguments
from granite_fc.evaluation.metrics.offered import check_values, count_offered_arguments
from granite_fc.evaluation.metrics.whole import count_whole
from granite_fc.evaluation.question import NOTHING_KNOWN, Question

# Which function a pair is for is not said, so all are paired as calls of one.
_FUNCTION = "values"
_OF_ARGUMENTS = ("parameter_precision", "parameter_recall", "parameter_f1", "value_accuracy")

Pairs = Mapping[str, Any]


def judge_parameters(
    gold: Sequence[Pairs], given: Sequence[Pairs] | None, question: Question = NOTHING_KNOWN
) -> Judgement:
    """Judges parameter-value pairs: an object for each call, in any order.

    Args:
        gold: The right objects; one without pairs where the text gives no value.
        given: Those of the answer, as JSON; None where it cannot be read.
        question: What the prompt shows. A pair may be for any function on offer.

    Returns:
        The metrics of `arguments` (parameters and values), `offered` (parameters and types),
        `abstention` (pairs in place of calls) and `whole`.
    """
    exact = given is not None and same_pairs(gold, given)
    is_read = exact or (given is not None and _is_shallow(given))
    pairs = list(given) if given is not None and is_read else []
    compared = compare(_as_calls(gold), _as_calls(pairs))
    checked = check_values(gold, pairs, question)
    arguments = count_arguments(compared, is_same=exact)
    gold_has, has = any(map(bool, gold)), any(map(bool, pairs))
    counts = {
        **count_whole(exact=exact, is_read=is_read),
        **{name: arguments[name] for name in _OF_ARGUMENTS if name in arguments},
        **count_offered_arguments(checked),
        **count_abstention(gold_abstains=not gold_has, abstains=is_read and not has, calls=has),
    }
    wrong: tuple[WrongPart, ...] = ()
    if not is_read:
        wrong = unreadable("no JSON objects, one after the other")
    elif gold_has and not has:
        wrong = refused([name for found in gold for name in found])
    elif has and not gold_has:
        wrong = called([name for found in pairs for name in found])
    elif not exact:
        wrong = wrong_in_values(compared, checked)
    return Judgement(exact, counts, wrong)


def same_pairs(gold: Sequence[Pairs], given: Sequence[Pairs]) -> bool:
    """Whether objects are the same, values compared as JSON, in any order."""
    try:
        return Counter(map(value_form, gold)) == Counter(map(value_form, given))
    except RecursionError:  # nested deeper than any gold
        return False


def _is_shallow(given: Sequence[Pairs]) -> bool:
    """Whether objects are nested no deeper than calls may be."""
    try:
        to_json_value(list(given))
    except ValueError:
        return False
    return True


def _as_calls(objects: Sequence[Pairs]) -> list[Call]:
    return [Call(_FUNCTION, found) for found in objects]
