"""The held-out requests that a model is asked to answer, and its answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from granite_fc.data import declarations
from granite_fc.data.examples import TokenizedExample, TokenizedExamples
from granite_fc.data.permutation import key_of, shuffled
from granite_fc.decoding.engine import Engine
from granite_fc.decoding.request import Request
from granite_fc.evaluation.generation import ExactMatch, GenerationTask, measure_exact_match
from granite_fc.models.config import DecoderConfig
from granite_fc.vocabularies.vocabulary import Vocabulary

# An answer may be worded longer than the longest target and still mean the same.
_ROOM_FOR_OTHER_WORDS = 16


def choose_requests(
    examples: TokenizedExamples, limit: int, sequence_length: int
) -> list[TokenizedExample]:
    """Chooses held-out examples of one task, the same ones for every run.

    Args:
        examples: The validation examples of a task.
        limit: How many at most; a smaller choice is part of a larger one.
        sequence_length: Positions of a row: longer examples were not trained on and are left out.
    """
    fitting = np.flatnonzero(np.asarray(examples.lengths) <= sequence_length + 1)
    order = shuffled(len(fitting), key_of(0, "generation", examples.name))
    return examples.fetch(np.sort(fitting[order][:limit]).tolist())


def answer_held_out(
    model: DecoderConfig,
    params: Any,
    held_out: Iterable[TokenizedExamples],
    vocabulary: Vocabulary,
    *,
    limit: int,
    sequence_length: int,
    predictions_dir: Path | None,
) -> dict[str, ExactMatch]:
    """Answers held-out requests of every task greedily and compares them as their tasks say.

    Args:
        model: The decoder.
        params: Its parameters, on any devices.
        held_out: The validation examples of each task.
        vocabulary: The vocabulary of the examples.
        limit: Requests a task.
        sequence_length: Positions of a training row; longer examples are not asked.
        predictions_dir: Gets the answers, one `<task>.jsonl` each; None: not written.

    Returns:
        Task name to counts, for tasks with at least one request.
    """
    tasks = [
        GenerationTask(
            examples.name,
            choose_requests(examples, limit, sequence_length),
            declarations.task(examples.name).exact_match,
        )
        for examples in held_out
    ]
    tasks = [task for task in tasks if task.examples]
    if not tasks:
        return {}
    longest_target = max(
        len(example.tokens) - example.num_inputs for task in tasks for example in task.examples
    )
    max_new_tokens = longest_target + _ROOM_FOR_OTHER_WORDS
    engine = Engine(model, params, vocabulary)

    def generate(prompts: Sequence[Sequence[int]]) -> list[list[int]]:
        answers = engine.answer([Request(prompt, max_new_tokens) for prompt in prompts])
        return [list(answer.tokens) for (answer,) in answers]

    return measure_exact_match(tasks, generate, vocabulary, predictions_dir)
