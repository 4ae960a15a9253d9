"""The page of `granite-fc evaluate --html`: tables, charts and answers of one or several models."""

from __future__ import annotations

import importlib.resources
import math
from collections.abc import Sequence

from granite_fc.data.inspection import markup
from granite_fc.data.inspection.markup import Cell, escape
from granite_fc.evaluation.aggregate import MetricValue
from granite_fc.evaluation.error_kinds import KINDS
from granite_fc.evaluation.evaluation_json import definitions
from granite_fc.evaluation.metrics import METRICS
from granite_fc.evaluation.page.bars import Bar, bar_chart
from granite_fc.evaluation.page.comparison import comparison_tables
from granite_fc.evaluation.page.examples import examples
from granite_fc.evaluation.results import Evaluation, GroupResult, ModelResult
from granite_fc.visible_text import visible

_LEAD = (
    "Function calling is several skills. Each is measured here on its own, with the kinds of "
    "mistakes that are made, so that no average hides where a model fails."
)
# Told first where they are there; the others follow in the order of their families.
_FIRST = ("accuracy", "exact_match")


def evaluation_page(evaluation: Evaluation) -> str:
    """Returns the page as HTML that needs no network. Texts of data and models act on nothing."""
    metrics = _metrics(evaluation)
    remarks = "".join(f'<p class="remark">{escape(text)}</p>' for text in evaluation.remarks)
    sections = [
        ("skills", "Skill by skill", _charts(evaluation) + _scores(evaluation)),
        ("metrics", "All metrics", _metric_tables(evaluation, metrics)),
        ("mistakes", "Kinds of mistakes", _mistakes(evaluation)),
        ("comparison", "Model beside model", comparison_tables(evaluation.comparisons)),
        ("published", "As published scorers count", _published(evaluation)),
        ("answers", "Answers", examples(evaluation.models)),
        ("definitions", "What the numbers mean", _definitions(evaluation, metrics)),
    ]
    style = importlib.resources.files("granite_fc.evaluation") / "assets" / "evaluation.css"
    return markup.document(
        visible(evaluation.title),
        _LEAD,
        markup.facts({name: visible(text) for name, text in evaluation.facts.items()})
        + _models(evaluation.models)
        + remarks,
        sections,
        style=style.read_text("utf-8"),
    )


def metric_title(name: str) -> str:
    """What a metric is called, with an arrow where less is better."""
    if name not in METRICS:
        return markup.words(name).capitalize()
    metric = METRICS[name]
    return f"{metric.title} ↓" if metric.higher_is_better is False else metric.title


def _metrics(evaluation: Evaluation) -> list[str]:
    found = {
        name
        for model in evaluation.models
        for group in (*model.groups, model.together)
        for name in group.aggregate.metrics
    }
    known = [name for name in METRICS if name in found and name not in _FIRST]
    own = sorted(name for name in found if name not in METRICS and name not in _FIRST)
    return [name for name in _FIRST if name in found] + known + own


def _models(models: Sequence[ModelResult]) -> str:
    rows = [
        [Cell(visible(model.name)), *(Cell(visible(model.facts.get(name, ""))) for name in names)]
        for names in [list(dict.fromkeys(name for model in models for name in model.facts))]
        for model in models
    ]
    heads = ["model", *dict.fromkeys(name for model in models for name in model.facts)]
    return markup.table(heads, rows, words=range(len(heads)))


def _charts(evaluation: Evaluation) -> str:
    names = [visible(model.name) for model in evaluation.models]
    main = "accuracy" if any(_has(model, "accuracy") for model in evaluation.models) else ""
    charts = []
    for metric in filter(None, (main, "exact_match" if not main else "strict_abstention")):
        groups = [
            (
                markup.words(visible(group.name)),
                [_bar(m, group.name, metric) for m in evaluation.models],
            )
            for group in evaluation.models[0].groups
            if any(_value(m, group.name, metric) is not None for m in evaluation.models)
        ]
        if groups:
            note = "Share of answers, with its 95 % interval."
            charts.append(bar_chart(metric_title(metric), note, names, groups))
    return f'<div class="charts">{"".join(charts)}</div>'


def _bar(model: ModelResult, group: str, metric: str) -> Bar:
    value = _value(model, group, metric)
    if value is None:
        return Bar(math.nan, math.nan, math.nan, "")
    return Bar(value.value, value.low, value.high, f"{value.value:.1%}")


def _has(model: ModelResult, metric: str) -> bool:
    return metric in model.together.aggregate.metrics


def _value(model: ModelResult, group: str, metric: str) -> MetricValue | None:
    for found in model.groups:
        if found.name == group:
            return found.aggregate.metrics.get(metric)
    return None


def _scores(evaluation: Evaluation) -> str:
    names = list(dict.fromkeys(name for model in evaluation.models for name in model.scores))
    if not names:
        return ""
    rows = [
        [Cell(name), *(_score(model.scores.get(name)) for model in evaluation.models)]
        for name in names
    ]
    heads = ["score", *(visible(model.name) for model in evaluation.models)]
    return "<h3>Scores of the suite</h3>" + markup.table(heads, rows)


