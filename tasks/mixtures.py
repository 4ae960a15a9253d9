"""Registers the tasks and mixtures with SeqIO; importing this module loads TensorFlow."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import seqio
import tensorflow as tf

from granite_fc.data import declarations
from granite_fc.data.locations import cache_directory
from granite_fc.data.task_counts import cached_counts
from granite_fc.evaluation.aggregate import aggregate
from tasks.episode_renderer import EPISODE, SPLIT, EpisodeRenderer, present_renderer
from tasks.judging import judge_answer
from tasks.rates import SUBTASKS_OF_MIXTURE, all_tasks, task_name, user_tasks
from tasks.sources.data_source import EpisodeDataSource
from tasks.vocabulary import SeqioVocabulary

OUTPUT_FEATURES = {
    "inputs": seqio.Feature(SeqioVocabulary(), add_eos=False, dtype=tf.int32),
    "targets": seqio.Feature(SeqioVocabulary(), add_eos=True, dtype=tf.int32),
}


class RenderEpisodes:
    """The preprocessor from episodes to examples.

    Inside tf.data a Python function costs several times what it costs outside. So whoever makes
    many examples calls `plain` in processes of their own.
    """

    def __init__(self, subtask: str) -> None:
        self._subtask = subtask
        self._renderer: EpisodeRenderer | None = None

    @property
    def plain(self) -> EpisodeRenderer:
        """The same on one record, in Python, as the present gin configuration says."""
        self._renderer = present_renderer(self._subtask, self._renderer)
        return self._renderer

    def __call__(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Maps {"episode", "split"} to any number of {"inputs", "targets"}, in order."""
        plain = self.plain

        def render(episode: bytes, split: bytes) -> np.ndarray:
            examples = plain({EPISODE: episode, SPLIT: split})
            texts = [[found["inputs"].encode(), found["targets"].encode()] for found in examples]
            return np.array(texts, object).reshape(-1, 2)

        def to_examples(record: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            features = [record[EPISODE], record.get(SPLIT, tf.constant("train"))]
            texts = tf.numpy_function(render, features, tf.string, stateful=False)
            texts.set_shape([None, 2])
            return {"inputs": texts[:, 0], "targets": texts[:, 1]}

        return dataset.map(
            to_examples, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        ).unbatch()


class DeclaredMixture(seqio.Mixture):
    """A mixture whose tasks and rates are those of its declaration at the time of use.

    SeqIO would read every task that it was constructed with, even at rate 0; here a source that is
    left out is not touched, so its data need not be there. Where a rate depends on how much there
    is, the caches of `cache_directory` say it.
    """

    def __init__(self, name: str, task_names: Sequence[str]) -> None:
        self._is_constructed = False
        super().__init__(name, task_names, default_rate=1.0)
        self._is_constructed = True

    @property
    def tasks(self) -> list[seqio.Task]:
        """The tasks with a positive rate."""
        if not self._is_constructed:  # SeqIO's constructor compares them; rates may not be set yet
            return super().tasks
        register()
        return [seqio.TaskRegistry.get(name) for name in declarations.mixture_tasks(self.name)]

    @property
    def rate_per_task_name(self) -> dict[str, float]:
        """Task name to rate, positive ones only."""
        return declarations.mixture_rates(self.name, cached_counts(cache_directory()))

    def get_rate(self, task: seqio.Task) -> float:
        """The present rate of a task of this mixture."""
        return self.rate_per_task_name.get(task.name, 0.0)


def judged_metrics(
    subtask: str,
) -> Callable[[Sequence[str], Sequence[str]], dict[str, float]]:
    """A SeqIO metric function: `exact_match` and all that can be told without the inputs.

    Values are those of `granite_fc.evaluation.aggregate` in percent. What was on offer is not known
    here, so there are no hallucinations, type errors or win rates, and no value of a reply is said
    to be invented; a metric that has nothing to say of these predictions is absent.
    """

    def metrics(targets: Sequence[str], predictions: Sequence[str]) -> dict[str, float]:
        judged = [judge_answer(subtask, *pair) for pair in zip(targets, predictions, strict=True)]
        found = aggregate(judged, num_resamples=0).metrics
        return {"exact_match": 0.0} | {name: 100 * each.value for name, each in found.items()}

    return metrics


def strip(text: str, **unused_kwargs: Any) -> str:
    """A SeqIO postprocessor: the text without white space around it."""
    return text.strip()


@functools.cache
def _data_source(source: str) -> EpisodeDataSource:
    # One object for all tasks of a source: whoever writes caches reads it once for all of them.
    return EpisodeDataSource(source)


def register() -> None:
    """Registers what SeqIO does not know yet, the tasks of the user's own sets among it."""
    registered = set(seqio.TaskRegistry.names())
    for source, subtask in (*all_tasks(), *user_tasks()):
        if task_name(source, subtask) in registered:
            continue
        seqio.TaskRegistry.add(
            task_name(source, subtask),
            source=_data_source(source),
            preprocessors=[
                RenderEpisodes(subtask),
                seqio.preprocessors.tokenize,
                seqio.preprocessors.append_eos,
            ],
            output_features=OUTPUT_FEATURES,
            postprocess_fn=strip,
            metric_fns=[judged_metrics(subtask)],
        )
    for mixture, subtasks in SUBTASKS_OF_MIXTURE.items():
        if mixture in seqio.MixtureRegistry.names():
            continue
        names = [
            task_name(source, subtask) for source, subtask in all_tasks() if subtask in subtasks
        ]
        seqio.MixtureRegistry.add_provider(mixture, DeclaredMixture(mixture, names))


register()
