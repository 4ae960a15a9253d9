"""From judged answers of one or several models to an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.compatibility.scores import Scores
from granite_fc.evaluation.items import FAILURES, Answer, Item, JudgedAnswer, judged
from granite_fc.evaluation.results import Evaluation, ModelResult, compare, model_result
from granite_fc.evaluation.suites.suite import Formula, Totals


def evaluate_model(
    name: str,
    facts: Mapping[str, str],
    items: Sequence[Item],
    answers: Mapping[str, Answer],
    *,
    formulas: Sequence[Formula] = (),
    published: Sequence[Scores] = (),
) -> ModelResult:
    """Judges one model's answers and sums them up.

    Args:
        name: What the model is called.
        facts: What it is and how it answered.
        items: What was asked.
        answers: One for each item, by `item_id`.
        formulas: Scores of several groups together.
        published: What others' scorers make of the same answers.
    """
    found = judged(items, answers)
    totals = _totals(found)
    scores = {formula.name: formula.compute(totals) for formula in formulas}
    return model_result(name, facts, found, scores, published)


def evaluation_of(
    title: str,
    facts: Mapping[str, str],
    models: Sequence[ModelResult],
    definitions: Mapping[str, str],
    remarks: Sequence[str],
) -> Evaluation:
    """Puts models side by side: the first beside each of the others.

    Raises:
        ConfigurationError: They did not answer the same items.
    """
    first = models[0]
    asked = [(answer.item.item_id, answer.item.target) for answer in first.answers]
    for other in models[1:]:
        theirs = [(answer.item.item_id, answer.item.target) for answer in other.answers]
        if theirs != asked:
            raise ConfigurationError(
                other.name,
                found=f"{len(theirs)} items, {len(set(theirs) - set(asked))} of them with another "
                f"id or right answer than those of {first.name}",
                expected=f"the same {len(asked)} items",
                remedy="Models are compared on the same requests: evaluate both on one set.",
            )
    occurring = {
        reason for model in models for reason in model.together.failures if reason in FAILURES
    }
    return Evaluation(
        title=title,
        facts=facts,
        models=tuple(models),
        comparisons=tuple(compare(first, other) for other in models[1:]),
        definitions={**definitions, **{name: FAILURES[name] for name in sorted(occurring)}},
        remarks=tuple(remarks),
    )


def _totals(answers: Sequence[JudgedAnswer]) -> Totals:
    """Sums of numerators and denominators, by metric and group."""
    totals: dict[str, dict[str, tuple[float, float]]] = {}
    for answer in answers:
        for metric, (numerator, denominator) in answer.judgement.counts.items():
            groups = totals.setdefault(metric, {})
            top, below = groups.get(answer.item.group, (0.0, 0.0))
            groups[answer.item.group] = (top + numerator, below + denominator)
    return totals
