"""Every gin file of the project is read without a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gin
import jax
import pytest

from granite_fc import configuration
from granite_fc.errors import ConfigurationError
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import base_config, count_params
from granite_fc.sharding.mesh import MeshConfig
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.training.layout import Layout
from granite_fc.training.loop import train
from granite_fc.training.optimizer import Optimizer
from granite_fc.training.optimizers import AdamW
from granite_fc.training.recipe import configured_recipe

GIN = configuration.gin_directory()
# What each file of a run, taken alone, has to be given.
REQUIRED = {
    "runs/granite_20b_functioncalling.gin": {
        "MODEL_DIR": "run",
        "DATA_DIR": "data",
        "INITIAL_CHECKPOINT_PATH": "granite-20b-code-instruct-8k",
        "TRAIN_STEPS": "1200",
    },
    "runs/converted.gin": {
        "MODEL_DIR": "model",
        "VOCABULARY": "granite_fc_2k",
        "SEQUENCE_LENGTH": "8",
    },
    "runs/granite_fc_mix.gin": {"MODEL_DIR": "run", "DATA_DIR": "data"},
    "runs/inspect.gin": {},
    "runs/quickstart.gin": {"MODEL_DIR": "run"},
    "runs/real_data.gin": {"MODEL_DIR": "run", "DATA_DIR": "data"},
    "runs/smollm2_135m.gin": {
        "MODEL_DIR": "run",
        "DATA_DIR": "data",
        "INITIAL_CHECKPOINT_PATH": "smollm2-135m-instruct",
    },
    "runs/user_data.gin": {"MODEL_DIR": "run", "DATA_PATH": "my.jsonl", "DATA_FORMAT": "openai"},
    "runs/train.gin": {
        "MODEL_DIR": "run",
        "TRAIN_STEPS": "1",
        "BATCH_SIZE": "1",
        "SEQUENCE_LENGTH": "8",
        "VOCABULARY": "granite_fc_2k",
    },
    "meshes/slices.gin": {"SLICES": "2"},
}


def files(folder: str) -> list[str]:
    return sorted(str(path.relative_to(GIN)) for path in (GIN / folder).glob("*.gin"))


@pytest.fixture(autouse=True)
def clean_gin() -> Iterator[None]:
    yield
    gin.clear_config()


@pytest.mark.parametrize("name", files("runs"))
def test_runs(name: str) -> None:
    configuration.parse([name], list(REQUIRED[name].items()))
    for missing in REQUIRED[name]:
        given = [(key, value) for key, value in REQUIRED[name].items() if key != missing]
        with pytest.raises(ConfigurationError, match=f"{missing}: found 'no value'"):
            configuration.parse([name], given)


def test_the_recipe_of_the_paper_is_what_is_published_of_it() -> None:
    name = "runs/granite_20b_functioncalling.gin"
    configuration.parse([name], list(REQUIRED[name].items()))
    recipe = configured_recipe(train)
    recipe.optimizer.check(recipe.train_steps)
    adapter, schedule = recipe.model.adapter, recipe.optimizer.schedule()
    assert adapter is not None and adapter.base_dtype == "nf4"
    assert (adapter.rank, adapter.alpha, adapter.dropout) == (8, 32, 0.1)
    assert (schedule.peak, schedule.decay, schedule.final_fraction) == (5e-5, "linear", 0.0)
    assert recipe.sequence_length == recipe.model.max_positions == 8192
    assert count_params(base_config(recipe.model)) == 20_066_993_152
    layout = Layout.of(
        recipe, recipe.transformation(), MeshConfig().resolve(8).sizes(), LogicalAxisRules()
    )
    # Two moments of the adapters, and nothing of the model that they stand beside.
    moments = sum(leaf.size for leaf in jax.tree.leaves(layout.state["opt_state"]))
    assert moments < 2 * 0.003 * count_params(recipe.model)


@pytest.mark.parametrize("name", files("models"))
def test_models(name: str) -> None:
    configuration.parse([name])
    opening = (GIN / name).read_text().splitlines()[0]
    if opening.endswith(" parameters."):  # the family files give no size
        assert DecoderConfig().num_layers > 0


@pytest.mark.parametrize("name", files("meshes"))
def test_meshes(name: str) -> None:
    configuration.parse([name], list(REQUIRED.get(name, {}).items()))
    MeshConfig().check()


@pytest.mark.parametrize("mesh", files("meshes"))
@pytest.mark.parametrize("run", ["runs/quickstart.gin", "runs/real_data.gin"])
def test_a_run_takes_a_mesh(run: str, mesh: str) -> None:
    overrides = {**REQUIRED[run], **REQUIRED.get(mesh, {})}
    configuration.parse([run, mesh], list(overrides.items()))


@pytest.mark.parametrize("name", files("adapters"))
def test_a_run_takes_adapters(name: str) -> None:
    configuration.parse(
        ["runs/quickstart.gin", name], list(REQUIRED["runs/quickstart.gin"].items())
    )
    adapter = DecoderConfig().adapter
    assert adapter is not None
    assert (adapter.rank, adapter.alpha, adapter.dropout) == (8, 32, 0.1)
    assert adapter.is_quantized == ("qlora" in name)


@pytest.mark.parametrize("name", files("optimizers"))
def test_a_run_takes_an_optimizers_options(name: str) -> None:
    configuration.parse(
        ["runs/granite_fc_mix.gin", name], list(REQUIRED["runs/granite_fc_mix.gin"].items())
    )
    optimizer = AdamW()
    set_there = [
        n for n in ("frozen", "layer_decay", "ema") if f"adamw.{n} =" in (GIN / name).read_text()
    ]
    assert set_there and all(getattr(optimizer, n) != getattr(Optimizer, n) for n in set_there)


def test_all_folders_are_read() -> None:
    assert {path.name for path in Path(GIN).iterdir() if path.is_dir()} == {
        "adapters",
        "meshes",
        "mixtures",
        "models",
        "optimizers",
        "runs",
    }
