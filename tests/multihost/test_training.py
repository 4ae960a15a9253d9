"""Several processes train what one trains, and go on from each other's checkpoints."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from granite_fc.checkpoints.initial import steps_saved
from tests.end_to_end.command import scalars
from tests.multihost.conftest import KILLED_AFTER, PREEMPTED_AFTER, STEPS
from tests.multihost.launched import Launched, entries, launch
from tests.training.small_tasks import TASKS

METRICS = ("loss", "grad_norm", "loss/name_detection", "learning_rate")
# Sums over devices are added in another order.
TOLERANCE = 1e-5


# What of four processes one is killed in the middle of is not there to the end, and the last step
# that it did may not be in the log.
RUNS = [("two", 2, STEPS), ("four", 4, KILLED_AFTER - 1)]


@pytest.mark.parametrize(("fixture", "processes", "steps"), RUNS)
def test_losses_equal_those_of_one_process(
    folder: Path,
    one: Launched,
    fixture: str,
    processes: int,
    steps: int,
    request: pytest.FixtureRequest,
) -> None:
    request.getfixturevalue(fixture)
    for run, names, expected in (
        ("train", METRICS, set(range(1, steps + 1))),
        ("training_eval", ("loss", "accuracy"), {0} | ({STEPS} if steps == STEPS else set())),
    ):
        for name in names:
            alone = scalars(folder / "run-1", run, name)
            together = scalars(folder / f"run-{processes}", run, name)
            assert expected <= together.keys() <= alone.keys()
            np.testing.assert_allclose(
                list(together.values()), [alone[step] for step in together], rtol=TOLERANCE
            )


@pytest.mark.parametrize(("fixture", "processes", "steps"), RUNS)
def test_each_host_reads_its_own_rows_and_no_others(
    folder: Path, fixture: str, processes: int, steps: int, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(fixture)
    read = [
        {tuple(each) for each in entries(folder / f"rows-{processes}" / f"{host}.jsonl")}
        for host in range(processes)
    ]
    # A batch of 8 rows is cut into 4 parts, one a device; hosts hold neighbouring devices.
    for host, pairs in enumerate(read):
        share = 8 // processes
        rows = range(host * share, (host + 1) * share)
        assert {step for step, _ in pairs} >= set(range(steps))
        assert pairs == {(step, row) for step, _ in pairs for row in rows}
        assert pairs <= {(step, row) for step in range(STEPS) for row in range(8)}


def test_one_host_writes_what_is_written_once_and_each_its_own_log(
    folder: Path, one: Launched, two: Launched
) -> None:
    alone, together = folder / "run-1", folder / "run-2"
    names = {path.name for path in alone.iterdir()}
    assert {path.name for path in together.iterdir()} == names | {"logs"}
    for name in ("config.gin", "model-info.txt", "report.html", "metrics.jsonl"):
        assert (together / name).stat().st_size
    assert len(list((together / "train").glob("events.*"))) == 1
    for task in TASKS:
        answers = [folder / "predictions" / str(STEPS) for folder in (alone, together)]
        assert entries(answers[0] / f"{task}.jsonl") == entries(answers[1] / f"{task}.jsonl")
    for host in range(2):
        assert f"host {host} of 2" in (together / "logs" / f"host-{host}.log").read_text()
        steps = [line["step"] for line in entries(together / "logs" / f"host-{host}.jsonl")]
        assert steps == list(range(1, STEPS + 1))
    assert sum("step 1/6" in line for line in two.lines) == 1


def test_a_signal_to_one_host_stops_all_at_one_step(folder: Path, preempted: Launched) -> None:
    assert preempted.status == 42, preempted.errors
    stopped = steps_saved(folder / "preempted")[-1]
    assert PREEMPTED_AFTER <= stopped < STEPS
    for host in range(2):
        log = (folder / "preempted" / "logs" / f"host-{host}.log").read_text()
        assert f"told to stop: saved a checkpoint at step {stopped}" in log


@pytest.fixture(scope="module")
def go_on(folder: Path, preempted: Launched) -> Callable[[int], Path]:
    """Lets a number of processes end the preempted run, once each; returns the MODEL_DIR."""

    @functools.cache
    def go_on(processes: int) -> Path:
        name = f"gone-on-{processes}"
        shutil.copytree(folder / "preempted", folder / name)
        launched = launch(folder, processes, model_dir=name)
        assert launched.status == 0, launched.errors
        return folder / name

    return go_on


@pytest.mark.parametrize("processes", [2, 1, 4])
def test_a_checkpoint_of_two_hosts_is_gone_on_from_by_any_number(
    folder: Path, two: Launched, go_on: Callable[[int], Path], processes: int
) -> None:
    model_dir = go_on(processes)
    for metric in METRICS:
        whole = scalars(folder / "run-2", "train", metric)
        parts = scalars(model_dir, "train", metric)
        assert parts.keys() == whole.keys()
        # The same hosts give the same bits; others add in another order.
        tolerance = 0 if processes == 2 else TOLERANCE
        np.testing.assert_allclose(list(parts.values()), list(whole.values()), rtol=tolerance)


def test_a_second_start_does_not_compile_again(folder: Path, preempted: Launched) -> None:
    name = "timing/compilation_cache_hits"
    assert scalars(folder / "run-2", "train", name) == {0: 0.0}
    assert scalars(folder / "preempted", "train", name) == {0: 1.0}


def test_goodput_adds_up_over_starts(go_on: Callable[[int], Path]) -> None:
    model_dir = go_on(2)
    assert scalars(model_dir, "train", "goodput/starts")[STEPS] == 2
    steps = scalars(model_dir, "train", "goodput/steps_seconds")
    assert list(steps.values()) == sorted(steps.values())
    assert "Where the time went" in (model_dir / "report.html").read_text()
