"""The final table: what a run did for each sub-task, in numbers and in words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from granite_fc.evaluation.intervals import wilson_interval

# Below this share the upper end of the claim is what matters: the skill is not there yet.
_NEAR_ZERO = 0.05


@dataclasses.dataclass(frozen=True)
class ExactMatch:
    """How many answers were exactly right.

    Attributes:
        right: Number of answers that mean what their target means.
        total: Number of requests.
    """

    right: int
    total: int

    @property
    def share(self) -> float:
        """Right answers per request; NaN without requests."""
        return self.right / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of `share`."""
        return wilson_interval(self.right, self.total)


@dataclasses.dataclass(frozen=True)
class SubtaskSummary:
    """One line of the table.

    Attributes:
        subtask: Name of the sub-task.
        loss_before: Held-out loss before the first step, nats per target token; NaN, as the next
            two, where it was not measured.
        loss_after: The same after the last step.
        accuracy: Share of held-out target tokens that are the model's first choice, teacher-forced.
        exact_match: Held-out requests answered exactly by greedy generation; None where none was
            asked.
    """

    subtask: str
    loss_before: float
    loss_after: float
    accuracy: float
    exact_match: ExactMatch | None = None

    @property
    def remark(self) -> str:
        """What a reader should know that the numbers do not say by themselves."""
        if self.exact_match is None or not self.exact_match.total:
            return "not generated"
        if self.exact_match.right == 0:
            return f"no answer exactly right in {self.exact_match.total}"
        if self.exact_match.share < _NEAR_ZERO:
            return "exact match still near zero"
        return ""


COLUMNS = (
    "sub-task",
    "loss before",
    "loss after",
    "after / before",
    "token accuracy",
    "exact match",
    "95 % interval",
    "requests",
    "remark",
)

DEFINITIONS = {
    "loss": "negative log-likelihood in nats per target token of held-out examples, with the "
    "target given (teacher-forced)",
    "token accuracy": "share of held-out target tokens, end of sequence included, that are the "
    "model's first choice",
    "exact match": "share of held-out requests that greedy generation answers with the same "
    "meaning as the target, by the task's own comparison",
    "95 % interval": "Wilson score interval of exact match",
}


def cells(line: SubtaskSummary) -> tuple[str, ...]:
    """Returns the line's text, one cell a column of `COLUMNS`."""
    match = line.exact_match
    exact = ("", "", "")
    if match is not None and match.total:
        low, high = match.interval
        exact = (f"{match.share:.1%}", f"{low:.1%} to {high:.1%}", str(match.total))
    return (
        line.subtask,
        *(
            "" if math.isnan(value) else f"{value:.3f}"
            for value in (line.loss_before, line.loss_after, line.loss_after / line.loss_before)
        ),
        "" if math.isnan(line.accuracy) else f"{line.accuracy:.1%}",
        *exact,
        line.remark,
    )


def print_summary(lines: Sequence[SubtaskSummary], console: Console) -> None:
    """Prints the table and what its numbers mean."""
    table = Table(title="Held-out results per sub-task")
    for column in COLUMNS:
        words = column in ("sub-task", "remark")
        table.add_column(column, justify="left" if words else "right", no_wrap=column == "sub-task")
    for line in lines:
        table.add_row(*cells(line))
    console.print(table)
    for name, definition in DEFINITIONS.items():
        console.print(f"{name}: {definition}.", highlight=False, soft_wrap=True)
