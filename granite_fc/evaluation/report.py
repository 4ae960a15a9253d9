"""`report.html`: one self-contained page that says how a run went, for every sub-task."""

from __future__ import annotations

import dataclasses
import html
import importlib.resources
from collections.abc import Mapping, Sequence
from pathlib import Path

from granite_fc.data.inspection import markup
from granite_fc.evaluation import charts, summary
from granite_fc.evaluation.goodput_table import SHARE, goodput_table
from granite_fc.evaluation.page.differences import marked, shown
from granite_fc.evaluation.run_record import RunRecord
from granite_fc.evaluation.skills_section import skills_section
from granite_fc.evaluation.summary import SubtaskSummary

_EXAMPLES_EACH = 4


@dataclasses.dataclass(frozen=True)
class MixtureLine:
    """What a run read of one task.

    Attributes:
        task: The task's name.
        subtask: The skill that it trains.
        examples: Examples read, repetitions included.
        tokens: Positions that they took.
        epochs: How often the task's examples were gone through.
        too_long: Examples of the task that are left out because they fit no row.
    """

    task: str
    subtask: str
    examples: int
    tokens: int
    epochs: float
    too_long: int


_SPEED_NOTES = {
    "timing/tokens_per_second": "Positions that hold an example, over all devices, per second.",
    "timing/step_seconds": "Wall time of a training step, evaluation and saving taken out.",
    "timing/data_wait_seconds": "Seconds a step that the host waited for its next batch: devices "
    "that still work on earlier ones wait less.",
    "packing/filled": "Share of a batch's positions that hold an example.",
}


def write_report(
    model_dir: str | Path,
    *,
    title: str,
    facts: Mapping[str, str],
    lines: Sequence[SubtaskSummary],
    mixture: Sequence[MixtureLine] = (),
    subtask_of: Mapping[str, str],
    formulas: Mapping[str, str],
) -> Path:
    """Writes `report.html` into `model_dir` from what the run recorded there.

    Args:
        model_dir: Holds `metrics.jsonl`, and `config.gin` and `predictions/` where they exist.
        title: Heading of the page.
        facts: What was run on what: name to value.
        lines: The final table; empty while a run is under way.
        mixture: What the run read of each task.
        subtask_of: Task name to sub-task, to group held-out curves and examples.
        formulas: How further quantities are defined: name to sentence.

    Returns:
        The path of the page.
    """
    record = RunRecord.read(model_dir)
    sections = [
        ("results", "Results", _results(lines)),
        ("training", "Training", _training_charts(record)),
        ("held-out", "Held-out examples", _evaluation_charts(record, subtask_of)),
        ("skills", "Skill by skill", skills_section(record)),
        ("answers", "Answers", _answers(record, subtask_of)),
        ("mixture", "Mixture, as it was drawn", _mixture(mixture)),
        ("machine", "Speed", _speed_charts(record, formulas)),
        ("time", "Where the time went", goodput_table(record.latest("train", SHARE))),
        ("configuration", "Configuration", _configuration(Path(model_dir))),
    ]
    script = importlib.resources.files("granite_fc.evaluation") / "assets" / "report.js"
    page = markup.document(
        title,
        "Function calling is several skills. Each is trained and measured here on its own, so that "
        "no average hides where the model fails.",
        markup.facts(facts),
        sections,
        script=script.read_text("utf-8"),
    )
    path = Path(model_dir) / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def _results(lines: Sequence[SubtaskSummary]) -> str:
    if not lines:
        return ""
    heads = "".join(f"<th{_words(column)}>{html.escape(column)}</th>" for column in summary.COLUMNS)
    rows = []
    for line in lines:
        cells = []
        for column, text in zip(summary.COLUMNS, summary.cells(line), strict=True):
            bar = ""
            if column == "exact match" and line.exact_match is not None and line.exact_match.total:
                bar = f'<span class="bar"><i style="width:{line.exact_match.share:.1%}"></i></span>'
            cells.append(f"<td{_words(column)}>{bar}{html.escape(text)}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    definitions = "".join(
        f"<li><b>{html.escape(name)}</b>: {html.escape(text)}.</li>"
        for name, text in summary.DEFINITIONS.items()
    )
    return (
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        f"<ul>{definitions}</ul>"
    )


def _words(column: str) -> str:
    return ' class="words"' if column == "remark" else ""


def _training_charts(record: RunRecord) -> str:
    def per_subtask(quantity: str) -> list[charts.Series]:
        prefix = f"{quantity}/"
        return [
            charts.Series(name.removeprefix(prefix), record.series("train", name))
            for name in record.scalars("train", prefix)
        ]

    def single(name: str) -> list[charts.Series]:
        return [charts.Series(name, record.series("train", name))]

    figures = [
        charts.line_chart(
            "Training loss",
            "Nats per target token of the batch, by sub-task; logarithmic.",
            per_subtask("loss"),
            logarithmic=True,
        ),
        charts.line_chart(
            "Token accuracy in training",
            "Share of target tokens that were the model's first choice.",
            per_subtask("accuracy"),
        ),
        charts.line_chart(
            "Output entropy",
            "Mean entropy of the prediction at target tokens, in nats: how undecided the model is.",
            per_subtask("entropy"),
        ),
        charts.line_chart(
            "Gradient norm",
            "Global L2 norm before clipping.",
            single("grad_norm"),
            logarithmic=True,
        ),
        charts.line_chart("Learning rate", "As the schedule gave it.", single("learning_rate")),
    ]
    return f'<div class="charts">{"".join(figures)}</div>'


