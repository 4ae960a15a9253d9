"""A model in training answers held-out requests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from granite_fc.data.examples import TokenizedExamples
from granite_fc.decoding.engine import Engine
from granite_fc.evaluation.answering import answer_items
from granite_fc.evaluation.items import Item, JudgedAnswer, judged
from granite_fc.evaluation.mixture_items import mixture_items
from granite_fc.models.config import DecoderConfig
from granite_fc.vocabularies.vocabulary import Vocabulary

# An answer may be worded longer than the longest target and still mean the same.
_ROOM_FOR_OTHER_WORDS = 16


def answer_held_out(
    model: DecoderConfig,
    params: Any,
    held_out: Iterable[TokenizedExamples],
    vocabulary: Vocabulary,
    *,
    limit: int,
    sequence_length: int,
) -> list[JudgedAnswer]:
    """Answers held-out requests of every task greedily, and judges the answers.

    Args:
        model: The decoder.
        params: Its parameters, on any devices.
        held_out: The held-out examples of each task.
        vocabulary: The vocabulary of the examples.
        limit: Requests a task, the same ones each time.
        sequence_length: Positions of a training row; longer examples are not asked.
    """
    items = mixture_items(held_out, vocabulary, limit=limit, sequence_length=sequence_length)
    answers = answer_items(
        Engine(model, params, vocabulary),
        vocabulary,
        items,
        max_positions=model.max_positions,
        max_new_tokens=tokens_for_answers(items, vocabulary),
    )
    return judged(items, answers)


def tokens_for_answers(items: Sequence[Item], vocabulary: Vocabulary) -> dict[str, int]:
    """Returns how many tokens an answer of each task may take: more than its longest target."""
    longest: dict[str, int] = {}
    for item in items:
        length = len(vocabulary.encode(item.target)) + 1 + _ROOM_FOR_OTHER_WORDS
        longest[item.task] = max(longest.get(item.task, 0), length)
    return longest


def write_predictions(answers: Iterable[JudgedAnswer], folder: Path) -> None:
    """Writes a file for each task, `<task>.jsonl`, a line for each answer."""
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {}
    for answer in answers:
        line = json.dumps(answer.to_json(), ensure_ascii=False)
        lines.setdefault(answer.item.task, []).append(f"{line}\n")
    for task, written in lines.items():
        with open(folder / f"{task}.jsonl", "w", encoding="utf-8", errors="replace") as file:
            file.writelines(written)
