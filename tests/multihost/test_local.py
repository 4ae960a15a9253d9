"""The launcher itself, with programs that do nothing in place of granite-fc."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
import time

import pytest

from launch import local

INDEX = "import os, signal, sys, time; index = int(os.environ['JAX_PROCESS_ID'])\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Runs a program in so many processes; returns the status, what was printed, and the errors."""

    def start(program: str, *words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(local, "_PROGRAM", (sys.executable, "-c", INDEX + program))
        status = local.main([*words, "--", "train"])
        return status, *capfd.readouterr()

    return start


def test_each_line_begins_with_its_process(run) -> None:  # type: ignore[no-untyped-def]
    status, out, errors = run(
        "print('a', os.environ['JAX_NUM_PROCESSES']); print('b', file=sys.stderr)", "--processes=3"
    )
    assert status == 0
    assert sorted(out.splitlines()) == ["[0] a 3", "[1] a 3", "[2] a 3"]
    assert sorted(errors.splitlines()) == ["[0] b", "[1] b", "[2] b"]


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        ((0, 0, 0), 0),
        ((42, 42, 42), 42),
        ((2, 2, 2), 2),
        ((0, 42, 1), 1),
        ((42, 0, 42), 42),
        # The others tell that they lost it, and are seen before and after it.
        ((43, 9, 43), 9),
    ],
)
def test_the_status_is_the_worst(run, ends: tuple[int, ...], status: int) -> None:  # type: ignore[no-untyped-def]
    assert run(f"sys.exit({ends}[index])", "--processes=3")[0] == status


def test_a_failure_is_named_and_the_others_are_ended(run) -> None:  # type: ignore[no-untyped-def]
    begun = time.monotonic()
    status, _, errors = run(
        "os.kill(os.getpid(), signal.SIGKILL) if index == 1 else time.sleep(300)",
        "--processes=3",
        "--grace=0.5",
    )
    assert time.monotonic() - begun < 20
    assert status == 128 + signal.SIGKILL
    assert "process 1 was ended by SIGKILL: out of memory?" in errors
    assert "ending process 0, since process 1 failed" in errors
    assert "ending process 2, since process 1 failed" in errors


def test_signals_are_passed_on(run) -> None:  # type: ignore[no-untyped-def]
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    status, _, errors = run(
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(42)); time.sleep(300)", "--processes=2"
    )
    assert status == 42
    assert "passing SIGTERM on" in errors


def test_a_dry_run_prints_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--processes=2", "--devices_per_process=4", "--port=1234", "--dry_run"]
    assert local.main([*words, "--", "train", "--gin.MODEL_DIR=a b", "--gin.X=$(rm)"]) == 0
    first, second = map(shlex.split, capsys.readouterr().out.splitlines())
    assert first[-2:] == second[-2:] == ["--gin.MODEL_DIR=a b", "--gin.X=$(rm)"]
    assert set(first) - set(second) == {"JAX_PROCESS_ID=0"}
    assert {"JAX_COORDINATOR_ADDRESS=127.0.0.1:1234", "JAX_NUM_CPU_DEVICES=4"} <= set(first)
    local.main([*words, "--platform=gpu", "--", "train"])
    second = shlex.split(capsys.readouterr().out.splitlines()[1])
    assert "JAX_LOCAL_DEVICE_IDS=4,5,6,7" in second
    assert not any("cpu" in word.lower() for word in second)
