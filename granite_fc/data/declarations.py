"""Which tasks a mixture has, said without loading TensorFlow.

SeqIO's registry can only be read with TensorFlow in memory, which a training process on an existing
cache does without. A tasks package therefore declares its tasks and mixtures here when it is
imported, and names the module that registers the same names with SeqIO. That module is imported
when examples have to be made: by the cache writer and by `granite-fc inspect`.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from granite_fc.decoding.constraint import AnswerGrammar
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.judgement import Judgement

# The alphabet that SeqIO accepts for names.
_NAME = re.compile(r"[\w.:#]+")


@dataclasses.dataclass(frozen=True)
class TaskDeclaration:
    """One SeqIO task.

    Attributes:
        name: Its name in SeqIO's registry, and its folder in the cache.
        subtask: The skill that its examples train; losses and metrics are kept per sub-task.
        source: The data set that its examples come from.
        content: Called when a cache is written or checked; returns all settings that decide what
            the examples say (JSON values).
        data_files: Called likewise; returns the paths of the raw files or folders that the examples
            are made from.
        exact_match: Whether two answers mean the same, asked with the target and the model's.
        judge: Everything that can be said of an answer, asked with inputs, target and the model's
            answer; its `exact` is that of `exact_match`. None: `exact_match` is all.
        grammar: What answers may be, asked with the inputs, for constrained decoding. None: any
            text; it may also return None, for inputs of which it cannot be told.
        complete: How many characters of a text that a model has written so far are its answer,
            where all that may follow is none; None where it goes on. None: only the end of sequence
            tells.
        provenance: Called when a cache is written; returns where the examples come from (JSON
            values), for inspection and the data card. No part of what decides whether a cache
            still fits. See `granite_fc.data.provenance`.
        may_be_empty: Whether its source may turn out to have no example for it, or such alone as
            teach to abstain. It then has no part in mixtures, in place of an error.
    """

    name: str
    subtask: str
    source: str
    content: Callable[[], Mapping[str, Any]] = dict
    data_files: Callable[[], tuple[str, ...]] = tuple
    exact_match: Callable[[str, str], bool] = operator.eq
    judge: Callable[[str, str, str], Judgement] | None = None
    grammar: Callable[[str], AnswerGrammar | None] | None = None
    complete: Callable[[str], int | None] | None = None
    provenance: Callable[[], Mapping[str, Any]] = dict
    may_be_empty: bool = False


class TaskCounts(NamedTuple):
    """How much the training split of a task has.

    Attributes:
        examples: Number of examples; at least 1, but for tasks that may be empty.
        tokens: Their tokens: inputs, targets and end of sequence.
        target_tokens: Those that carry loss.
        abstaining: Examples whose answer is that there is nothing to do.
    """

    examples: int
    tokens: int
    target_tokens: int
    abstaining: int = 0


# Given the name of a task.
Counts = Callable[[str], TaskCounts]


@dataclasses.dataclass(frozen=True)
class MixtureDeclaration:
    """Tasks and the rates at which they are drawn.

    Attributes:
        name: Its name in SeqIO's registry.
        rates: Called when the mixture is used, so that gin may still change it; returns task name
            to rate. Rates are relative, in examples before packing; a task that is absent or has
            rate 0 is left out. It is given the counts of the tasks, to ask for where a rate depends
            on them. Which rates are positive must not depend on them: before caches are written,
            it is asked for that alone, with made-up counts.
    """

    name: str
    rates: Callable[[Counts], Mapping[str, float]]


_tasks: dict[str, TaskDeclaration] = {}
_mixtures: dict[str, MixtureDeclaration] = {}
_seqio_modules: list[str] = []
_providers: list[Callable[[], Iterable[TaskDeclaration]]] = []


def declare_task(task: TaskDeclaration) -> None:
    """Adds a task; a second one of the same name is an error."""
    _declare(_tasks, task)


def declare_tasks_of_configuration(declarations: Callable[[], Iterable[TaskDeclaration]]) -> None:
    """Adds tasks that depend on the gin configuration, which is read after declarations are made.

    Args:
        declarations: Called whenever a name is looked up; returns the tasks that there are with the
            configuration of the moment.
    """
    _providers.append(declarations)


def declare_mixture(mixture: MixtureDeclaration) -> None:
    """Adds a mixture; a second one of the same name is an error."""
    _declare(_mixtures, mixture)


def declare_seqio_module(module: str) -> None:
    """Names a module whose import registers the declared tasks and mixtures with SeqIO.

    Where some depend on the configuration, its function `register()` registers those that SeqIO
    does not know yet.
    """
    if module not in _seqio_modules:
        _seqio_modules.append(module)


def seqio_modules() -> tuple[str, ...]:
    """The modules named by `declare_seqio_module`, in order."""
    return tuple(_seqio_modules)


def register_with_seqio() -> None:
    """Imports every module named by `declare_seqio_module`; this loads TensorFlow."""
    for name in _seqio_modules:
        module = importlib.import_module(name)
        if hasattr(module, "register"):
            module.register()


def task(name: str) -> TaskDeclaration:
    """Returns the declared task of that name."""
    found = _tasks.get(name) or _configured_tasks().get(name)
    if found is None:
        raise _unknown_name(name)
    return found


def no_counts(task: str) -> TaskCounts:
    """Stands in for the counts of tasks where there are none.

    Raises:
        ConfigurationError: Always: a rate depends on them.
    """
    raise ConfigurationError(
        f"rate of {task}",
        found="a rate that depends on how much there is",
        expected="a number, where nothing has been counted",
        remedy="Counts come from caches: write them with `granite-fc cache`.",
    )


def mixture_tasks(name: str) -> tuple[str, ...]:
    """Returns the tasks of a mixture that have a positive rate; needs no counts.

    Raises:
        ConfigurationError: No such name (the nearest ones are offered), or no task has a positive
            rate.
    """
    return tuple(mixture_rates(name, lambda task: TaskCounts(1, 1, 1)))


def mixture_rates(name: str, counts: Counts = no_counts) -> dict[str, float]:
    """Returns the tasks of a mixture and their positive rates; a single task is a mixture of one.

    Args:
        name: A declared mixture or task.
        counts: How much a task has, such as `task_counts.cached_counts` gives; asked only where a
            rate depends on it.

    Raises:
        ConfigurationError: No such name (the nearest ones are offered), no task has a positive
            rate, or counts are needed and not there.
    """
    if name in _mixtures:
        rates = {task: float(rate) for task, rate in _mixtures[name].rates(counts).items()}
        negative = {task: rate for task, rate in rates.items() if not rate >= 0}
        if negative:
            raise ConfigurationError(
                f"rates of {name}", found=negative, expected="numbers of at least 0"
            )
        rates = _without_empty({task: rate for task, rate in rates.items() if rate > 0}, counts)
        if not rates:
            raise ConfigurationError(
                f"rates of {name}", found="no task with a positive rate", expected="at least one"
            )
        return rates
    return {task(name).name: 1.0}


def mixture_names() -> tuple[str, ...]:
    """Every declared mixture."""
    return tuple(_mixtures)


def names() -> tuple[str, ...]:
    """Every declared mixture, then every declared task."""
    return (*_mixtures, *_tasks, *_configured_tasks())


def subtasks() -> tuple[str, ...]:
    """Every sub-task of a declared task."""
    declared = (*_tasks.values(), *_configured_tasks().values())
    return tuple(dict.fromkeys(task.subtask for task in declared))


def _configured_tasks() -> dict[str, TaskDeclaration]:
    return {declared.name: declared for provider in _providers for declared in provider()}


def _has_examples(name: str, counts: Counts) -> bool:
    try:
        counted = counts(name)
    except ConfigurationError:  # it has not been written yet
        return True
    return counted.examples > counted.abstaining


def _without_empty(rates: Mapping[str, float], counts: Counts) -> dict[str, float]:
    """Returns the rates of tasks that have examples, each sub-task with the sum that it had.

    Without counts, all tasks are taken to have some.
    """
    declared = {name: task(name) for name in rates}
    if counts is no_counts or not any(each.may_be_empty for each in declared.values()):
        return dict(rates)
    filled = {
        name: rate
        for name, rate in rates.items()
        if not declared[name].may_be_empty or _has_examples(name, counts)
    }

    def total(of: Mapping[str, float], subtask: str) -> float:
        return sum(rate for name, rate in of.items() if declared[name].subtask == subtask)

    return {
        name: rate * total(rates, declared[name].subtask) / total(filled, declared[name].subtask)
        for name, rate in filled.items()
    }


def _declare(registry: dict[str, Any], declaration: Any) -> None:
    if not _NAME.fullmatch(declaration.name):
        raise ValueError(f"{declaration.name!r} is no SeqIO name: letters, digits and _ . : # only")
    if declaration.name in _tasks or declaration.name in _mixtures:
        raise ValueError(f"{declaration.name!r} is declared twice")
    registry[declaration.name] = declaration


def _unknown_name(name: str) -> ConfigurationError:
    near = difflib.get_close_matches(name, names(), n=3, cutoff=0.4)
    remedy = (
        f"Nearest: {', '.join(near)}."
        if near
        else "Is the package that declares it imported in a gin file (`import my_tasks`)?"
    )
    return ConfigurationError(
        "MIXTURE_OR_TASK_NAME", found=name, expected="a declared task or mixture", remedy=remedy
    )
