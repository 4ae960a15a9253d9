"""launch/slurm.sh: the batch script, run with stand-ins for SLURM's commands."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.launch.conftest import NASTY, SECRET, Launcher

SQUEUE = ["squeue", "--me", "--name=granite-20b", "--noheader", "--format=%i %T"]


def test_submit_stop_and_delete_take_exactly_these_commands(launcher: Launcher) -> None:
    script = launcher.root / "slurm/granite-20b.sbatch"
    assert launcher("slurm.sh", "submit", "--", "train").returncode == 0
    assert "there already: 4711 PENDING" in launcher("slurm.sh", "submit", "--", "train").stdout
    assert "4711 PENDING" in launcher("slurm.sh", "status").stdout
    launcher("slurm.sh", "stop")
    (launcher.root / "jobs.txt").write_text("4711 RUNNING\n")
    launcher("slurm.sh", "stop")
    launcher("slurm.sh", "delete")
    assert launcher.calls() == [
        *(SQUEUE, ["sbatch", "--parsable", str(script)]),
        *(SQUEUE, SQUEUE),
        *(SQUEUE, ["scancel", "4711"]),
        *(SQUEUE, ["scancel", "--signal=TERM", "4711"]),
        *(SQUEUE, ["scancel", "4711"]),
    ]


def test_the_script_asks_for_one_process_a_gpu_and_a_requeue(launcher: Launcher) -> None:
    launcher.configure(slurm__partition="gpu", slurm__cpus_per_gpu=12, grace_seconds=120)
    text = launcher("slurm.sh", "script", "--", "train").stdout
    # srun does not take it from sbatch.
    assert ' --wait=120 --cpus-per-task=12 "${command[@]}"\n' in text
    options = [line[8:] for line in text.splitlines() if line.startswith("#SBATCH ")]
    assert options == [
        "--job-name=granite-20b",
        "--nodes=2",
        "--ntasks-per-node=4",
        "--gpus-per-node=4",
        "--time=24:00:00",
        f"--output={launcher.root}/slurm/granite-20b.log",
        "--open-mode=append",
        "--requeue",
        "--signal=TERM@120",
        "--partition=gpu",
        "--cpus-per-task=12",
    ]


@pytest.mark.parametrize(
    ("plan", "losses", "requeues"),
    [
        ("0", 0, [False]),
        ("2", 0, [False]),
        ("42\n42\n0", 0, [True, True, False]),
        ("1\n43\n1\n1", 0, [True, True, True, False]),
        ("43\n43", 19, [True, False]),  # another's failure, but not for ever
    ],
)
def test_exit_statuses_decide_what_happens(
    launcher: Launcher, plan: str, losses: int, requeues: list[bool]
) -> None:
    launcher.configure(max_failures=2)
    launcher.cloud(["ACTIVE"], plan=plan)
    assert launcher("slurm.sh", "submit", "--", "train").returncode == 0
    (launcher.root / "slurm/granite-20b.losses").write_text("4711\n" * losses)
    for status, requeued in zip(plan.split("\n"), requeues, strict=True):
        before = len(launcher.calls())
        assert _run(launcher).returncode == int(status)
        calls = launcher.calls()[before:]
        assert (["scontrol", "requeue", "4711"] in calls) is requeued


def test_arguments_and_environment_reach_the_tasks_unchanged(launcher: Launcher) -> None:
    launcher.secrets()
    launcher.configure(environment_file="secrets.env")
    submitted = launcher("slurm.sh", "submit", "--", *NASTY)
    assert submitted.returncode == 0, submitted.stderr
    assert _run(launcher).returncode == 0
    (srun,) = [call for call in launcher.calls() if call[0] == "srun"]
    assert srun[1:4] == ["--gpu-bind=none", "--kill-on-bad-exit=0", "--wait=20"]
    assert (launcher.root / "arguments").read_text().split("\0")[:-1] == NASTY
    environment = (launcher.root / "environment").read_text().split("\0")
    assert f"HF_TOKEN={SECRET}" in environment
    script = (launcher.root / "slurm/granite-20b.sbatch").read_text()
    assert SECRET not in submitted.stdout + script


def test_a_job_that_is_deleted_is_not_queued_again(launcher: Launcher) -> None:
    launcher.cloud(["ACTIVE"], plan="wait")
    assert launcher("slurm.sh", "submit", "--", "train").returncode == 0
    with subprocess.Popen(**_job(launcher), start_new_session=True) as running:
        deadline = time.monotonic() + 20
        while not (launcher.root / "environment").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert launcher("slurm.sh", "delete").returncode == 0
        os.killpg(running.pid, signal.SIGTERM)  # as SLURM does at scancel
        assert running.wait(timeout=20) != 0
    # Nor is it started where SLURM itself has queued it again.
    assert "stopped before it started" in _run(launcher).stdout
    assert [call[0] for call in launcher.calls()] == [
        *("squeue", "sbatch", "srun", "squeue", "scancel")
    ]


def test_nothing_is_started_where_the_secrets_cannot_be_read(launcher: Launcher) -> None:
    launcher.secrets()
    launcher.configure(environment_file="secrets.env")
    assert launcher("slurm.sh", "submit", "--", "train").returncode == 0
    (launcher.root / "secrets.env").unlink()
    ended = _run(launcher)
    assert ended.returncode == 2
    assert "secrets.env cannot be read" in ended.stderr
    assert [call[0] for call in launcher.calls()] == ["squeue", "sbatch"]


@pytest.mark.parametrize("verb", ["script", "submit", "status", "logs", "stop", "delete"])
def test_a_dry_run_prints_and_runs_nothing(launcher: Launcher, verb: str) -> None:
    ended = launcher("slurm.sh", verb, "--dry_run", "--", "train")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(("+ squeue ", "+ tail ", "#!/usr/bin/env bash"))
    assert not launcher.calls()
    assert not (launcher.root / "slurm").exists()


def test_the_script_passes_shellcheck(launcher: Launcher) -> None:
    launcher.secrets()
    launcher.configure(environment_file="secrets.env")
    text = launcher("slurm.sh", "script", "--", *NASTY).stdout
    # SC2016: that arguments are not expanded is the point.
    command = ["shellcheck", "--exclude=SC2016", "-"]
    checked = subprocess.run(
        command, input=text, env=launcher.environment, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


def _run(launcher: Launcher) -> subprocess.CompletedProcess[str]:
    """Runs the submitted script as SLURM would."""
    return subprocess.run(**_job(launcher), capture_output=True, text=True)


def _job(launcher: Launcher) -> dict[str, Any]:
    environment = {
        **launcher.environment,
        "SLURM_JOB_ID": "4711",
        "HOME": str(launcher.root),
        "HOST": "node",
    }
    script: Path = launcher.root / "slurm/granite-20b.sbatch"
    return {"args": ["bash", str(script)], "env": environment}
