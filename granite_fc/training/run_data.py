"""The data of a run: its tasks, their batches for training, and those for evaluation."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path

from granite_fc.data import declarations
from granite_fc.data.batches import Batches, MixtureComponent
from granite_fc.data.cache_reader import CachedTask, open_task
from granite_fc.data.evaluation_batches import EvaluationBatches
from granite_fc.data.examples import TokenizedExamples
from granite_fc.data.task_counts import cached_counts
from granite_fc.errors import ConfigurationError


@dataclasses.dataclass(frozen=True)
class RunData:
    """What a run reads.

    Attributes:
        subtasks: Names of the sub-tasks; a sub-task's id is its place here.
        tasks: Task name to sub-task id.
        batches: The batches to train on.
        evaluation: Task name to the held-out examples, each once; a task that has none is absent.
        held_out: Task name to the same examples, not packed.
        too_long: Task name to training examples that are left out because they fit no row: when the
            cache was written, and of the cache.
        caches: Task name to what tells its cache from any other: examples, lengths, origin.
    """

    subtasks: tuple[str, ...]
    tasks: dict[str, int]
    batches: Batches
    evaluation: dict[str, EvaluationBatches]
    held_out: Mapping[str, TokenizedExamples]
    too_long: dict[str, int]
    caches: dict[str, str]


def open_run_data(
    mixture_or_task_name: str,
    cache_dir: str | Path,
    *,
    sequence_length: int,
    batch_size: int,
    seed: int,
    eval_examples: int | None,
    eval_split: str = "validation",
) -> RunData:
    """Opens the caches of a mixture; touches no device and loads no TensorFlow.

    Args:
        mixture_or_task_name: A declared mixture or task.
        cache_dir: The folder of all caches.
        sequence_length: Positions a row.
        batch_size: Rows of the global batch.
        seed: Decides the order of the training examples.
        eval_examples: Held-out examples a task, the same ones each time; None takes all, 0 none.
        eval_split: The split that they are of.

    Raises:
        ConfigurationError: A name is unknown, a cache is missing or damaged, a task has no
            examples, or none has another split than validation that is asked for.
    """
    rates = declarations.mixture_rates(mixture_or_task_name, cached_counts(cache_dir))
    opened = {name: open_task(cache_dir, name, "train") for name in sorted(rates)}
    subtasks = tuple(sorted({task.subtask for task in opened.values()}))
    tasks = {name: subtasks.index(task.subtask) for name, task in opened.items()}
    batches = Batches(
        [MixtureComponent(task, rates[name], tasks[name]) for name, task in opened.items()],
        sequence_length=sequence_length,
        batch_size=batch_size,
        seed=seed,
    )
    held_out: dict[str, CachedTask] = {
        name: open_task(cache_dir, name, eval_split)
        for name, task in opened.items()
        if task.manifest.has_examples(eval_split)
    }
    if not held_out and eval_split != "validation" and eval_examples != 0:
        raise ConfigurationError(
            "EVAL_SPLIT",
            found=f"{eval_split}, of which {mixture_or_task_name} has no example",
            expected="a split that a task of the mixture has",
        )
    evaluation = {
        name: EvaluationBatches(
            examples,
            subtask_id=tasks[name],
            sequence_length=sequence_length,
            batch_size=batch_size,
            limit=eval_examples,
        )
        for name, examples in held_out.items()
        if eval_examples != 0
    }
    of_cache = batches.counts(0)
    too_long = {
        name: of_cache[name].too_long + task.counts.outcomes.get("too_long", 0)
        for name, task in opened.items()
    }
    caches = {
        name: "; ".join(
            f"{split.split} {_describe(split)}" for split in (task, held_out.get(name)) if split
        )
        for name, task in opened.items()
    }
    return RunData(subtasks, tasks, batches, evaluation, held_out, too_long, caches)


def _describe(examples: CachedTask) -> str:
    lengths = hashlib.blake2b(examples.lengths.tobytes(), digest_size=4).hexdigest()
    origin = examples.manifest.fingerprint.digest[:8]
    return f"{len(examples)} examples, lengths {lengths}, made from {origin}"
