"""What a finished run says of itself: the table per sub-task and `report.html`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import jax
from rich.console import Console

from granite_fc.evaluation.report import MixtureLine, write_report
from granite_fc.evaluation.run_record import RunRecord
from granite_fc.evaluation.summary import ExactMatch, SubtaskSummary, print_summary
from granite_fc.models.decoder import count_params
from granite_fc.training.mfu import FORMULA
from granite_fc.training.recipe import Recipe
from granite_fc.training.run import TrainResult
from granite_fc.training.run_data import RunData


def report_run(
    model_dir: Path,
    result: TrainResult,
    recipe: Recipe,
    data: RunData,
    mesh_shape: Mapping[str, int],
    *,
    mixture: str,
    vocabulary_name: str,
) -> Path:
    """Prints the table and writes the page; called on one host, after the last step.

    Args:
        model_dir: The run's folder.
        result: How the run ended.
        recipe: What was computed.
        data: What was read.
        mesh_shape: Mesh axis to size.
        mixture: Name of the mixture.
        vocabulary_name: Name of the vocabulary.

    Returns:
        The path of the page.
    """
    lines = summarize(RunRecord.read(model_dir), data.subtasks, result)
    # Without a terminal the width is nobody's: wide enough for the table.
    console = Console(width=None if Console().is_terminal else 140)
    if lines:
        print_summary(lines, console)
    counts = data.batches.counts(result.step)
    rows, positions = recipe.batch_shape
    devices = jax.devices()
    spread = ", ".join(f"{axis} {size}" for axis, size in mesh_shape.items() if size > 1)
    facts = {
        "mixture": mixture,
        "parameters": f"{count_params(recipe.model):,}",
        "steps": f"{result.step:,}",
        "batch": f"{rows} rows of {positions} positions",
        "tokens seen": f"{sum(count.tokens for count in counts.values()):,}",
        "examples seen": f"{sum(count.examples for count in counts.values()):,}",
        "vocabulary": vocabulary_name,
        "devices": f"{len(devices)} x {devices[0].device_kind}"
        + (f" ({spread})" if spread else ""),
    }
    path = write_report(
        model_dir,
        title=f"{model_dir.name}: function calling, skill by skill",
        facts=facts,
        lines=lines,
        mixture=[
            MixtureLine(
                name,
                data.subtasks[data.tasks[name]],
                c.examples,
                c.tokens,
                c.epochs,
                data.too_long[name],
            )
            for name, c in counts.items()
        ],
        subtask_of=result.subtask_of,
        formulas={"timing/mfu": FORMULA},
    )
    console.print(f"report: {path}", soft_wrap=True, highlight=False)
    return path


def summarize(
    record: RunRecord, subtasks: tuple[str, ...], result: TrainResult
) -> list[SubtaskSummary]:
    """Returns a line for every sub-task that has held-out examples.

    Losses and accuracies are those of the first and of the last evaluation that the run recorded,
    over the sub-task's tasks together; exact match adds up its tasks' requests.
    """
    lines = []
    for subtask in subtasks:
        losses = record.series("training_eval", f"loss/{subtask}")
        accuracies = record.series("training_eval", f"accuracy/{subtask}")
        matches = [
            answer.judgement.exact for answer in result.answers if answer.item.group == subtask
        ]
        if not losses and not matches:
            continue
        lines.append(
            SubtaskSummary(
                subtask,
                loss_before=losses[0][1] if losses and losses[0][0] == 0 else math.nan,
                loss_after=losses[-1][1] if losses else math.nan,
                accuracy=accuracies[-1][1] if accuracies else math.nan,
                exact_match=ExactMatch(sum(matches), len(matches)) if matches else None,
            )
        )
    return lines
