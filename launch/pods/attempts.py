"""Keeps a run going over preemptions and failures, until it has ended for good."""

from __future__ import annotations

import enum
import time
from collections.abc import Sequence

from launch.pods.pod import Pod
from launch.pods.queued_resource import QueuedResource, SliceGone
from launch.pods.shell import CommandFailed, Shell
from launch.pods.workers import Status, Workers

PREEMPTED = 42
_CONFIGURATION_ERROR = 2

# How often the cloud is asked whether a slice that cannot be reached was taken away.
_PATIENCE = 10


class Outcome(enum.Enum):
    """How one attempt ended."""

    DONE = "done"
    CONFIGURATION = "the configuration is wrong"
    STOPPED = "stopped, as asked"
    PREEMPTED = "preempted after a checkpoint"
    LOST = "the slices were taken away"
    FAILED = "failed"
    UNREACHABLE = "cannot be reached"


# Those that end it all, with the launcher's exit status.
_EXIT = {Outcome.DONE: 0, Outcome.CONFIGURATION: _CONFIGURATION_ERROR, Outcome.STOPPED: PREEMPTED}


def outcome(statuses: Sequence[Status]) -> Outcome | None:
    """Says how a run ended; None while it is still running somewhere."""
    exits = {status.exit for status in statuses}
    # A wrong configuration is wrong on all hosts, and the others may be waiting for this one.
    if _CONFIGURATION_ERROR in exits:
        return Outcome.CONFIGURATION
    if any(status.state == "running" for status in statuses):
        return None
    if exits == {0}:
        return Outcome.DONE
    if any(status.stopped for status in statuses):
        return Outcome.STOPPED
    # One host's signal stops all of them, but each is given its own status by its own machine.
    return Outcome.PREEMPTED if PREEMPTED in exits else Outcome.FAILED


class Attempts:
    """Brings slices up, runs, and does so again after what a restart can cure."""

    def __init__(
        self,
        pod: Pod,
        request: QueuedResource,
        workers: Workers,
        shell: Shell,
        *,
        poll_seconds: float,
    ) -> None:
        self._pod = pod
        self._request = request
        self._workers = workers
        self._shell = shell
        self._poll_seconds = poll_seconds

    def run(self, command: Sequence[str], *, keep: bool) -> int:
        """Runs `granite-fc` with the arguments to its end, and deletes the slices.

        They are kept where they can no longer be reached: the run may well be going on.

        Args:
            command: Its arguments, the same for every attempt: a run resumes from its checkpoints.
            keep: Leave the slices there in any case.

        Returns:
            The exit status: granite-fc's own, 1 where it failed too often.
        """
        failures = 0
        while True:
            ended = self._attempt(command)
            if self._shell.dry_run:
                break
            self._shell.say(f"{self._pod.name}: {ended.value}")
            if ended in _EXIT:
                break
            if ended is Outcome.LOST:
                self._request.delete()  # what is left of it stands in the way of the next one
            elif ended is not Outcome.PREEMPTED:
                failures += 1
                if failures > self._pod.max_failures:
                    self._shell.say(f"failed {failures} times; not started again")
                    break
        if keep or ended is Outcome.UNREACHABLE:
            self._shell.say(f"{self._pod.name} is kept, and costs; `delete` ends that")
        else:
            self._request.delete()
        return _EXIT.get(ended, 1)

    def _attempt(self, command: Sequence[str]) -> Outcome:
        try:
            self._request.create()
            self._request.wait()
            self._workers.install()
            self._workers.start(command)
            return self._watch()
        except SliceGone as gone:
            if not gone.preempted:
                raise
            self._shell.say(str(gone))
            return Outcome.LOST
        except CommandFailed as error:
            self._shell.say(f"{error}\n{error.output}".rstrip())
            return Outcome.LOST if self._request.is_lost(_PATIENCE) else Outcome.UNREACHABLE

    def _watch(self) -> Outcome:
        """Shows the first host's log until all hosts have ended."""
        lines = "all"
        first_ended: float | None = None
        while True:
            self._workers.follow(lines)
            lines = "0"
            statuses = self._workers.statuses()
            if self._shell.dry_run:
                return Outcome.DONE
            ended = outcome(statuses)
            if ended is Outcome.CONFIGURATION:
                self._workers.stop()
            if ended is not None:
                return ended
            now = time.monotonic()
            if statuses[0].state == "running":
                first_ended = None  # only the connection has ended
            elif first_ended is None:
                first_ended = now
            elif now - first_ended > self._pod.grace_seconds:
                self._shell.say("some hosts have ended and others have not: stopped")
                self._workers.stop()
                return Outcome.FAILED
            time.sleep(self._poll_seconds)
