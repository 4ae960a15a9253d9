"""Turns planned rows into the arrays of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from granite_fc.data.examples import TokenizedExample, TokenizedExamples
from granite_fc.data.planner import PlannedRow
from granite_fc.errors import ConfigurationError

Batch = dict[str, np.ndarray]


def assemble(
    rows: Sequence[PlannedRow],
    tasks: Sequence[TokenizedExamples],
    subtask_ids: Sequence[int],
    sequence_length: int,
) -> Batch:
    """Reads the examples of some rows and lays them out; each task is read once.

    An example of n tokens is n - 1 positions: `tokens[:-1]` predicts `tokens[1:]`. No token id
    means padding: positions without an example are those where `segment_ids` is 0, and whatever
    else stands there is meaningless.

    Args:
        rows: What the rows hold.
        tasks: The tasks by the numbers that the rows use.
        subtask_ids: The sub-task of each of them.
        sequence_length: Positions a row.

    Returns:
        Arrays [len(rows), sequence_length]:
            tokens: int32, what the model is fed.
            targets: int32, the token after each.
            positions: int32, from 0 in every segment.
            segment_ids: int32, 1, 2, ... in every row; 0 where there is no example.
            loss_weights: float32, 1 where the predicted token is one of the example's targets, else
                0.
            subtask_ids: int32, the sub-task of each position's example.
    """
    shape = (len(rows), sequence_length)
    batch: Batch = {
        name: np.zeros(shape, np.float32 if name == "loss_weights" else np.int32)
        for name in (
            "tokens",
            "targets",
            "positions",
            "segment_ids",
            "loss_weights",
            "subtask_ids",
        )
    }
    every_position = np.arange(sequence_length, dtype=np.int32)
    examples = _fetch(rows, tasks)
    for number, row in enumerate(rows):
        start = 0
        for segment, (task, index, length) in enumerate(
            zip(row.tasks.tolist(), row.indices.tolist(), row.lengths.tolist(), strict=True), 1
        ):
            tokens, num_inputs = examples[task, index]
            if len(tokens) != length + 1:
                raise _changed_cache(tasks[task].name, index, len(tokens), length + 1)
            end = start + length
            batch["tokens"][number, start:end] = tokens[:-1]
            batch["targets"][number, start:end] = tokens[1:]
            batch["positions"][number, start:end] = every_position[:length]
            batch["segment_ids"][number, start:end] = segment
            batch["loss_weights"][number, start + max(num_inputs - 1, 0) : end] = 1
            batch["subtask_ids"][number, start:end] = subtask_ids[task]
            start = end
    return batch


def _fetch(
    rows: Sequence[PlannedRow], tasks: Sequence[TokenizedExamples]
) -> dict[tuple[int, int], TokenizedExample]:
    """The examples of the rows by task and index."""
    if not rows:
        return {}
    task_of = np.concatenate([row.tasks for row in rows])
    index_of = np.concatenate([row.indices for row in rows])
    examples = {}
    for task in np.unique(task_of).tolist():
        wanted = np.unique(index_of[task_of == task]).tolist()
        for index, example in zip(wanted, tasks[task].fetch(wanted), strict=True):
            examples[task, index] = example
    return examples


def _changed_cache(task: str, index: int, found: int, planned: int) -> ConfigurationError:
    return ConfigurationError(
        f"cache of {task}",
        found=f"{found} tokens in example {index}",
        expected=f"{planned}, as its lengths say",
        remedy="The cache changed or is damaged: write it again.",
    )
