"""An evaluation as JSON values, for other programs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from granite_fc.evaluation.error_kinds import KINDS
from granite_fc.evaluation.metrics import METRICS
from granite_fc.evaluation.paired import PairedDifference
from granite_fc.evaluation.results import Evaluation, GroupResult, ModelResult


def evaluation_to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Returns `{"title", "facts", "models", "comparisons", "definitions", "remarks"}`.

    A model has `name`, `facts`, `scores`, `published`, `groups`, `tasks` and `all`; of these a
    group has `name`, `answers`, `exact`, `metrics` (name to `value`, `low`, `high` and `answers`),
    `wrong` (kind of mistake to number of answers that make it) and `failures`. Numbers that are not
    finite are null.
    """
    used = {
        name
        for model in evaluation.models
        for group in (*model.groups, model.together)
        for name in group.aggregate.metrics
    }
    return {
        "title": evaluation.title,
        "facts": dict(evaluation.facts),
        "models": [_model(model) for model in evaluation.models],
        "comparisons": [
            {
                "first": comparison.first,
                "second": comparison.second,
                "groups": {
                    group: {name: _difference(found) for name, found in metrics.items()}
                    for group, metrics in comparison.groups.items()
                },
            }
            for comparison in evaluation.comparisons
        ],
        "definitions": definitions(used, evaluation.definitions) | {"wrong": dict(KINDS)},
        "remarks": list(evaluation.remarks),
    }


def definitions(used: set[str], own: Mapping[str, str]) -> dict[str, Any]:
    """Returns what the metrics that occur mean, those that are a suite's own among them."""
    known = {name: metric.definition for name, metric in METRICS.items() if name in used}
    return known | dict(own)


def _model(model: ModelResult) -> dict[str, Any]:
    return {
        "name": model.name,
        "facts": dict(model.facts),
        "scores": {name: _number(value) for name, value in model.scores.items()},
        "published": [
            {
                "scorer": scores.scorer,
                "answers": scores.num_items,
                "values": {name: _number(value) for name, value in scores.values.items()},
                "faults": list(scores.faults),
            }
            for scores in model.published
        ],
        "groups": _groups(model.groups),
        "tasks": _groups(model.tasks),
        "all": _group(model.together),
    }


def _groups(groups: Sequence[GroupResult]) -> list[dict[str, Any]]:
    return [_group(group) for group in groups]


def _group(group: GroupResult) -> dict[str, Any]:
    aggregate = group.aggregate
    return {
        "name": group.name,
        "answers": aggregate.num_answers,
        "exact": aggregate.num_exact,
        "metrics": {
            name: {
                "value": _number(metric.value),
                "low": _number(metric.low),
                "high": _number(metric.high),
                "answers": metric.num_answers,
            }
            for name, metric in aggregate.metrics.items()
        },
        "wrong": {kind: number for kind, number in aggregate.error_kinds.items() if number},
        "failures": dict(group.failures),
    }


def _difference(found: PairedDifference) -> dict[str, Any]:
    record = {
        name: _number(getattr(found, name))
        for name in ("first", "second", "difference", "low", "high", "p_value")
    }
    mcnemar = None if found.mcnemar is None else dataclasses.asdict(found.mcnemar)
    return record | {"mcnemar": mcnemar}


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
