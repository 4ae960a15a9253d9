"""How far the cache writer is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 10.0


class CacheProgress:
    """Reports on the writing of caches; a context manager.

    Attributes:
        examples: Examples written so far.
        tokens: Their tokens.
    """

    def __init__(self, num_tasks: int, num_shards: int, stream: TextIO | None = None) -> None:
        """Begins at nothing.

        Args:
            num_tasks: Number of tasks that are written.
            num_shards: Number of shards that are written.
            stream: Where to report; None is standard error.
        """
        self._stream = sys.stderr if stream is None else stream
        self._num_tasks = num_tasks
        self._num_shards = num_shards
        self._shards = 0
        self.examples = 0
        self.tokens = 0
        self._start = self._last_line = time.monotonic()
        self._bar: Progress | None = None
        if self._stream.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[state]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=Console(file=self._stream),
                transient=True,
            )
            self._row = self._bar.add_task("tokenising", total=num_shards, state="")

    def __enter__(self) -> CacheProgress:
        if self._bar is not None:
            self._bar.start()
        else:
            self._print(f"cache: {self._num_tasks} tasks, {self._num_shards} shards to write")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def add(self, examples: int, tokens: int, shards: int = 0) -> None:
        """Notes what was written since the last call."""
        self.examples += examples
        self.tokens += tokens
        self._shards += shards
        if self._bar is not None:
            self._bar.update(self._row, completed=self._shards, state=self._state())
        elif time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            self._print(f"cache: {self._shards}/{self._num_shards} shards, {self._state()}")

    def finish(self) -> None:
        """Says what was written."""
        message = f"cache: wrote {self._num_tasks} tasks, {self._state()}"
        self._print(f"{message}, {time.monotonic() - self._start:.0f} s")

    def _state(self) -> str:
        seconds = max(time.monotonic() - self._start, 1e-3)
        return (
            f"{self.examples:,} examples, {self.tokens / 1e6:.1f}M tokens, "
            f"{self.tokens / seconds / 1e6:.2f}M tokens/s"
        )

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
