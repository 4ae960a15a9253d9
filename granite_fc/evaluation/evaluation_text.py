"""An evaluation on a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from granite_fc.evaluation.aggregate import MetricValue
from granite_fc.evaluation.error_kinds import KINDS
from granite_fc.evaluation.evaluation_json import definitions
from granite_fc.evaluation.results import Comparison, Evaluation, GroupResult, ModelResult
from granite_fc.visible_text import visible

# What a table on a terminal has room for, and what its column is called; the rest is in the JSON
# and on the page.
_COLUMNS = {
    "accuracy": "accuracy",
    "exact_match": "exact",
    "parse_rate": "parsed",
    "name_f1": "name F1",
    "parameter_f1": "param. F1",
    "win_rate": "win rate",
    "hallucination_rate": "made-up name",
    "needless_calls": "needless call",
    "needless_refusals": "needless refusal",
    "rouge_l": "ROUGE-L",
    "grounded_values": "values told",
}


def print_evaluation(evaluation: Evaluation, console: Console) -> None:
    """Prints the tables of every model, comparisons, and what the columns mean."""
    facts = ", ".join(f"{name} {value}" for name, value in evaluation.facts.items())
    console.print(Text(visible(f"{evaluation.title} ({facts})"), style="bold"))
    for remark in evaluation.remarks:
        console.print(Text(f"note: {remark}"))
    used: set[str] = set()
    for model in evaluation.models:
        used |= _print_model(model, console)
    for comparison in evaluation.comparisons:
        _print_comparison(comparison, console)
    for scores in evaluation.models[0].published:
        for fault in scores.faults:
            console.print(Text(f"fault of {scores.scorer}: {fault}"), soft_wrap=True)
    for name, meaning in definitions(used, evaluation.definitions).items():
        console.print(Text(f"{_COLUMNS.get(name, name)}: {meaning}"), soft_wrap=True)


def _print_model(model: ModelResult, console: Console) -> set[str]:
    groups = [*model.groups, *([model.together] if len(model.groups) > 1 else [])]
    columns = [
        name for name in _COLUMNS if any(name in group.aggregate.metrics for group in groups)
    ]
    facts = ", ".join(f"{name} {value}" for name, value in model.facts.items())
    table = Table(title=Text(visible(model.name)), caption=Text(visible(facts)))
    table.add_column("", no_wrap=True)
    table.add_column("answers", justify="right")
    for name in columns:
        table.add_column(_COLUMNS[name], justify="right")
    for group in groups:
        cells = [_cell(group.aggregate.metrics.get(name)) for name in columns]
        table.add_row(Text(visible(group.name)), f"{group.aggregate.num_answers:,}", *cells)
    console.print(table)
    console.print("below each value its 95 % interval", style="dim")
    _print_kinds(groups, console)
    for name, score in model.scores.items():
        console.print(Text(f"{name}: {'n/a' if score is None else f'{score:.1%}'}"))
    for scores in model.published:
        values = ", ".join(f"{name} {value:.3f}" for name, value in scores.values.items())
        of = f"{scores.num_items:,} of {model.together.aggregate.num_answers:,} answers"
        console.print(Text(f"as {scores.scorer} counts {of}, faults included: {values}"))
    return set(columns)


def _cell(value: MetricValue | None) -> Text:
    if value is None or math.isnan(value.value):
        return Text("")
    text = Text(f"{value.value:.1%}")
    text.append(f"\n{100 * value.low:.0f} to {100 * value.high:.0f}", style="dim")
    return text


def _print_kinds(groups: Sequence[GroupResult], console: Console) -> None:
    failures = sorted({reason for group in groups for reason in group.failures})
    kinds = [kind for kind in KINDS if any(group.aggregate.error_kinds[kind] for group in groups)]
    if not kinds and not failures:
        return
    table = Table(title="answers with each kind of mistake")
    table.add_column("", no_wrap=True)
    table.add_column("not exact", justify="right")
    for name in (*kinds, *failures):
        table.add_column(name.replace("_", " "), justify="right")
    for group in groups:
        found = group.aggregate
        counts = [found.num_answers - found.num_exact]
        counts += [found.error_kinds[kind] for kind in kinds]
        counts += [group.failures.get(reason, 0) for reason in failures]
        table.add_row(
            Text(visible(group.name)), *(f"{count:,}" if count else "" for count in counts)
        )
    console.print(table)


def _print_comparison(comparison: Comparison, console: Console) -> None:
    table = Table(title=Text(visible(f"{comparison.second} less {comparison.first}")))
    for head in ("", "metric", "difference", "95 % interval", "p"):
        table.add_column(head, justify="left" if head in ("", "metric") else "right")
    for group, metrics in comparison.groups.items():
        for name, title in _COLUMNS.items():
            if (found := metrics.get(name)) is None or math.isnan(found.difference):
                continue
            p_value = found.p_value if found.mcnemar is None else found.mcnemar.p_value
            table.add_row(
                Text(visible(group)),
                title,
                f"{100 * found.difference:+.1f}",
                f"{100 * found.low:+.1f} to {100 * found.high:+.1f}",
                f"{p_value:.3f}",
            )
    console.print(table)
    console.print(
        "Differences in points, by paired bootstrap over requests; p by McNemar's exact test for "
        "shares of answers, else by the same bootstrap."
    )
