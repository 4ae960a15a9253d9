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
    check_same_items({model.name: [each.item for each in model.answers] for model in models})
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


def check_same_items(items: Mapping[str, Sequence[Item]]) -> None:
    """Checks that models are asked the same.

    Args:
        items: What each model is asked, by its name.

    Raises:
        ConfigurationError: One is asked something else than the first.
    """
    (first, asked), *others = (
        (name, [(item.item_id, item.target) for item in of_model])
        for name, of_model in items.items()
    )
    for name, theirs in others:
        if theirs != asked:
            raise ConfigurationError(
                name,
                found=f"{len(theirs)} items, {len(set(theirs) - set(asked))} of them with another "
                f"id or right answer than those of {first}",
                expected=f"the same {len(asked)} items",
                remedy="Models are compared on the same requests: evaluate all on one set. Where "
                "their runs drew from different tasks, say with --gin from which.",
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
