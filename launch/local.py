#!/usr/bin/env python3
"""Runs granite-fc in several processes on this machine, as several hosts.

    launch/local.py --processes=2 -- train --gin_file=runs/quickstart.gin --gin.MODEL_DIR=runs/two

Everything after `--` goes to granite-fc, run by the Python that runs this script. Each line that a
process prints begins with its number. When one ends badly the others are ended too, if they do not
end by themselves; signals are passed on.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import IO

_DONE, _PREEMPTED, _LOST_HOST, _CONFIGURATION = 0, 42, 43, 2
_POLL_SECONDS = 0.1
_PROGRAM = (sys.executable, "-m", "granite_fc.cli.main")


@dataclasses.dataclass
class _Host:
    """One process, and how it ended."""

    index: int
    process: subprocess.Popen[str]
    ended_by_us: bool = False
    status: int | None = None

    def poll(self) -> bool:
        """Returns whether it has just ended."""
        if self.status is not None or self.process.poll() is None:
            return False
        # A shell's convention where a signal was the cause.
        code = self.process.returncode
        self.status = code if code >= 0 else 128 - code
        return True

    @property
    def failed(self) -> bool:
        return self.status not in (None, _DONE, _PREEMPTED)


def main(words: Sequence[str] | None = None) -> int:
    """Runs the processes.

    Returns:
        The exit status: that of the first process that failed, and not only because another one
            was lost; else 42 where one was preempted; else 0.
    """
    arguments, command = _parse(list(sys.argv[1:] if words is None else words))
    port = arguments.port or _free_port()
    command = [*_PROGRAM, *command]
    environments = [_environment(arguments, port, index) for index in range(arguments.processes)]
    if arguments.dry_run:
        for variables in environments:
            words = [f"{name}={value}" for name, value in variables.items()]
            print(shlex.join(["env", *words, *command]))
        return _DONE
    hosts: list[_Host] = []
    readers: list[threading.Thread] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        _say(f"passing {signal.Signals(number).name} on to all processes")
        for host in hosts:
            if host.process.poll() is None:
                host.process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for index, variables in enumerate(environments):
            host, reading = _start(index, command, variables)
            hosts.append(host)
            readers += reading
        status = _watch(hosts, arguments.grace)
    finally:
        for host in hosts:
            if host.process.poll() is None:
                host.process.kill()
        for number, handler in before.items():
            signal.signal(number, handler)
    for reader in readers:
        reader.join(timeout=5)
    return status


def _parse(words: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, required=True, metavar="N", help="how many hosts")
    parser.add_argument(
        "--devices_per_process",
        type=int,
        default=1,
        metavar="N",
        help="devices of each (default 1)",
    )
    parser.add_argument(
        "--platform",
        choices=("cpu", "gpu"),
        default="cpu",
        help="gpu: process i takes the GPUs from i x devices_per_process on (default cpu)",
    )
    parser.add_argument(
        "--port", type=int, default=0, help="where process 0 listens (default: a free one)"
    )
    parser.add_argument(
        "--grace",
        type=float,
        default=30,
        metavar="SECONDS",
        help="how long the others may take to end by themselves when one has failed (default 30)",
    )
    parser.add_argument(
        "--dry_run", action="store_true", help="print the commands and start nothing"
    )
    mine, separator, command = words, False, []
    if "--" in words:
        place = words.index("--")
        mine, separator, command = words[:place], True, words[place + 1 :]
    arguments = parser.parse_args(mine)
    if not separator or not command:
        parser.error("granite-fc's own arguments follow after --, such as -- train --gin_file=...")
    if arguments.processes < 1 or arguments.devices_per_process < 1:
        parser.error("--processes and --devices_per_process are at least 1")
    return arguments, command


def _environment(arguments: argparse.Namespace, port: int, index: int) -> dict[str, str]:
    """The variables that make a process host `index`; see granite_fc.training.hosts."""
    variables = {
        "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}",
        "JAX_NUM_PROCESSES": str(arguments.processes),
        "JAX_PROCESS_ID": str(index),
        "PYTHONUNBUFFERED": "1",
    }
    devices = arguments.devices_per_process
    if arguments.platform == "cpu":
        return variables | {"JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": str(devices)}
    own = range(index * devices, (index + 1) * devices)
    return variables | {"JAX_LOCAL_DEVICE_IDS": ",".join(map(str, own))}


def _start(
    index: int, command: Sequence[str], variables: Mapping[str, str]
) -> tuple[_Host, list[threading.Thread]]:
    """Starts a process, and the threads that print what it says."""
    # Process 0 alone shows progress; on a terminal it writes there itself, which lets it draw.
    direct = index == 0 and sys.stdout.isatty()
    process = subprocess.Popen(
        command,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=None if direct else subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        # A terminal's Ctrl-C reaches this script alone, which passes it on.
        start_new_session=True,
    )
    threads = [
        threading.Thread(target=_print_lines, args=(index, source, sink), daemon=True)
        for source, sink in ((process.stdout, sys.stdout), (process.stderr, sys.stderr))
        if source is not None
    ]
    for thread in threads:
        thread.start()
    return _Host(index, process), threads


def _print_lines(index: int, source: IO[str], sink: IO[str]) -> None:
    for line in source:
        # One write a line, so that lines of several processes do not mix.
        sink.write(f"[{index}] {line.rstrip()}\n")
        sink.flush()


def _watch(hosts: Sequence[_Host], grace: float) -> int:
    """Waits until all have ended; ends those that outlive a failure by `grace` seconds."""
    first: _Host | None = None
    deadline = float("inf")
    while any(host.status is None for host in hosts):
        for host in hosts:
            if host.poll() and host.failed and not host.ended_by_us:
                _say(f"process {host.index} {_how(host.status)}")
                if first is None:
                    deadline = time.monotonic() + grace
                    _say(f"the others have {grace:.0f} s to end")
                # Those that lost a process may be seen to end before it.
                if first is None or first.status == _LOST_HOST != host.status:
                    first = host
        if first is not None and time.monotonic() > deadline:
            for host in hosts:
                if host.status is None and not host.ended_by_us:
                    _say(f"ending process {host.index}, since process {first.index} failed")
                    host.ended_by_us = True
                    host.process.kill()
        time.sleep(_POLL_SECONDS)
    if first is not None:
        assert first.status is not None
        _say(f"process {first.index} was the first to fail: status {first.status}")
        return first.status
    return _PREEMPTED if any(host.status == _PREEMPTED for host in hosts) else _DONE


def _how(status: int | None) -> str:
    assert status is not None
    if status == _CONFIGURATION:
        return "found a wrong configuration or input (status 2)"
    if status == _LOST_HOST:
        return "lost another process (status 43)"
    if status > 128:
        try:
            name = signal.Signals(status - 128).name
        except ValueError:
            name = f"signal {status - 128}"
        hint = ": out of memory?" if name == "SIGKILL" else ""
        return f"was ended by {name}{hint} (status {status})"
    return f"failed (status {status})"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _say(text: str) -> None:
    print(f"launch/local.py: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
