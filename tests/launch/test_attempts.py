"""Which ends of an attempt count as failures, what is lost, and where the log goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from launch.pods import attempts
from launch.pods.attempts import Attempts
from launch.pods.pod import Pod, TpuVm
from launch.pods.queued_resource import QueuedResource, SliceGone
from launch.pods.shell import Answer, CommandFailed, Shell
from launch.pods.workers import Status

MINUTE = 60
UNREACHED = None


class Request:
    """Slices that are there all the time."""

    def create(self) -> None: ...

    def wait(self) -> None: ...

    def delete(self) -> None: ...

    def is_lost(self, patience: int) -> bool:
        return False


class Workers:
    """Hosts of which each following of the log takes some minutes and ends in some way."""

    def __init__(self, *ends: tuple[int, str | int | None]) -> None:
        self.ends = list(ends)
        self.now = 0.0
        self.calls: list[str] = []

    def install(self) -> None: ...

    def start(self, arguments: list[str]) -> None:
        self.calls.append("start")

    def follow(self, lines: str) -> int:
        self.calls.append(lines)
        return 3

    def statuses(self) -> list[Status]:
        minutes, end = self.ends.pop(0)
        self.now += minutes * MINUTE
        if end is UNREACHED:
            raise CommandFailed(["ssh"], 255)
        if isinstance(end, str):
            return [Status("w-0", end, None, False)]
        return [Status("w-0", "ended", end, False)]


def run(monkeypatch: pytest.MonkeyPatch, workers: Any, *, max_failures: int = 1) -> int:
    monkeypatch.setattr(attempts.time, "monotonic", lambda: workers.now)
    monkeypatch.setattr(attempts.time, "sleep", lambda seconds: None)
    request: Any = Request()
    pod = Pod("granite-20b", max_failures=max_failures)
    made = Attempts(pod, request, workers, Shell(), poll_seconds=30)
    return made.run(["train"], keep=False)


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        ([(5, 1), (5, 1)], 1),
        ([(5, 1), (61, 1), (5, 0)], 0),
        ([(5, 1), (61, 1), (5, 1)], 1),
        ([(5, 42), (5, 42), (5, 42), (5, 0)], 0),
        ([(5, 43), (5, 43)], 1),  # the slices are there: that host may have crashed by itself
    ],
)
def test_failures_count_until_a_run_has_made_progress(
    monkeypatch: pytest.MonkeyPatch, ends: list[tuple[int, int]], status: int
) -> None:
    workers = Workers(*ends)
    assert run(monkeypatch, workers) == status
    assert not workers.ends


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        ([UNREACHED, "running", UNREACHED, "running", UNREACHED, 0], 0),
        ([UNREACHED, UNREACHED], 1),  # kept: the run may be going on
        ([UNREACHED, 1, 0], 0),
    ],
)
def test_a_connection_that_comes_back_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ends: list[str | int | None],
    status: int,
) -> None:
    workers = Workers(*((5, end) for end in ends))
    assert run(monkeypatch, workers) == status
    assert not workers.ends
    assert ("kept, and costs" in capsys.readouterr().out) is (status == 1)


def test_the_log_goes_on_where_it_was_left(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = Workers((5, "running"), (5, UNREACHED), (5, "running"), (5, 42), (5, 0))
    assert run(monkeypatch, workers) == 0
    assert workers.calls == ["start", "all", "+3", "start", "+6", "+9", "start", "all"]


class Cloud(Shell):
    """Answers what gcloud is asked for: the request, then each node."""

    def __init__(self, request: dict[str, str], *nodes: str) -> None:
        super().__init__()
        self.answers = [{"state": request}, *({"state": state} for state in nodes)]

    def ask(self, command: Sequence[str], *, quiet: bool = False) -> Answer:
        return Answer(0, json.dumps(self.answers.pop(0)), "")


@pytest.mark.parametrize(
    ("request_state", "nodes", "lost"),
    [
        ({"state": "ACTIVE", "stateInitiator": "USER"}, ["READY", "READY"], False),
        ({"state": "ACTIVE"}, ["READY", "PREEMPTED"], True),
        ({"state": "SUSPENDED", "stateInitiator": "SERVICE"}, [], True),
        ({"state": "WAITING_FOR_RESOURCES"}, [], False),  # its nodes are still to come
        ({"state": "SUSPENDED", "stateInitiator": "USER"}, [], None),
    ],
)
def test_what_is_lost(request_state: dict[str, str], nodes: list[str], lost: bool | None) -> None:
    settings = TpuVm("project", "zone", "granite-fc")
    pod = Pod("granite-20b", "v5e:4x4", num_slices=2, tpu_vm=settings)
    cloud = Cloud(request_state, *nodes)
    request = QueuedResource(pod, settings, cloud, poll_seconds=0)
    if lost is None:
        with pytest.raises(SliceGone, match="deleted by somebody"):
            request.is_lost(1)
    else:
        assert request.is_lost(1) is lost
    assert not cloud.answers
