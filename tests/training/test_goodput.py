"""Where a run's wall time went, over all its starts."""

from __future__ import annotations

import json
import types
from pathlib import Path

import pytest

from granite_fc.evaluation.goodput_table import describe_goodput, goodput_table
from granite_fc.training.goodput import Goodput, start_of_program
from granite_fc.training.metrics_writer import METRICS, MetricsWriter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    clock = types.SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
    monkeypatch.setattr("granite_fc.training.goodput.time", clock)
    return clock


def kinds(goodput: Goodput) -> dict[str, float]:
    """Seconds by kind, without the kinds that took none."""
    return {
        name.removeprefix("goodput/").removesuffix("_seconds"): value
        for name, value in goodput.scalars().items()
        if name.endswith("_seconds") and value
    }


def test_every_second_is_of_one_kind(clock: types.SimpleNamespace) -> None:
    goodput = Goodput(started=990.0)
    with goodput.inside("restoring"):
        clock.now += 5
    clock.now += 1
    goodput.enter("steps")
    clock.now += 60
    with goodput.inside("evaluation"):
        clock.now += 4
        with goodput.inside("compiling"):
            clock.now += 3
    clock.now += 20
    goodput.waited(8)
    assert kinds(goodput) == {
        "start_up": 11,
        "restoring": 5,
        "steps": 72,
        "evaluation": 4,
        "compiling": 3,
        "data_wait": 8,
    }
    assert goodput.scalars()["goodput/share"] == 72 / 103
    said = describe_goodput(goodput.scalars())
    assert said == (
        "goodput 69.9% of 0:01:43 in steps; start up 10.7%, data wait 7.8%, restoring 4.9%, "
        "evaluation 3.9%, compiling 2.9%; starts: 1"
    )


def test_steps_after_the_last_checkpoint_of_a_start_that_died_are_lost(
    clock: types.SimpleNamespace, tmp_path: Path
) -> None:
    first = Goodput()
    first.enter("steps")
    with MetricsWriter(tmp_path) as writer:
        for step, seconds in ((10, 30.0), (15, 15.0), (20, 25.0)):
            clock.now += seconds
            writer.write(step, {"train": first.scalars()})
    with (tmp_path / METRICS).open("a") as file:
        file.write('{"run": "train", "step": 2')  # It died in the middle of a line.
    clock.now += 10_000  # While nothing runs nothing is counted.

    second = Goodput()
    second.go_on(tmp_path / METRICS, step=15)
    clock.now += 7
    second.enter("steps")
    with MetricsWriter(tmp_path, resume_step=15) as writer:
        clock.now += 26
        writer.write(20, {"train": second.scalars()})
    assert kinds(second) == {"steps": 71, "lost_steps": 25, "start_up": 7}
    assert second.scalars()["goodput/starts"] == 2

    third = Goodput()
    third.go_on(tmp_path / METRICS, step=0)  # Its checkpoints were deleted.
    assert kinds(third) == {"lost_steps": 96, "start_up": 7}
    assert third.scalars()["goodput/starts"] == 3


def test_the_table_says_what_each_kind_is(clock: types.SimpleNamespace, tmp_path: Path) -> None:
    goodput = Goodput()
    goodput.enter("steps")
    clock.now += 3
    goodput.enter("compiling")
    clock.now += 1
    table = goodput_table(goodput.scalars())
    assert "Goodput 75.0%" in table
    assert '<td class="words">compiling</td><td>0:00:01</td><td>25.0%</td>' in table
    assert goodput_table({"loss": 1.0}) == ""


def test_a_first_start_has_nothing_to_add(tmp_path: Path) -> None:
    goodput = Goodput()
    goodput.go_on(tmp_path / METRICS, step=0)
    (tmp_path / METRICS).write_text(json.dumps({"run": "train", "step": 3, "loss": 1.0}) + "\n")
    goodput.go_on(tmp_path / METRICS, step=3)
    assert goodput.scalars()["goodput/starts"] == 1


def test_the_program_started_before_now() -> None:
    import time

    assert 0 < time.monotonic() - start_of_program() < 24 * 3600
