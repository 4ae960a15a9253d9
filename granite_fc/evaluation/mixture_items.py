"""The held-out requests of a mixture's tasks."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from granite_fc.data import declarations
from granite_fc.data.declarations import TaskDeclaration
from granite_fc.data.examples import TokenizedExample, TokenizedExamples
from granite_fc.data.permutation import key_of, shuffled
from granite_fc.evaluation.items import Item
from granite_fc.evaluation.judgement import Judgement, WrongPart
from granite_fc.vocabularies.vocabulary import Vocabulary

# The metric of a task that says no more of an answer than whether it is right.
EXACT_MATCH = "exact_match"


def mixture_items(
    held_out: Iterable[TokenizedExamples],
    vocabulary: Vocabulary,
    *,
    limit: int | None,
    sequence_length: int | None,
    ids: Collection[str] | None = None,
) -> list[Item]:
    """Chooses held-out examples of every task, the same ones for every run.

    Args:
        held_out: The examples of each task.
        vocabulary: That of the examples.
        limit: How many a task at most, None for all; a smaller choice is part of a larger one.
        sequence_length: Positions of a training row: longer examples were not trained on and are
            left out. None leaves out none.
        ids: The examples to take, by `item_id`, in place of those two rules.

    Returns:
        Items named `<task>/<index of the example in its split>`, grouped by sub-task.
    """
    return [
        _item(declarations.task(examples.name), index, example, vocabulary)
        for examples in held_out
        for index, example in _chosen(examples, limit, sequence_length, ids)
    ]


def _chosen(
    examples: TokenizedExamples,
    limit: int | None,
    sequence_length: int | None,
    ids: Collection[str] | None,
) -> Iterable[tuple[int, TokenizedExample]]:
    lengths = np.asarray(examples.lengths)
    if ids is not None:
        chosen = [i for i in range(len(lengths)) if item_id(examples.name, i) in ids]
        return zip(chosen, examples.fetch(chosen), strict=True)
    order = shuffled(len(lengths), key_of(0, "generation", examples.name))
    if sequence_length is not None:
        order = order[lengths[order] <= sequence_length + 1]
    chosen = np.sort(order[:limit]).tolist()
    return zip(chosen, examples.fetch(chosen), strict=True)


def item_id(task: str, index: int) -> str:
    """Names an example of a held-out split."""
    return f"{task}/{index}"


def _item(
    task: TaskDeclaration, index: int, example: TokenizedExample, vocabulary: Vocabulary
) -> Item:
    prompt_ids = example.tokens[: example.num_inputs].tolist()
    target_ids = example.tokens[example.num_inputs :].tolist()
    if target_ids and target_ids[-1] == vocabulary.eos_id:
        target_ids = target_ids[:-1]
    prompt, target = vocabulary.decode(prompt_ids), vocabulary.decode(target_ids)
    return Item(
        item_id=item_id(task.name, index),
        group=task.subtask,
        task=task.name,
        prompt=prompt,
        target=target,
        judge=functools.partial(judge_by_task, task, prompt, target),
        grammar=None if task.grammar is None else functools.partial(task.grammar, prompt),
        complete=task.complete,
        prompt_ids=tuple(prompt_ids),
    )


def judge_by_task(task: TaskDeclaration, prompt: str, target: str, answer: str | None) -> Judgement:
    """Judges an answer as its task does; none is judged as an empty one.

    A task without a judge of its own tells only whether an answer is right; what is wrong with the
    others is then called a wrong value.
    """
    answer = answer or ""
    if task.judge is not None:
        return task.judge(prompt, target, answer)
    exact = bool(task.exact_match(target, answer))
    wrong: Sequence[WrongPart] = () if exact else (WrongPart("value", "not the right answer"),)
    return Judgement(exact, {EXACT_MATCH: (float(exact), 1.0)}, tuple(wrong))
