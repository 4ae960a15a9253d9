"""`granite-fc train`: trains a model, evaluates it and reports, per sub-task."""

from __future__ import annotations

import argparse
import ctypes
import signal
import subprocess
import sys
import threading

from granite_fc import configuration
from granite_fc.cli.ending import status_of

_CONFIGURATION_ERROR = 2


class CachesNotWritten(SystemExit):
    """Ends the program as writing the caches ended, which has printed why."""

    def __str__(self) -> str:
        return f"exit status {self.code}; its own log says why"


# A process's handler of a signal, as the operating system has it.
_get_handler = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_int)(("PyOS_getsig", ctypes.pythonapi))
_set_handler = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)(
    ("PyOS_setsig", ctypes.pythonapi)
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the subcommand's arguments."""
    configuration.add_arguments(parser, required=True)
    parser.add_argument(
        "--dry_run",
        action="store_true",
        help="check the configuration, say what would be run, and stop before any device is used",
    )


def run(arguments: argparse.Namespace) -> int:
    """Writes the caches that are missing, then trains; returns the exit status."""
    configuration.parse_arguments(arguments)
    # Imported after the configuration has been read: gin files name the modules that they need.
    from granite_fc.training.goodput import start_of_program
    from granite_fc.training.loop import train

    return status_of(
        lambda: train(
            write_caches=lambda _: _write_caches(arguments),
            started=start_of_program(),
            dry_run=arguments.dry_run,
        )
    )


def _write_caches(arguments: argparse.Namespace) -> None:
    """Runs `granite-fc cache` in a process of its own, whose TensorFlow and memory end with it."""
    command = [sys.executable, "-m", "granite_fc.cli.main", "cache"]
    command += [f"--gin_file={gin_file}" for gin_file in arguments.gin_file]
    command += [f"--gin.{name}={value}" for name, value in arguments.overrides]
    if arguments.gin_search_paths:
        command.append(f"--gin_search_paths={arguments.gin_search_paths}")
    status = _run_to_its_end(command)
    if status == _CONFIGURATION_ERROR:
        raise CachesNotWritten(status)
    if status:
        raise RuntimeError(f"writing the caches failed with exit status {status}")


def _run_to_its_end(command: list[str]) -> int:
    """Runs a command and returns its exit status; a SIGTERM ends it, and then this program."""
    with subprocess.Popen(command) as child:
        told = threading.Event()

        def end(*_: object) -> None:
            told.set()
            child.terminate()

        # Among several hosts the handler in force is JAX's, of which Python's own functions know
        # nothing: they would put back the one before it, and the run could not be stopped.
        in_force = _get_handler(signal.SIGTERM)
        before = signal.signal(signal.SIGTERM, end)
        try:
            status = child.wait()
        finally:
            signal.signal(signal.SIGTERM, before)
            _set_handler(signal.SIGTERM, in_force)
    if told.is_set():
        raise CachesNotWritten(128 + signal.SIGTERM)  # what is finished is kept
    return status
