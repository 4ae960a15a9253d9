"""How often each task is drawn: a rate for each sub-task, shared out among its sources."""

from __future__ import annotations

import difflib
import math
import types
from collections.abc import Iterable, Mapping

import gin

from granite_fc.errors import ConfigurationError
from tasks.sources.registry import SOURCES
from tasks.subtasks import (
    FUNCTION_CHAINING,
    NAME_DETECTION,
    NESTED_CALLS,
    NEXT_BEST_FUNCTION,
    PARALLEL_CALLS,
    PARAMETER_DETECTION,
    RESPONSE_GENERATION,
    SUBTASKS,
    UMBRELLA,
)

# The mixture over the seven sub-tasks.
ALL_SUBTASKS = "granite_fc"

# Which sources have examples of a sub-task; every one has umbrella examples.
SOURCES_OF_SUBTASK: Mapping[str, tuple[str, ...]] = types.MappingProxyType(
    {
        subtask: tuple(
            name
            for name, source in SOURCES.items()
            if subtask == UMBRELLA or subtask in source.subtasks
        )
        for subtask in (*SUBTASKS, UMBRELLA)
    }
)

# Writing whole calls is what the other skills are for, what public suites score, and what has the
# longest targets to get wrong: twice the examples of each of the other four. No published mixture
# states better ones.
DEFAULT_SUBTASK_RATES: Mapping[str, float] = types.MappingProxyType(
    {
        NESTED_CALLS: 2.0,
        FUNCTION_CHAINING: 2.0,
        PARALLEL_CALLS: 2.0,
        NAME_DETECTION: 1.0,
        PARAMETER_DETECTION: 1.0,
        NEXT_BEST_FUNCTION: 1.0,
        RESPONSE_GENERATION: 1.0,
    }
)

# The simulator's calls were executed and its supply has no end; SGD is the largest set of people's
# words. The others cover few functions (TOPv2, SNIPS) or few requests: Seal-Tools has 700, which a
# higher rate would repeat many times over.
DEFAULT_SOURCE_RATES: Mapping[str, float] = types.MappingProxyType(
    {"simulator": 2.0, "sgd": 2.0, "snips": 1.0, "seal_tools": 0.25, "topv2": 1.0}
)


@gin.configurable(module="tasks")
def mixture_rates(
    mixture: str,
    subtasks: Mapping[str, float] = DEFAULT_SUBTASK_RATES,
    sources: Mapping[str, float] = DEFAULT_SOURCE_RATES,
    tasks: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Rates of the tasks of a mixture, in examples before packing.

    rate(task) = rate of its sub-task x rate of its source / sum of the source rates over the
    sources of that sub-task. So a sub-task keeps its rate whatever its sources.

    Args:
        mixture: The mixture over the seven, or a sub-task or the umbrella: these have rate 1 in
            their own mixture, whatever `subtasks` says.
        subtasks: Rate of each sub-task; absent or 0 leaves it out.
        sources: Rate of each source; absent or 0 leaves it out.
        tasks: Source rates for single tasks, such as {"sgd_nested_calls": 3.0}, over `sources`.

    Returns:
        Task name to rate, for tasks with a positive rate.

    Raises:
        ConfigurationError: A name is unknown, or a rate is negative or no number.
    """
    own = tasks or {}
    _check("mixture_rates.subtasks", subtasks, SUBTASKS)
    _check("mixture_rates.sources", sources, SOURCES)
    _check("mixture_rates.tasks", own, [task_name(*pair) for pair in all_tasks()])
    rate_of_subtask = subtasks if mixture == ALL_SUBTASKS else {mixture: 1.0}
    rates: dict[str, float] = {}
    for subtask, rate in rate_of_subtask.items():
        weights = {
            name: own.get(name, sources.get(source, 0.0))
            for source in SOURCES_OF_SUBTASK[subtask]
            for name in [task_name(source, subtask)]
        }
        total = sum(weights.values())
        rates.update(
            {name: rate * weight / total for name, weight in weights.items() if rate * weight > 0}
        )
    return rates


def task_name(source: str, subtask: str) -> str:
    """The name of the task that renders a source for a sub-task."""
    return f"{source}_{subtask}"


def all_tasks() -> list[tuple[str, str]]:
    """Every (source, sub-task) for which there is a task."""
    return [
        (source, subtask) for subtask, sources in SOURCES_OF_SUBTASK.items() for source in sources
    ]


def _check(key: str, rates: Mapping[str, float], known: Iterable[str]) -> None:
    names = list(known)
    for name, rate in rates.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, n=3)
            raise ConfigurationError(
                key,
                found=name,
                expected=f"names among {', '.join(near or names)}",
            )
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < math.inf:
            raise ConfigurationError(
                f"{key}[{name!r}]", found=rate, expected="a finite number of at least 0"
            )
