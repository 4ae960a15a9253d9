"""What a mixture holds and how much of it the model sees, read from the caches of its tasks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from granite_fc.data.cache_reader import CachedTask, open_task
from granite_fc.vocabularies.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class RenderedExample:
    """One example as the model sees it.

    Attributes:
        inputs: Text of the tokens that carry no loss.
        targets: Text of the tokens that carry loss, the end of sequence included.
        num_inputs: Number of input tokens.
        num_targets: Number of target tokens.
    """

    inputs: str
    targets: str
    num_inputs: int
    num_targets: int


@dataclasses.dataclass(frozen=True)
class InspectedTask:
    """One task of a mixture.

    Attributes:
        name: The task's name.
        subtask: The skill that it trains.
        source: The data set that its examples come from.
        rate: How often it is drawn, relative to the others.
        example_share: Share of the mixture's draws, before packing.
        token_share: Share of the mixture's tokens.
        target_share: Share of the mixture's tokens that carry loss.
        examples: Training examples.
        validation_examples: Held-out examples.
        tokens: Tokens of the training examples.
        target_tokens: Those that carry loss.
        lengths: Tokens an example: min, max, mean and percentiles.
        outcomes: What was counted while the examples were made, by reason.
        rejected: Examples that were rejected, by reason.
        rendered: A few training examples.
    """

    name: str
    subtask: str
    source: str
    rate: float
    example_share: float
    token_share: float
    target_share: float
    examples: int
    validation_examples: int
    tokens: int
    target_tokens: int
    lengths: Mapping[str, float]
    outcomes: Mapping[str, int]
    rejected: Mapping[str, int]
    rendered: tuple[RenderedExample, ...]

    def to_json(self) -> dict[str, Any]:
        """Returns JSON values."""
        return dataclasses.asdict(self)


def inspect_mixture(
    rates: Mapping[str, float],
    cache_dir: str | Path,
    vocabulary: Vocabulary,
    *,
    num_examples: int = 1,
) -> list[InspectedTask]:
    """Reads the caches of a mixture's tasks.

    Args:
        rates: Task name to rate, as `declarations.mixture_rates` gives them.
        cache_dir: The folder of all caches.
        vocabulary: The caches' vocabulary.
        num_examples: How many examples of each task to render; the first ones.

    Raises:
        ConfigurationError: A cache is absent or incomplete.
    """
    tasks = {name: open_task(cache_dir, name, "train") for name in rates}
    tokens = {
        name: rate * _mean(tasks[name].counts.tokens, tasks[name]) for name, rate in rates.items()
    }
    targets = {
        name: rate * _mean(tasks[name].counts.target_tokens, tasks[name])
        for name, rate in rates.items()
    }
    inspected = []
    for name, rate in rates.items():
        task = tasks[name]
        manifest, counts = task.manifest, task.counts
        validation = manifest.splits.get("validation")
        inspected.append(
            InspectedTask(
                name=name,
                subtask=manifest.subtask,
                source=manifest.source,
                rate=rate,
                example_share=rate / sum(rates.values()),
                token_share=tokens[name] / sum(tokens.values()),
                target_share=targets[name] / sum(targets.values()),
                examples=counts.examples,
                validation_examples=validation.examples if validation else 0,
                tokens=counts.tokens,
                target_tokens=counts.target_tokens,
                lengths=counts.lengths,
                outcomes=counts.outcomes,
                rejected=counts.rejected,
                rendered=_rendered(task, vocabulary, num_examples),
            )
        )
    return inspected


def _mean(total: int, task: CachedTask) -> float:
    return total / max(task.counts.examples, 1)


def _rendered(
    task: CachedTask, vocabulary: Vocabulary, num_examples: int
) -> tuple[RenderedExample, ...]:
    rendered = []
    for example in task.fetch(range(min(num_examples, len(task)))):
        inputs = example.tokens[: example.num_inputs].tolist()
        targets = example.tokens[example.num_inputs :].tolist()
        rendered.append(
            RenderedExample(
                vocabulary.decode(inputs), vocabulary.decode(targets), len(inputs), len(targets)
            )
        )
    return tuple(rendered)
