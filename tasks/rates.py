"""How often each task is drawn: a rate for each sub-task, shared out among its sources."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence

import gin

from granite_fc.data.declarations import Counts, no_counts
from granite_fc.errors import ConfigurationError
from tasks.rate_kinds import Rate, rates_by_name, weights
from tasks.sources.registry import SOURCES, all_sources
from tasks.sources.user_data import UserDataConfig
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

# The mixture over the seven sub-tasks, and those that lack one of them.
ALL_SUBTASKS = "granite_fc"
WITHOUT_SUBTASK: Mapping[str, str] = types.MappingProxyType(
    {f"{ALL_SUBTASKS}_without_{subtask}": subtask for subtask in SUBTASKS}
)
# The mixture of the Granite function-calling paper, as far as it is known.
PAPER = "paper"

# Which sub-tasks a mixture may have. Beside several the umbrella task may stand, where a rate is
# given for it: whole answers of any number of calls, one alone among them.
SUBTASKS_OF_MIXTURE: Mapping[str, tuple[str, ...]] = types.MappingProxyType(
    {
        ALL_SUBTASKS: (*SUBTASKS, UMBRELLA),
        **{
            mixture: (*(subtask for subtask in SUBTASKS if subtask != left_out), UMBRELLA)
            for mixture, left_out in WITHOUT_SUBTASK.items()
        },
        PAPER: (*SUBTASKS, UMBRELLA),
        **{subtask: (subtask,) for subtask in (*SUBTASKS, UMBRELLA)},
    }
)

# Which sources have examples of a sub-task; every one whose calls have arguments has umbrella
# examples.
SOURCES_OF_SUBTASK: Mapping[str, tuple[str, ...]] = types.MappingProxyType(
    {
        subtask: tuple(
            name
            for name, source in SOURCES.items()
            if (source.writes_calls if subtask == UMBRELLA else subtask in source.subtasks)
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

# About the square root of the number of records, that is, temperature 2: a set with a hundredth of
# the records is repeated ten times as often, not a hundred times. Less where a set has few
# functions or loose labels. The simulator's supply has no end and its calls were executed.
_SOURCE_RATES = {
    "simulator": 2.0,
    "sgd": 2.0,  # 16,000 dialogues, the largest set of people's words
    "star": 1.0,  # 5,800 dialogues
    "taskmaster4": 1.0,  # 3,700 dialogues of up to five dependent calls
    "topv2": 1.0,  # 9,800 requests
    "snips": 1.0,  # 13,800 requests to seven functions
    "slurp": 0.5,  # 5,000 requests, transcribed speech with loose labels
    "seal_tools": 0.25,  # 700 requests to 4,000 functions
    "api_bank": 0.25,  # 1,200 turns
    "meta_tool": 0.5,  # 21,000 requests, names alone, many made from templates
    "tau_bench": 0.25,  # 500 tasks of 16 functions
    "glaive": 0.15,  # 300 rows; raise it for the full set of 113,000
    "multiwoz": 0.5,  # 2,000 dialogues whose calls are derived from belief changes
    "user": 0.0,  # has to be pointed at files first
}
DEFAULT_SOURCE_RATES: Mapping[str, float] = types.MappingProxyType(
    {name: rate for name, rate in _SOURCE_RATES.items() if name in SOURCES}
)

# What is left of a source's rate for a sub-task that it serves less well than others: for one with
# few examples about the square root of their share, for the same reason.
_LESS_OF = {
    "glaive_function_chaining": 0.5,  # 40 of 130 conversations
    "slurp_parallel_calls": 0.4,  # a loose label in one of two or three joined requests is enough
}

# Thousands of training examples in the sequences that the paper was trained on (API-BLEND, arXiv
# 2402.15491, table 1), of which SeqATIS (11.7) is not here. How much of them and of Glaive entered
# its 142 thousand is not published, nor are the weights of the sub-tasks: Glaive has the rate of
# the other sets of dialogues, the sub-tasks have equal ones.
_PAPER_SOURCE_RATES = {"sgd": 6.8, "snips": 39.8, "topv2": 94.5, "multiwoz": 6.8, "glaive": 6.8}
PAPER_SOURCE_RATES: Mapping[str, float] = types.MappingProxyType(
    {name: rate for name, rate in _PAPER_SOURCE_RATES.items() if name in SOURCES}
)

UNITS = ("examples", "tokens", "target_tokens")


@gin.configurable(module="tasks", denylist=["mixture", "counts"])
def mixture_rates(
    mixture: str,
    counts: Counts = no_counts,
    subtasks: Mapping[str, Rate] | Rate | None = None,
    sources: Mapping[str, Rate] | Rate | None = None,
    tasks: Mapping[str, Rate] | None = None,
    unit: str = "examples",
    leave_out: Sequence[str] = (),
) -> dict[str, float]:
    """Rates of the tasks of a mixture, in examples before packing.

    share(task) = share of its sub-task x weight of its source / sum of the weights over the sources
    of that sub-task. So a sub-task keeps its share whatever its sources.

    A rate is a number; or "proportional" to how much there is; or ("temperature", T), how much
    there is to the power 1 / T; or ("capped", N), how much there is and at most N. How much there
    is, is said by the caches; of a sub-task it is the sum over its sources.

    Args:
        mixture: One of `SUBTASKS_OF_MIXTURE`. A sub-task alone has all of its own mixture, whatever
            `subtasks` says.
        counts: How much the training split of a task has.
        subtasks: Rate of each sub-task, and of "umbrella" beside them; or one rate for all seven;
            absent or 0 leaves it out. None takes the mixture's own.
        sources: Rate of each source within a sub-task, or one rate for all (for `user` where it is
            pointed at files); absent or 0 leaves it out. None takes the mixture's own.
        tasks: Source rates for single tasks, such as {"sgd_nested_calls": 3.0}, over `sources`.
        unit: What shares are shares of, and what is counted: "examples", "tokens" (all that the
            model reads or writes) or "target_tokens" (those that carry loss).
        leave_out: Sources to do without, such as those whose data is not there.

    Returns:
        Task name to rate, for tasks with a positive rate.

    Raises:
        ConfigurationError: A name is unknown; a rate is none, or depends on counts beside numbers;
            or counts are needed where no cache has been written.
    """
    if unit not in UNITS:
        raise ConfigurationError(
            "mixture_rates.unit", found=unit, expected=f"one of {', '.join(UNITS)}"
        )
    has_own = mixture == PAPER
    if subtasks is None:
        subtasks = 1.0 if has_own else DEFAULT_SUBTASK_RATES
    less_of = {} if sources is not None or has_own else _LESS_OF
    if sources is None:
        sources = PAPER_SOURCE_RATES if has_own else DEFAULT_SOURCE_RATES
    named = (*SUBTASKS, UMBRELLA) if isinstance(subtasks, Mapping) else SUBTASKS
    of_subtask = rates_by_name("mixture_rates.subtasks", subtasks, named)
    pairs = [*all_tasks(), *user_tasks()]
    of_source = rates_by_name("mixture_rates.sources", sources, all_sources())
    if not isinstance(sources, Mapping) and UserDataConfig().path is None:
        del of_source["user"]  # one rate for all is for all that there are
    rates_by_name("mixture_rates.leave_out", dict.fromkeys(leave_out, 0.0), all_sources())
    of_task = rates_by_name("mixture_rates.tasks", tasks or {}, [task_name(*p) for p in pairs])
    members = SUBTASKS_OF_MIXTURE[mixture]
    if members == (mixture,):
        of_subtask = {mixture: 1.0}

    def count(task: str) -> float:
        return getattr(counts(task), unit)

    within = {
        subtask: weights(
            f"mixture_rates.sources of {subtask}",
            {
                name: of_task.get(name, _scaled(of_source.get(source, 0.0), less_of.get(name)))
                for source, of in pairs
                if of == subtask and source not in leave_out
                for name in [task_name(source, subtask)]
            },
            count,
        )
        for subtask in members
        if of_subtask.get(subtask, 0.0) != 0
    }
    shares = weights(
        "mixture_rates.subtasks",
        {subtask: of_subtask[subtask] for subtask, names in within.items() if names},
        lambda subtask: sum(map(count, within[subtask])),
    )
    rates = {
        name: share * weight / sum(within[subtask].values())
        for subtask, share in shares.items()
        for name, weight in within[subtask].items()
    }
    return rates if unit == "examples" else _in_examples(rates, counts, unit)


def _scaled(rate: Rate, factor: float | None) -> Rate:
    return rate if factor is None else rate * factor  # type: ignore[operator]  # own rates: numbers


def task_name(source: str, subtask: str) -> str:
    """The name of the task that renders a source for a sub-task."""
    return f"{source}_{subtask}"


def all_tasks() -> list[tuple[str, str]]:
    """Every (source, sub-task) for which there is a task."""
    return [
        (source, subtask) for subtask, sources in SOURCES_OF_SUBTASK.items() for source in sources
    ]


def user_tasks() -> list[tuple[str, str]]:
    """Further ones, of the user's sets that gin has at the moment."""
    return [
        (name, subtask)
        for name in all_sources()
        if name not in SOURCES
        for subtask in (*SUBTASKS, UMBRELLA)
    ]


def _in_examples(rates: Mapping[str, float], counts: Counts, unit: str) -> dict[str, float]:
    """Turns shares of tokens into shares of examples, with the same sum."""
    found = {}
    for name, rate in rates.items():
        counted = counts(name)
        if counted.examples:
            found[name] = rate * counted.examples / getattr(counted, unit)
    total = sum(found.values())
    return {name: rate * sum(rates.values()) / total for name, rate in found.items()}
