"""What a run's answers to held-out requests amounted to, in its report."""

from __future__ import annotations

from granite_fc.data.inspection import markup
from granite_fc.data.inspection.markup import Cell
from granite_fc.evaluation import charts
from granite_fc.evaluation.error_kinds import KINDS
from granite_fc.evaluation.metrics import METRICS
from granite_fc.evaluation.run_record import RunRecord
from granite_fc.evaluation.scalars import REQUESTS, RUN, WRONG

_CURVES = ("exact_match", "name_f1", "parameter_f1", "win_rate")


def skills_section(record: RunRecord) -> str:
    """Returns curves where the run answered more than once, and tables of its last answers.

    Empty where the run answered nothing.
    """
    subtasks = [name.removeprefix(f"{REQUESTS}/") for name in record.scalars(RUN, f"{REQUESTS}/")]
    if not subtasks:
        return ""
    return _curves(record, subtasks) + _metrics(record, subtasks) + _mistakes(record, subtasks)


def _curves(record: RunRecord, subtasks: list[str]) -> str:
    if len(record.series(RUN, f"{REQUESTS}/{subtasks[0]}")) < 2:
        return ""
    figures = []
    for metric in _CURVES:
        lines = [
            charts.Series(subtask, record.series(RUN, f"{metric}/{subtask}"))
            for subtask in subtasks
        ]
        if any(line.points for line in lines):
            title = METRICS[metric].title
            figures.append(charts.line_chart(title, "On a fixed sample of requests.", lines))
    return f'<div class="charts">{"".join(figures)}</div>'


def _last(record: RunRecord, name: str) -> float | None:
    points = record.series(RUN, name)
    return points[-1][1] if points else None


def _metrics(record: RunRecord, subtasks: list[str]) -> str:
    rows = []
    for name, metric in METRICS.items():
        values = [_last(record, f"{name}/{subtask}") for subtask in subtasks]
        if any(value is not None for value in values):
            arrow = " ↓" if metric.higher_is_better is False else ""
            title = f"{metric.title}{arrow}"
            rows.append([Cell(title), *(markup.number(value, ".1%") for value in values)])
    requests = [markup.number(_last(record, f"{REQUESTS}/{subtask}")) for subtask in subtasks]
    heads = ["", *map(markup.words, subtasks)]
    return (
        "<h3>Every metric</h3><p>Of the last answers; ↓ where less is better. <code>granite-fc "
        "evaluate</code> tells intervals and definitions.</p>"
        + markup.table(heads, [[Cell("requests"), *requests], *rows])
    )


def _mistakes(record: RunRecord, subtasks: list[str]) -> str:
    rows = []
    for kind in KINDS:
        values = [_last(record, f"{WRONG}/{kind}/{subtask}") for subtask in subtasks]
        if any(values):
            rows.append([Cell(markup.words(kind)), *(markup.number(v, ".1%") for v in values)])
    heads = ["kind of mistake", *map(markup.words, subtasks)]
    return (
        "<h3>Kinds of mistakes</h3><p>Share of answers that make each; one answer may make "
        f"several.</p>{markup.table(heads, rows)}"
    )