def _score(value: float | None) -> Cell:
    return Cell("n/a") if value is None else markup.share(value)


def _metric_tables(evaluation: Evaluation, metrics: Sequence[str]) -> str:
    parts = []
    for model in evaluation.models:
        if len(evaluation.models) > 1:
            parts.append(f"<h3>{escape(visible(model.name))}</h3>")
        groups = [*model.groups, model.together] if len(model.groups) > 1 else [*model.groups]
        parts.append(_metric_table(groups, metrics))
        if model.tasks:
            parts.append(
                "<details><summary>the same by task</summary>"
                f"{_metric_table(model.tasks, metrics)}</details>"
            )
    return "".join(parts)


def _metric_table(groups: Sequence[GroupResult], metrics: Sequence[str]) -> str:
    rows = [
        [
            Cell(metric_title(name)),
            *(_metric_cell(name, group.aggregate.metrics.get(name)) for group in groups),
        ]
        for name in metrics
        if any(name in group.aggregate.metrics for group in groups)
    ]
    answers = [Cell("answers"), *(markup.number(group.aggregate.num_answers) for group in groups)]
    heads = ["", *(markup.words(visible(group.name)) for group in groups)]
    return markup.table(heads, [answers, *rows])


def _metric_cell(name: str, found: MetricValue | None) -> Cell:
    if found is None or math.isnan(found.value):
        return Cell("")
    shown = (
        f"{found.value:.1%}"
        f'<span class="low-high">{100 * found.low:.0f}–{100 * found.high:.0f}</span>'
    )
    return Cell(f"{found.value:.1%}", found.value, html=shown)


def _mistakes(evaluation: Evaluation) -> str:
    parts = [
        "<p>Answers that make each kind of mistake, of those that are not exact; one answer may "
        "make several. The darker, the larger the share of the group's answers.</p>"
    ]
    for model in evaluation.models:
        if len(evaluation.models) > 1:
            parts.append(f"<h3>{escape(visible(model.name))}</h3>")
        groups = [*model.groups, model.together] if len(model.groups) > 1 else [*model.groups]
        parts.append(_mistake_table(groups))
    meanings = "".join(
        f"<li><b>{kind.replace('_', ' ')}</b>: {escape(text)}</li>" for kind, text in KINDS.items()
    )
    return f"{''.join(parts)}<ul>{meanings}</ul>"


def _mistake_table(groups: Sequence[GroupResult]) -> str:
    kinds = [kind for kind in KINDS if any(g.aggregate.error_kinds[kind] for g in groups)]
    failures = sorted({reason for group in groups for reason in group.failures})
    rows = []
    for group in groups:
        total = group.aggregate.num_answers
        counts = [group.aggregate.error_kinds[kind] for kind in kinds]
        counts += [group.failures.get(reason, 0) for reason in failures]
        wrong = total - group.aggregate.num_exact
        rows.append(
            [
                Cell(markup.words(visible(group.name))),
                markup.number(total),
                markup.number(wrong),
                *(_heat(count, total) for count in counts),
            ]
        )
    heads = ["", "answers", "not exact", *map(markup.words, (*kinds, *failures))]
    return markup.table(heads, rows)


def _heat(count: int, total: int) -> Cell:
    if not count:
        return Cell("", 0)
    strength = 12 + 60 * count / total
    return Cell(
        str(count),
        count,
        html=f'<span style="background:color-mix(in srgb,#d55e00 {strength:.0f}%,transparent);'
        f'padding:.1rem .45rem;border-radius:4px" title="{count / total:.1%}">{count:,}</span>',
    )


def _published(evaluation: Evaluation) -> str:
    parts = []
    for number, scores in enumerate(evaluation.models[0].published):
        of_models = [model.published[number].values for model in evaluation.models]
        rows = [
            [Cell(name), *(Cell(f"{values[name]:.3f}", values[name]) for values in of_models)]
            for name in scores.values
        ]
        faults = "".join(f"<li>{escape(fault)}</li>" for fault in scores.faults)
        heads = ["score", *(visible(model.name) for model in evaluation.models)]
        parts.append(
            f"<h3>{escape(scores.scorer)}</h3><p>Of {scores.num_items:,} of "
            f"{evaluation.models[0].together.aggregate.num_answers:,} answers: those to requests "
            f"that calls answer.</p>{markup.table(heads, rows)}"
            f"<p>Its faults, which are reproduced:</p><ul>{faults}</ul>"
        )
    return "".join(parts)


def _definitions(evaluation: Evaluation, metrics: Sequence[str]) -> str:
    found = definitions(set(metrics), evaluation.definitions)
    lines = "".join(
        f"<li><b>{escape(metric_title(name))}</b>: {escape(meaning)}</li>"
        for name, meaning in found.items()
    )
    return (
        f"<ul>{lines}</ul><p>Intervals hold 95 %: Wilson's score interval where every answer "
        "counts 0 or 1, and where resampling does not move a value (the answers are then the "
        "trials); else the percentile bootstrap over answers, 1,000 samples.</p>"
    )
