"""What the processes of these tests do besides training: note which rows they read, and stop.

Environment variables ask for it:
    ROWS_DIR       a folder where each host writes the (step, row) pairs that it reads
    AT_STEP        "HOST STEP SIGNAL": that host sends itself that signal after that step, or fails
                   where SIGNAL is "error"
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import gin
import jax

from granite_fc.data.batches import Batches
from granite_fc.training.preemption import PreemptionWatch
from tests.training.small_run import Bytes

# tensorboardX would load it, which takes seconds, and needs nothing of it.
sys.modules["torch"] = None  # type: ignore[assignment]

gin.external_configurable(Bytes, "small_vocabulary", module="tests.multihost")

_batch, _stops_at = Batches.batch, PreemptionWatch.stops_at


def _note_rows(self: Batches, step: int, rows: Any = None) -> Any:
    if folder := os.environ.get("ROWS_DIR"):
        wanted = list(range(self.batch_size) if rows is None else rows)
        with (Path(folder) / f"{jax.process_index()}.jsonl").open("a") as file:
            file.writelines(json.dumps([step, row]) + "\n" for row in wanted)
    return _batch(self, step, rows)


def _signal_and_ask(self: PreemptionWatch, step: int) -> bool:
    if asked := os.environ.get("AT_STEP"):
        host, at, name = asked.split()
        if (int(host), int(at)) == (jax.process_index(), step):
            if name == "error":
                raise OSError("no space left")
            os.kill(os.getpid(), getattr(signal, name))
        if name == "SIGTERM" and step >= int(at):
            time.sleep(1)  # So tiny a run would else be over before the other host has heard of it.
    return _stops_at(self, step)


Batches.batch = _note_rows  # type: ignore[method-assign]
PreemptionWatch.stops_at = _signal_and_ask  # type: ignore[method-assign]
