"""What a run tells: scalars and files from one host, lines on its terminal, a log of each host."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import gin

from granite_fc.evaluation.goodput_table import describe_goodput
from granite_fc.sharding.model_info import write_model_info
from granite_fc.training.goodput import Goodput
from granite_fc.training.host_log import HostLog
from granite_fc.training.hosts import Hosts
from granite_fc.training.metrics_writer import MetricsWriter
from granite_fc.training.mfu import FORMULA
from granite_fc.training.programs import Programs
from granite_fc.training.progress import TrainingProgress
from granite_fc.training.run_data import RunData


class Recorder:
    """Records a run; as a context manager it closes the files.

    Args:
        model_dir: The run's folder.
        hosts: The hosts; the first writes what one writes.
        clock: Counts where the time goes.
        first_step: Steps done when the program started.
        total: Steps in all.

    Attributes:
        progress: What the terminal shows.
    """

    def __init__(
        self, model_dir: Path, hosts: Hosts, clock: Goodput, *, first_step: int, total: int
    ) -> None:
        self._model_dir = model_dir
        self._leader = hosts.is_leader
        self._clock = clock
        self._first_step = first_step
        self._writer = MetricsWriter(model_dir, resume_step=first_step, enabled=self._leader)
        self._host_log = HostLog(model_dir, hosts)
        self.progress = TrainingProgress(total, done=first_step, enabled=self._leader)
        self._open = contextlib.ExitStack()

    def say(self, text: str) -> None:
        """Prints a line, and adds it to this host's log."""
        self.progress.say(text)
        self._host_log.say(text)

    def scalars(self, step: int, scalars: Mapping[str, float]) -> None:
        """Writes scalars of the training itself."""
        self._writer.write(step, {"train": scalars})

    def evaluation(self, step: int, scalars_of: Mapping[str, Mapping[str, float]]) -> None:
        """Writes what an evaluation found; see `MetricsWriter.write`."""
        self._writer.write(step, scalars_of)

    def begin(self, programs: Programs, data: RunData, peak: float | None) -> None:
        """Writes `config.gin` and `model-info.txt`, and says how the run begins.

        Args:
            programs: What is computed.
            data: What is read.
            peak: FLOP/s of one device, or None where unknown.
        """
        config = gin.operative_config_str()
        if self._leader:
            write_model_info(self._model_dir, programs.layout.info())
            (self._model_dir / "config.gin").write_text(config, encoding="utf-8")
        self._writer.text("train", "config", config)
        left_out = {f"data/too_long/{name}": float(count) for name, count in data.too_long.items()}
        left_out["data/too_long"] = float(sum(data.too_long.values()))
        self.scalars(self._first_step, left_out)
        spread = " x ".join(f"{axis} {size}" for axis, size in programs.layout.mesh_shape.items())
        kind = programs.mesh.devices.flat[0].device_kind
        self.say(f"mesh {spread} of {kind}; {len(data.tasks)} tasks")
        recipe = programs.recipe
        if recipe.held:
            self.say(f"frozen: {', '.join(sorted(recipe.held))}")
        if recipe.optimizer.ema is not None and recipe.optimizer.ema.evaluate:
            self.say(f"evaluations are of the parameters' average, ema.decay {recipe.ema_decay:g}")
        if peak is None:
            self.say(f"No MFU is given: the peak of {kind} devices is not known.")
        else:
            self.say(f"{FORMULA}; peak = {peak:.4g} FLOP/s")
        self.say(
            f"going on from the checkpoint at step {self._first_step}"
            if self._first_step
            else f"starting in {self._model_dir}"
        )

    def compiled(self, seconds: float, hits: int) -> None:
        """Tells that the training step is there.

        Args:
            seconds: What that took.
            hits: Programs that were read from the compilation cache.
        """
        timings = {"timing/compile_seconds": seconds, "timing/compilation_cache_hits": float(hits)}
        self.scalars(self._first_step, timings)
        self.say(f"{'read' if hits else 'compiled'} the training step in {seconds:.1f} s")
        self.progress.start()

    def log(self, step: int, scalars: Mapping[str, float], timings: Mapping[str, float]) -> None:
        """Writes a log entry.

        Args:
            step: Steps done.
            scalars: What was measured, the same on all hosts.
            timings: This host's.
        """
        self.scalars(step, {**scalars, **timings, **self._clock.scalars()})
        self._host_log.entry(step, timings)
        self.progress.log({**scalars, **timings})

    def saved(self, step: int) -> None:
        """Notes what time was spent before a checkpoint: the rest is lost if the run dies."""
        self.scalars(step, self._clock.scalars())

    def goodput(self, step: int) -> None:
        """Writes and says where the time went."""
        scalars = self._clock.scalars()
        self.scalars(step, scalars)
        self.say(describe_goodput(scalars))

    def __enter__(self) -> Self:
        self._open.enter_context(self._writer)
        self._open.enter_context(self.progress)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
