"""Rates of mixtures, by hand."""

from __future__ import annotations

import math
import subprocess
import sys

import gin
import pytest

import tasks  # noqa: F401  declares the tasks
from granite_fc.data import declarations
from granite_fc.errors import ConfigurationError
from tasks.rates import SOURCES_OF_SUBTASK, all_tasks, mixture_rates, task_name
from tasks.subtasks import SUBTASKS, UMBRELLA


@pytest.fixture(autouse=True)
def no_gin_bindings():
    gin.clear_config()
    yield
    gin.clear_config()


def test_a_subtask_keeps_its_rate_whatever_its_sources():
    subtasks = {subtask: 1.0 + index for index, subtask in enumerate(SUBTASKS)}
    rates = mixture_rates("granite_fc", subtasks=subtasks)
    for subtask, rate in subtasks.items():
        names = [task_name(source, subtask) for source in SOURCES_OF_SUBTASK[subtask]]
        assert math.isclose(sum(rates.get(name, 0.0) for name in names), rate)


def test_whole_answers_stand_beside_the_seven_where_they_are_given_a_rate():
    with_one_call = dict.fromkeys(SUBTASKS, 1.0) | {UMBRELLA: 0.5}
    for mixture in ("granite_fc", "granite_fc_without_nested_calls", "paper"):
        rates = mixture_rates(mixture, subtasks=with_one_call, sources={"simulator": 1, "snips": 3})
        assert rates["snips_umbrella"] == 0.375 and rates["simulator_umbrella"] == 0.125
        for subtasks in (None, 1.0, dict.fromkeys(SUBTASKS, 1.0)):
            names = mixture_rates(mixture, subtasks=subtasks)
            assert names and not any(name.endswith(UMBRELLA) for name in names)


def test_sources_share_a_subtask_by_their_rates():
    rates = mixture_rates(
        "granite_fc",
        subtasks={"nested_calls": 3.0, "parallel_calls": 0},
        sources={"simulator": 2.0, "topv2": 1.0, "seal_tools": 0},
    )
    assert rates == {"simulator_nested_calls": 2.0, "topv2_nested_calls": 1.0}


def test_single_tasks_may_have_their_own_rate():
    rates = mixture_rates(
        "nested_calls",
        sources={"simulator": 1.0, "topv2": 1.0},
        tasks={"topv2_nested_calls": 3.0, "sgd_nested_calls": 4.0},
    )
    assert rates == {
        "simulator_nested_calls": 1 / 8,
        "topv2_nested_calls": 3 / 8,
        "sgd_nested_calls": 4 / 8,
    }


@pytest.mark.parametrize("mixture", [*SUBTASKS, UMBRELLA])
def test_a_mixture_of_one_subtask_does_not_need_its_rate(mixture):
    rates = mixture_rates(mixture, subtasks={})
    assert math.isclose(sum(rates.values()), 1.0)
    assert all(name.endswith(mixture) for name in rates)


@pytest.mark.parametrize(
    "arguments",
    [
        {"subtasks": {"nested": 1.0}},
        {"sources": {"sdg": 1.0}},
        {"tasks": {"snips_nested_calls": 1.0}},
        {"subtasks": {"nested_calls": -1.0}},
        {"sources": {"sgd": math.nan}},
        {"sources": {"sgd": math.inf}},
        {"sources": {"sgd": True}},
        {"sources": {"sgd": "1"}},
    ],
)
def test_wrong_rates_are_named(arguments):
    (key,) = arguments
    with pytest.raises(ConfigurationError, match=f"mixture_rates.{key}"):
        mixture_rates("granite_fc", **arguments)


def test_gin_changes_declared_rates_at_any_time():
    assert "snips_parallel_calls" in declarations.mixture_rates("granite_fc")
    gin.parse_config("mixture_rates.sources = {'simulator': 1.0}")
    rates = declarations.mixture_rates("granite_fc")
    assert {name.split("_")[0] for name in rates} == {"simulator"}
    gin.parse_config("mixture_rates.sources = {'snips': 1.0}")
    with pytest.raises(ConfigurationError, match="rates of nested_calls"):
        declarations.mixture_rates("nested_calls")


def test_everything_is_declared():
    names = declarations.names()
    assert {"granite_fc", *SUBTASKS, UMBRELLA} <= set(names)
    for source, subtask in all_tasks():
        declared = declarations.task(task_name(source, subtask))
        assert (declared.source, declared.subtask) == (source, subtask)


def test_content_follows_the_configuration():
    content = declarations.task("snips_name_detection").content
    before = content()
    gin.parse_config("RenderingConfig.seed = 3\nSnipsConfig.num_related = 1")
    changed = content()
    assert before["rendering"]["function_detail"] == "description"
    assert changed["rendering"]["seed"] == 3
    assert changed["source"]["settings"]["num_related"] == 1
    assert before != changed


def test_declaring_loads_no_tensorflow():
    program = (
        "import sys, tasks, tasks.episode_renderer;"
        "from granite_fc.data import declarations as d; d.task('snips_name_detection').content();"
        "heavy = {'tensorflow', 'seqio', 'tensorflow_datasets', 'jax'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_a_source_weighs_less_in_a_subtask_that_it_serves_less_well():
    rates = mixture_rates("granite_fc")
    next_best = rates["glaive_next_best_function"] / rates["sgd_next_best_function"]
    chaining = rates["glaive_function_chaining"] / rates["sgd_function_chaining"]
    assert chaining == pytest.approx(next_best / 2)
    equal = mixture_rates("granite_fc", sources={"glaive": 1.0, "sgd": 1.0})
    assert equal["glaive_function_chaining"] == equal["sgd_function_chaining"]
