"""Keeps a run going over preemptions and failures, until it has ended for good."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Sequence

from launch.pods.pod import Pod
from launch.pods.queued_resource import QueuedResource, SliceGone
from launch.pods.shell import CommandFailed, Shell
from launch.pods.workers import Status, Workers

PREEMPTED = 42
# Of hosts that lost another one without a word from it: granite_fc/training/host_line.py.
LOST_HOST = 43
_CONFIGURATION_ERROR = 2

# How often the cloud is asked whether a slice that cannot be reached was taken away.
_PATIENCE = 10
# The same where all hosts answered, of which one was lost.
_LITTLE_PATIENCE = 2
# How often the cloud is asked to do what it refuses, once there were slices.
_TRIES = 5
# A run that failed after so long has made progress, and its earlier failures count no more.
_PROGRESS_SECONDS = 3600


class Outcome(enum.Enum):
    """How one attempt ended."""

    DONE = "done"
    CONFIGURATION = "the configuration is wrong"
    STOPPED = "stopped, as asked"
    PREEMPTED = "preempted after a checkpoint"
    LOST = "the slices were taken away"
    LOST_HOST = "a host was lost"
    FAILED = "failed"
    UNREACHABLE = "cannot be reached, or a command failed there"


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
    if PREEMPTED in exits:
        return Outcome.PREEMPTED
    # A host that crashed by itself has a status of its own; one that rebooted has none.
    return (
        Outcome.LOST_HOST if LOST_HOST in exits and exits <= {LOST_HOST, None} else Outcome.FAILED
    )


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
        self._failures = 0
        self._started = 0.0
        # Attempts in a row that did not reach the hosts, and lines of the log that were shown.
        self._unreached = 0
        self._shown = 0

    def run(self, command: Sequence[str], *, keep: bool) -> int:
        """Runs `granite-fc` with the arguments to its end, and deletes the slices.

        They are kept where they can no longer be reached: the run may well be going on.

        Args:
            command: Its arguments, the same for every attempt: a run resumes from its checkpoints.
            keep: Leave the slices there in any case.

        Returns:
            The exit status: granite-fc's own, 1 where it failed too often.

        Raises:
            CommandFailed: The slices were refused, or could not be deleted.
            SliceGone: They will not come, or somebody has deleted them.
        """
        self._request.create()
        try:
            ended = self._last(command)
        except SliceGone:
            self._delete()  # a request that has failed uses quota as long as it is there
            raise
        except Exception:
            self._shell.say(f"{self._pod.name} may be there, and cost; `delete` ends that")
            raise
        if not self._shell.dry_run and (keep or ended is Outcome.UNREACHABLE):
            self._shell.say(f"{self._pod.name} is kept, and costs; `delete` ends that")
        else:
            self._delete()
        return _EXIT.get(ended, 1)

    def _last(self, command: Sequence[str]) -> Outcome:
        """Makes attempts until one ends it all; returns how."""
        while True:
            ended = self._attempt(command)
            if self._shell.dry_run:
                return Outcome.DONE
            self._shell.say(f"{self._pod.name}: {ended.value}")
            if ended is Outcome.LOST_HOST and self._request.is_lost(_LITTLE_PATIENCE):
                ended = Outcome.LOST
            if ended is Outcome.LOST:
                self._delete()  # what is left of it stands in the way of the next one
            if ended in _EXIT or not self._may_try_again(ended):
                return ended
            if ended is not Outcome.UNREACHABLE:
                self._shown = 0
                self._persist(self._request.create, "could not be asked for")

    def _may_try_again(self, ended: Outcome) -> bool:
        if ended in (Outcome.PREEMPTED, Outcome.LOST):
            return True
        if ended is Outcome.UNREACHABLE:
            self._unreached += 1
            if self._unreached <= self._pod.max_failures:
                return True
            self._shell.say(f"not reached {self._unreached} times in a row; not tried again")
            return False
        ran = time.monotonic() - self._started
        self._failures = 1 if ran > _PROGRESS_SECONDS else self._failures + 1
        if self._failures <= self._pod.max_failures:
            return True
        self._shell.say(f"failed {self._failures} times; not started again")
        return False

    def _attempt(self, command: Sequence[str]) -> Outcome:
        try:
            self._request.wait()
        except SliceGone as gone:
            if not gone.preempted:
                raise
            self._shell.say(str(gone))
            return Outcome.LOST
        try:
            self._workers.install()
            self._workers.start(command)
            self._started = time.monotonic()
            return self._watch()
        except CommandFailed as error:
            self._shell.say(f"{error}\n{error.output}".rstrip())
            return Outcome.LOST if self._request.is_lost(_PATIENCE) else Outcome.UNREACHABLE

    def _watch(self) -> Outcome:
        """Shows the first host's log until all hosts have ended."""
        first_ended: float | None = None
        while True:
            self._shown += self._workers.follow(f"+{self._shown}" if self._shown else "all")
            statuses = self._workers.statuses()
            if self._shell.dry_run:
                return Outcome.DONE
            self._unreached = 0
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

    def _delete(self) -> None:
        self._persist(self._request.delete, "could not be deleted, and may still cost")

    def _persist(self, act: Callable[[], None], otherwise: str) -> None:
        """Calls the cloud again when it refuses, a few times, and says so."""
        for attempt in range(1, _TRIES + 1):
            try:
                return act()
            except CommandFailed as error:
                self._shell.say(f"{error}\n{error.output}".rstrip())
                self._shell.say(f"{self._pod.name} {otherwise}")
                if attempt == _TRIES:
                    raise
            time.sleep(self._poll_seconds)
