"""How fast a run is, and what it waits for."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from granite_fc.training.mfu import ModelFlops


class Pace:
    """Measures the steps between two log entries; evaluation and saving are taken out.

    Args:
        flops: FLOPs of the model.
        num_devices: Devices of the mesh.
        peak: FLOP/s of one device, or None where unknown: then no MFU is given.
    """

    def __init__(self, flops: ModelFlops, num_devices: int, peak: float | None) -> None:
        self._flops = flops
        self._peak = None if peak is None else peak * num_devices
        self._begun = time.perf_counter()
        self._paused = 0.0
        self._waited = 0.0

    def restart(self) -> None:
        """Begins a lap now."""
        self._begun, self._paused = time.perf_counter(), 0.0

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Time inside is not counted as training."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._paused += time.perf_counter() - begun

    def lap(
        self, steps: int, tokens: float, attended: float, positions: int, waited: float
    ) -> dict[str, float]:
        """Returns the timings since the last lap and begins the next.

        Args:
            steps: Steps done in it.
            tokens: Positions that hold an example, in all of them.
            attended: Attended pairs, in all of them.
            positions: Positions of one batch.
            waited: Seconds waited for data since the beginning of the run.
        """
        now = time.perf_counter()
        seconds = max(now - self._begun - self._paused, 1e-9)
        scalars = {
            "timing/step_seconds": seconds / steps,
            "timing/data_wait_seconds": (waited - self._waited) / steps,
            "timing/tokens_per_second": tokens / seconds,
            "timing/steps_per_second": steps / seconds,
            "packing/filled": tokens / (steps * positions),
        }
        if self._peak is not None:
            flops = self._flops.total(tokens, attended)
            scalars["timing/mfu"] = flops / (seconds * self._peak)
        self._begun, self._paused, self._waited = now, 0.0, waited
        return scalars
