"""Goodput: the share of wall time that went into training steps, and where the rest went.

Counted over all starts of a run, from what `metrics.jsonl` says of the earlier ones. What the kinds
of time mean stands in `granite_fc.evaluation.goodput_table`.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from granite_fc.evaluation.goodput_table import DEFINITIONS, PREFIX, SHARE, STEPS, seconds_of


class Goodput:
    """A clock that is always in one kind of time; it begins with `start_up`.

    Changing the kind costs under a microsecond, and no step changes it.

    Args:
        started: When the program started, by `time.monotonic`; now where None.
    """

    def __init__(self, started: float | None = None) -> None:
        self._kind = "start_up"
        self._since = time.monotonic() if started is None else started
        self._seconds = dict.fromkeys(DEFINITIONS, 0.0)
        self._starts = 1

    def go_on(self, metrics: Path, step: int) -> None:
        """Adds what earlier starts of the run took.

        Args:
            metrics: The run's `metrics.jsonl`, before what is later than the checkpoint is dropped.
            step: The step of the checkpoint that this start goes on from: what earlier starts did
                after it counts as lost.
        """
        last: Mapping[str, float] = {}
        at_checkpoint: Mapping[str, float] = {}
        for line in _lines_with_goodput(metrics):
            last = line
            if line["step"] <= step:
                at_checkpoint = line
        if not last:
            return
        earlier = seconds_of(last)
        lost = earlier[STEPS] - seconds_of(at_checkpoint).get(STEPS, 0.0)
        earlier[STEPS] -= lost
        earlier["lost_steps"] += lost
        for kind, seconds in earlier.items():
            self._seconds[kind] += seconds
        self._starts += round(last[f"{PREFIX}starts"])

    def enter(self, kind: str) -> None:
        """From now on time is of this kind."""
        now = time.monotonic()
        self._seconds[self._kind] += now - self._since
        self._kind, self._since = kind, now

    @contextlib.contextmanager
    def inside(self, kind: str) -> Iterator[None]:
        """Time inside is of this kind; afterwards it is of the kind before."""
        before = self._kind
        self.enter(kind)
        try:
            yield
        finally:
            self.enter(before)

    def waited(self, seconds: float) -> None:
        """Counts seconds in steps as waiting for data."""
        self._seconds[STEPS] -= seconds
        self._seconds["data_wait"] += seconds

    def scalars(self) -> dict[str, float]:
        """Returns the share of steps, the seconds of every kind, and the number of starts."""
        self.enter(self._kind)
        total = sum(self._seconds.values())
        return {
            SHARE: self._seconds[STEPS] / total if total else 0.0,
            **{f"{PREFIX}{kind}_seconds": value for kind, value in self._seconds.items()},
            f"{PREFIX}starts": float(self._starts),
        }


def start_of_program() -> float:
    """Returns when this process started, by `time.monotonic`; now where that cannot be told."""
    try:
        # The name of the program, in parentheses, may hold spaces; the start is field 22.
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, IndexError, ValueError):
        age = 0.0
    return time.monotonic() - age


def _lines_with_goodput(metrics: Path) -> Iterator[dict[str, float]]:
    if not metrics.exists():
        return
    with metrics.open(encoding="utf-8") as file:
        for text in file:
            try:
                line = json.loads(text)
            except json.JSONDecodeError:  # The process before ended in the middle of this line.
                continue
            if SHARE in line:
                yield line
