"""Scalars to TensorBoard event files and to `metrics.jsonl`."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter


METRICS = "metrics.jsonl"


class MetricsWriter:
    """Writes the scalars of a run; on all hosts but one it does nothing.

    A line of `metrics.jsonl` is `{"run": RUN, "step": STEP, NAME: VALUE, ...}`, with null for what
    is not finite; RUN is also the directory of the event files: `train`, `training_eval/<task>`.

    Args:
        model_dir: The run's directory.
        resume_step: Steps done already. What an earlier process wrote for later steps, after its
            last checkpoint, is dropped.
        enabled: Whether this host writes.
    """

    def __init__(
        self, model_dir: str | Path, *, resume_step: int = 0, enabled: bool = True
    ) -> None:
        self._dir = Path(model_dir)
        self._resume_step = resume_step
        self._enabled = enabled
        self._events: dict[str, SummaryWriter] = {}
        self._path = self._dir / METRICS
        if enabled:
            self._dir.mkdir(parents=True, exist_ok=True)
            _drop_later(self._path, resume_step)

    def write(self, step: int, scalars_of: Mapping[str, Mapping[str, float]]) -> None:
        """Writes what was measured at one time.

        Args:
            step: Steps done.
            scalars_of: RUN to name to value.
        """
        if not self._enabled:
            return
        # All at once: each time that a bucket's file is appended to makes a new version of it.
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(_line(run, step, each) for run, each in scalars_of.items()))
        for run, scalars in scalars_of.items():
            events = self._open(run)
            for name, value in scalars.items():
                events.add_scalar(name, value, step)
            events.flush()

    def text(self, run: str, name: str, text: str) -> None:
        """Writes a text, shown verbatim, to a run's event files."""
        if self._enabled:
            indented = "\n".join(f"    {line}" for line in text.splitlines())
            self._open(run).add_text(name, indented, self._resume_step)

    def _open(self, run: str) -> SummaryWriter:
        if run not in self._events:
            # Where torch is installed it is loaded too, which takes seconds: only who writes pays.
            from tensorboardX import SummaryWriter

            # Files are named after the second and the host: a quick restart would overwrite one.
            self._events[run] = SummaryWriter(
                str(self._dir / run),
                purge_step=self._resume_step + 1,
                filename_suffix=f".{os.getpid()}.{self._resume_step}",
            )
        return self._events[run]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for events in self._events.values():
            events.close()


def _line(run: str, step: int, scalars: Mapping[str, float]) -> str:
    finite = {name: value if math.isfinite(value) else None for name, value in scalars.items()}
    return json.dumps({"run": run, "step": step, **finite}) + "\n"


def _drop_later(path: Path, step: int) -> None:
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except json.JSONDecodeError:
            # The process before ended in the middle of this line.
            continue
    temporary = path.with_suffix(".tmp")
    temporary.write_text("".join(kept), encoding="utf-8")
    os.replace(temporary, path)
