"""`launch/tpu_vm.sh`: TPU VM slices, from the request to the end of the run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from granite_fc.errors import ConfigurationError
from launch.pods import arguments
from launch.pods.attempts import Attempts
from launch.pods.pod import Pod
from launch.pods.queued_resource import QueuedResource
from launch.pods.shell import Shell
from launch.pods.workers import Workers

VERBS = {
    "create": "ask for the slices",
    "wait": "wait until they are there",
    "install": "install the project and mount the bucket on all hosts",
    "start": "start granite-fc on all hosts (needs -- and its arguments)",
    "logs": "follow the log of a host",
    "status": "say how the slices and the run stand",
    "stop": "let the run write a checkpoint and end",
    "delete": "delete the slices",
    "run": "all of it, started again after a preemption, and deleted at the end",
}


def main(words: Sequence[str] | None = None) -> int:
    """Runs one verb; returns the exit status."""
    return arguments.main(
        "launch/tpu_vm.sh",
        "Trains on Cloud TPU slices.",
        VERBS,
        _act,
        _add_arguments,
        words,
        "The slices and what runs on them go on; the same command takes up from here, "
        "`stop` and `delete` end it.",
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep", action="store_true", help="run: do not delete at the end")
    parser.add_argument("--lines", default="all", help="logs: how many lines to begin with")
    parser.add_argument("--slice", type=int, default=0, help="logs: which slice")
    parser.add_argument("--worker", type=int, default=0, help="logs: which of its hosts")
    parser.add_argument("--poll_seconds", type=float, default=30, help="wait, run: time between")


def _act(pod: Pod, shell: Shell, options: argparse.Namespace) -> int:
    settings = pod.tpu_vm
    if settings is None:
        raise ConfigurationError(str(options.config), found="no [tpu_vm]", expected="[tpu_vm]")
    request = QueuedResource(pod, settings, shell, poll_seconds=options.poll_seconds)
    workers = Workers(pod, settings, request.nodes, shell)
    if options.verb in ("create", "install", "run"):
        workers.requirement()  # a wheel that is missing is noticed before anything costs
    match options.verb:
        case "create":
            request.create()
        case "wait":
            request.wait()
        case "install":
            workers.install()
        case "start":
            workers.start(arguments.required(options))
        case "logs":
            if not 0 <= options.slice < pod.num_slices:
                expected = f"0 to {pod.num_slices - 1}"
                raise ConfigurationError("--slice", found=options.slice, expected=expected)
            workers.follow(options.lines, slice_index=options.slice, worker=options.worker)
        case "status":
            _show_status(request, workers, shell)
        case "stop":
            workers.stop()
        case "delete":
            request.delete()
        case "run":
            command = arguments.required(options)
            attempts = Attempts(pod, request, workers, shell, poll_seconds=options.poll_seconds)
            return attempts.run(command, keep=options.keep)
    return 0


def _show_status(request: QueuedResource, workers: Workers, shell: Shell) -> None:
    state = request.describe()
    if not shell.dry_run:
        shell.say(f"slices: {state.state if state else 'none'}")
    if shell.dry_run or (state is not None and state.state == "ACTIVE"):
        for status in workers.statuses():
            code = "" if status.exit is None else f" with status {status.exit}"
            stopped = ", told to stop" if status.stopped else ""
            shell.say(f"{status.worker}: {status.state}{code}{stopped}")


if __name__ == "__main__":
    sys.exit(main())
