"""Training on a cache that is there: without TensorFlow, at any rates."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import gin

from granite_fc.data import declarations
from granite_fc.training.run_data import RunData, open_run_data
from tasks.subtasks import SUBTASKS
from tests.end_to_end.command import arguments, environment, scalars, times_of_change
from tests.end_to_end.conftest import Quickstart

# Rates of two sub-tasks alone, 3 to 1.
RATES = {"nested_calls": 3.0, "name_detection": 1.0}
MAIN = """
import json, sys
from granite_fc.cli.main import main
status = main(sys.argv[1:])
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
sys.exit(status)
"""


def test_other_rates_need_neither_tensorflow_nor_another_cache(
    quickstart: Quickstart, tmp_path: Path
) -> None:
    before = times_of_change(quickstart.cache)
    words = arguments(
        "train",
        MODEL_DIR=tmp_path / "run",
        CACHE_DIR=quickstart.cache,
        mixture_rates__subtasks=RATES,
        TRAIN_STEPS=2,
    )
    process = subprocess.run(
        [sys.executable, "-c", MAIN, *words],
        cwd=quickstart.cwd,
        env=environment(quickstart.home),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stderr
    modules = json.loads(process.stdout.splitlines()[-1])
    assert "jax" in modules and "tasks" in modules
    assert not {"tensorflow", "seqio", "tensorflow_datasets"}.intersection(modules)
    assert "cache:" not in process.stderr
    assert times_of_change(quickstart.cache) == before
    assert not (tmp_path / "run" / "cache").exists()
    for subtask in SUBTASKS:
        held_out = tmp_path / "run" / "training_eval" / f"simulator_{subtask}"
        assert held_out.exists() == (subtask in RATES)
    for subtask in RATES:
        assert scalars(tmp_path / "run", "training_eval", f"loss/{subtask}")


def open_quickstart(quickstart: Quickstart, **settings: int) -> RunData:
    sizes = {"sequence_length": 256, "batch_size": 64, "seed": 0, "eval_examples": 0}
    return open_run_data("granite_fc", str(quickstart.cache), **{**sizes, **settings})


def shares(data: RunData, step: int) -> dict[str, float]:
    drawn = {name: counts.examples for name, counts in data.batches.counts(step).items()}
    return {name: count / sum(drawn.values()) for name, count in drawn.items()}


def test_rates_decide_what_is_drawn(parsed: Quickstart) -> None:
    before = times_of_change(parsed.cache)
    rates = declarations.mixture_rates("granite_fc")
    data = open_quickstart(parsed)
    assert sum(counts.examples for counts in data.batches.counts(1000).values()) > 100_000
    found = shares(data, 1000)
    for name, rate in rates.items():
        expected = rate / sum(rates.values())
        assert abs(found[name] / expected - 1) < 0.01, name
    with gin.unlock_config():
        gin.bind_parameter("mixture_rates.subtasks", RATES)
    changed = shares(open_quickstart(parsed), 1000)
    assert set(changed) == {"simulator_nested_calls", "simulator_name_detection"}
    assert abs(changed["simulator_nested_calls"] - 0.75) < 0.0075
    assert times_of_change(parsed.cache) == before
