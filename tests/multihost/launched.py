"""Starts the processes of a tiny run, and reads what they leave."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.end_to_end.command import REPOSITORY, environment, overrides

# A failure of a process makes the launcher end the others; here they are to do so by themselves.
_GRACE = 100
RUN = f"--gin_file={REPOSITORY}/tests/multihost/small.gin"


class Launched:
    """The processes of one start, which have ended."""

    def __init__(self, process: subprocess.CompletedProcess[str], seconds: float) -> None:
        self.status = process.returncode
        self.lines = process.stdout.splitlines()
        self.errors = process.stderr
        self.seconds = seconds

    def said_by(self, host: int) -> str:
        """What one process wrote to its standard error."""
        begin = f"[{host}] "
        lines = self.errors.splitlines()
        return "\n".join(line.removeprefix(begin) for line in lines if line.startswith(begin))


def launch(
    folder: Path,
    processes: int,
    *,
    model_dir: str,
    variables: dict[str, str] | None = None,
    words: tuple[str, ...] = (),
    **settings: Any,
) -> Launched:
    """Trains the small run on four devices.

    Args:
        folder: Holds `cache`, and gets `model_dir` and the compiled programs.
        processes: How many share the devices: 1, 2 or 4.
        model_dir: Name of the run's folder.
        variables: Environment variables of all processes.
        words: Further arguments of the launcher.
        settings: Gin macros and parameters, these with __ for the dot.
    """
    changed = {name.replace("__", "."): value for name, value in settings.items()}
    changed = {
        "MODEL_DIR": folder / model_dir,
        "CACHE_DIR": folder / "cache",
        "COMPILATION_CACHE_DIR": folder / f"compiled-{processes}",
    } | changed
    begun = time.monotonic()
    process = subprocess.run(
        [
            sys.executable,
            str(REPOSITORY / "launch" / "local.py"),
            f"--processes={processes}",
            f"--devices_per_process={4 // processes}",
            f"--grace={_GRACE}",
            *words,
            "--",
            "train",
            RUN,
            *overrides(changed),
        ],
        cwd=REPOSITORY,
        env=environment(folder)
        | {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        | (variables or {}),
        capture_output=True,
        text=True,
        timeout=200,
    )
    return Launched(process, time.monotonic() - begun)


def start_by_hand(arguments: Sequence[Sequence[str]], folders: Sequence[Path]) -> list[Launched]:
    """Starts one process a list of arguments, each in its own folder, and waits for all."""
    address = f"127.0.0.1:{free_port()}"
    begun = time.monotonic()
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "granite_fc.cli.main", "train", *words],
            cwd=folder,
            env=environment(folder)
            | {
                "JAX_COORDINATOR_ADDRESS": address,
                "JAX_NUM_PROCESSES": str(len(arguments)),
                "JAX_PROCESS_ID": str(index),
                "JAX_NUM_CPU_DEVICES": "2",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index, (words, folder) in enumerate(zip(arguments, folders, strict=True))
    ]
    ended = []
    for process in started:
        out, errors = process.communicate(timeout=200)
        completed = subprocess.CompletedProcess(process.args, process.returncode, out, errors)
        ended.append(Launched(completed, time.monotonic() - begun))
    return ended


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def entries(path: Path) -> list[dict[str, Any]]:
    """The objects of a file with one JSON object a line."""
    return [json.loads(line) for line in path.read_text().splitlines()]