def _evaluation_charts(record: RunRecord, subtask_of: Mapping[str, str]) -> str:
    runs = record.runs("training_eval/")
    if not runs:
        return ""
    several = len({subtask_of.get(_task(run)) for run in runs}) < len(runs)

    def lines(scalar: str) -> list[charts.Series]:
        return [
            charts.Series(
                _task(run) if several else subtask_of.get(_task(run), _task(run)),
                record.series(run, scalar),
            )
            for run in runs
        ]

    figures = [
        charts.line_chart(
            "Held-out loss",
            "Nats per target token on a fixed sample of validation examples; logarithmic.",
            lines("loss"),
            logarithmic=True,
        ),
        charts.line_chart(
            "Held-out token accuracy",
            "Share of target tokens that are the model's first choice.",
            lines("accuracy"),
        ),
    ]
    return f'<div class="charts">{"".join(figures)}</div>'


def _task(run: str) -> str:
    return run.partition("/")[2]


def _mixture(lines: Sequence[MixtureLine]) -> str:
    if not lines:
        return ""
    examples = sum(line.examples for line in lines)
    tokens = sum(line.tokens for line in lines)
    rows = "".join(
        f'<tr><td>{html.escape(line.task)}</td><td class="words">{html.escape(line.subtask)}</td>'
        f"<td>{line.examples:,}</td><td>{line.examples / max(examples, 1):.1%}</td>"
        f"<td>{line.tokens:,}</td><td>{line.tokens / max(tokens, 1):.1%}</td>"
        f"<td>{line.epochs:.2f}</td><td>{line.too_long:,}</td></tr>"
        for line in sorted(lines, key=lambda line: (line.subtask, line.task))
    )
    return (
        '<div class="scroll"><table><thead><tr><th>task</th><th class="words">sub-task</th>'
        "<th>examples</th><th>of examples</th><th>tokens</th><th>of tokens</th><th>epochs</th>"
        "<th>left out as too long</th></tr>"
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def _answers(record: RunRecord, subtask_of: Mapping[str, str]) -> str:
    predictions = list(record.predictions())
    if not predictions:
        return ""
    last = max(step for step, _, _ in predictions)
    groups: dict[str, list[dict]] = {}
    for step, task, records in predictions:
        if step == last:
            groups.setdefault(subtask_of.get(task, task), []).extend(records)
    parts = [
        f"<p>What the model answered to held-out requests after step {last}: some wrong answers "
        "and some right ones of each sub-task.</p>"
    ]
    for subtask, records in groups.items():
        right = [entry for entry in records if entry["exact"]]
        wrong = [entry for entry in records if not entry["exact"]]
        chosen = wrong[:_EXAMPLES_EACH] + right[:_EXAMPLES_EACH]
        shown = "".join(_example(entry) for entry in chosen)
        parts.append(
            f"<details><summary><b>{html.escape(subtask)}</b>: {len(right)} of {len(records)} "
            f"exact</summary>{shown}</details>"
        )
    return "".join(parts)


def _example(entry: Mapping) -> str:
    verdict = "right" if entry["exact"] else "wrong"
    expected, answered = marked(entry["targets"], entry["prediction"])
    kinds = ", ".join(dict.fromkeys(markup.words(part["kind"]) for part in entry.get("wrong", ())))
    return (
        f'<div class="example {verdict}"><span class="verdict">{verdict}</span> {kinds}'
        "<details><summary>what the model was given</summary>"
        f"<pre>{shown(entry['inputs'])}</pre></details>"
        f'<div class="pair"><div>expected<pre>{expected}</pre></div>'
        f"<div>answered<pre>{answered}</pre></div></div></div>"
    )


def _speed_charts(record: RunRecord, formulas: Mapping[str, str]) -> str:
    figures = []
    for name, heading in (
        ("timing/tokens_per_second", "Throughput"),
        ("timing/step_seconds", "Seconds a step"),
        ("timing/data_wait_seconds", "Waiting for data"),
        ("timing/mfu", "Model FLOPs utilisation"),
        ("packing/filled", "Positions filled"),
    ):
        note = _SPEED_NOTES.get(name, formulas.get(name, ""))
        points = record.series("train", name)
        if points:
            figures.append(charts.line_chart(heading, note, [charts.Series(name, points)]))
    definitions = "".join(
        f"<li><b>{html.escape(name)}</b>: {html.escape(text)}</li>"
        for name, text in formulas.items()
    )
    return f'<div class="charts">{"".join(figures)}</div><ul>{definitions}</ul>'


def _configuration(model_dir: Path) -> str:
    path = model_dir / "config.gin"
    if not path.exists():
        return ""
    text = html.escape(path.read_text(encoding="utf-8"))
    return f"<details><summary>config.gin, as it took effect</summary><pre>{text}</pre></details>"
