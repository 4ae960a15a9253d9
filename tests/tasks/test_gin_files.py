"""The mixtures' gin files say what they promise."""

from __future__ import annotations

import gin
import pytest

from granite_fc import configuration
from granite_fc.data import declarations
from tasks.rendering_config import RenderingConfig
from tasks.sources.locations import source_locations


@pytest.fixture
def parse(tmp_path):
    def parse(mixture, *overrides):
        macros = f"MIXTURE_OR_TASK_NAME = None\nDATA_DIR = {str(tmp_path)!r}\nSEQUENCE_LENGTH = 512"
        run = tmp_path / "run.gin"
        run.write_text(f'{macros}\ninclude "mixtures/{mixture}.gin"\n')
        configuration.parse([str(run)], overrides)
        return gin.query_parameter("%MIXTURE_OR_TASK_NAME")

    yield parse
    gin.clear_config()


@pytest.mark.parametrize("mixture", ["granite_fc", "umbrella", "simulator"])
def test_a_mixture_file_names_a_mixture_and_carries_the_macros(parse, mixture, tmp_path):
    assert declarations.mixture_rates(parse(mixture))
    assert RenderingConfig().sequence_length == 512
    assert source_locations().data_dir == tmp_path


def test_the_simulator_alone(parse):
    name = parse("simulator", ("RenderingConfig.num_functions", "5"))
    rates = declarations.mixture_rates(name)
    assert len(rates) == 7 and all(task.startswith("simulator_") for task in rates)
    assert RenderingConfig().num_functions == 5
    assert RenderingConfig().detail_of("nested_calls") == "signature"


def test_rates_from_the_command_line(parse):
    subtasks = ("mixture_rates.subtasks", "{'nested_calls': 1.0}")
    rates = declarations.mixture_rates(parse("simulator", subtasks))
    assert rates == {"simulator_nested_calls": 1.0}
