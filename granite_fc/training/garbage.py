"""Python's garbage collector, kept out of the steps."""

from __future__ import annotations

import gc
from typing import Self


class GarbageKeptOut:
    """While it is entered nothing is collected but by `collect`.

    A collection of its own takes a host out of a step for tens of milliseconds, and all others wait
    for it, each time for another one. What is there at the beginning is not looked at again.
    """

    def __init__(self) -> None:
        self._was_enabled = gc.isenabled()

    def collect(self) -> None:
        """Collects now: called by all hosts after the same steps."""
        gc.collect()

    def __enter__(self) -> Self:
        gc.collect()
        gc.freeze()
        gc.disable()
        return self

    def __exit__(self, *_: object) -> None:
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()
