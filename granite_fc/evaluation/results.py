"""What an evaluation found: of each model by group, and of models side by side."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence

from granite_fc.evaluation.aggregate import Aggregate, aggregate
from granite_fc.evaluation.compatibility.scores import Scores
from granite_fc.evaluation.items import JudgedAnswer
from granite_fc.evaluation.paired import PairedDifference, compare_paired

ALL = "all"


@dataclasses.dataclass(frozen=True)
class GroupResult:
    """Answers of one kind.

    Attributes:
        name: The sub-task, category or task; "all" for every answer of the evaluation.
        aggregate: What they amount to.
        failures: Number of answers that were less than a whole answer, by reason (see
            `granite_fc.evaluation.items.Answer`). They are judged, and counted, like all others.
    """

    name: str
    aggregate: Aggregate
    failures: Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class ModelResult:
    """What one model's answers amount to.

    Attributes:
        name: What the model is called.
        facts: What it is and how it answered: name to value.
        answers: Every answer, judged, in the order of the items.
        groups: By group, in the order in which groups first appear.
        tasks: By task, likewise; empty where every group has one task.
        together: All answers as one group.
        scores: A suite's own overall scores: name to value, None where one cannot be computed.
        published: What others' published scorers make of the same answers.
    """

    name: str
    facts: Mapping[str, str]
    answers: tuple[JudgedAnswer, ...]
    groups: tuple[GroupResult, ...]
    tasks: tuple[GroupResult, ...]
    together: GroupResult
    scores: Mapping[str, float | None] = dataclasses.field(default_factory=dict)
    published: tuple[Scores, ...] = ()


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two models on the same items.

    Attributes:
        first: Name of one.
        second: Name of the other; differences are its values less those of the first.
        groups: Group to metric to difference; "all" has every answer.
    """

    first: str
    second: str
    groups: Mapping[str, Mapping[str, PairedDifference]]


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """One evaluation.

    Attributes:
        title: What was evaluated on what.
        facts: What was asked: name to value.
        models: At least one.
        comparisons: The first model beside each of the others.
        definitions: Metrics, scores and failures that are the suite's own, to what they mean.
        remarks: What a reader should know: what was left out, and why.
    """

    title: str
    facts: Mapping[str, str]
    models: tuple[ModelResult, ...]
    comparisons: tuple[Comparison, ...]
    definitions: Mapping[str, str]
    remarks: tuple[str, ...] = ()


def group_results(
    answers: Sequence[JudgedAnswer], key: Callable[[JudgedAnswer], str]
) -> tuple[GroupResult, ...]:
    """Sums up answers by what a function says of each."""
    groups: dict[str, list[JudgedAnswer]] = {}
    for answer in answers:
        groups.setdefault(key(answer), []).append(answer)
    return tuple(_group(name, members) for name, members in groups.items())


def model_result(
    name: str,
    facts: Mapping[str, str],
    answers: Sequence[JudgedAnswer],
    scores: Mapping[str, float | None],
    published: Sequence[Scores],
) -> ModelResult:
    """Sums up one model's answers; see `ModelResult`."""
    groups = group_results(answers, lambda answer: answer.item.group)
    tasks = group_results(answers, lambda answer: answer.item.task)
    return ModelResult(
        name=name,
        facts=facts,
        answers=tuple(answers),
        groups=groups,
        tasks=tasks if len(tasks) > len(groups) else (),
        together=_group(ALL, answers),
        scores=scores,
        published=tuple(published),
    )


def compare(first: ModelResult, second: ModelResult) -> Comparison:
    """Compares two models that answered the same items in the same order."""
    pairs: dict[str, list[tuple[JudgedAnswer, JudgedAnswer]]] = {ALL: []}
    for one, other in zip(first.answers, second.answers, strict=True):
        pairs.setdefault(one.item.group, []).append((one, other))
        pairs[ALL].append((one, other))
    return Comparison(
        first.name,
        second.name,
        {
            group: compare_paired(
                [one.judgement for one, _ in members], [other.judgement for _, other in members]
            )
            for group, members in pairs.items()
        },
    )


def _group(name: str, answers: Sequence[JudgedAnswer]) -> GroupResult:
    failures = collections.Counter(
        answer.answer.failure for answer in answers if answer.answer.failure is not None
    )
    return GroupResult(
        name, aggregate([answer.judgement for answer in answers]), dict(sorted(failures.items()))
    )
