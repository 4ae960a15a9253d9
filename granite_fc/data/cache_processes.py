"""The processes among which the cache writer divides its units."""

from __future__ import annotations

import concurrent.futures
import importlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import gin

from granite_fc.data import declarations
from granite_fc.data.cache_units import Unit, UnitWriter
from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies.vocabulary import Vocabulary

_SECONDS_BETWEEN_POLLS = 0.2


def write_units(
    units: Sequence[Unit],
    cache_dir: str | Path,
    vocabulary: Vocabulary,
    num_workers: int,
    report: Callable[[int, int], None],
) -> Iterator[Unit]:
    """Writes units in several processes and yields each one that is finished.

    Args:
        units: What to write.
        cache_dir: The folder of all caches.
        vocabulary: The vocabulary.
        num_workers: Number of processes; with one, the present process does the work.
        report: Told now and then how many examples and tokens were written since the last time.

    Raises:
        ConfigurationError: A task cannot make examples as it is configured.
        RuntimeError: A process died, as one does that is out of memory.
    """
    if num_workers == 1 or len(units) == 1:
        writer = UnitWriter(cache_dir, vocabulary)
        for unit in units:
            writer.write(unit, report)
            yield unit
        return
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    if method == "forkserver":
        # TensorFlow is then loaded once, and shared by all workers.
        context.set_forkserver_preload([__name__])
    reports, stop = context.SimpleQueue(), context.Event()
    setup = (cache_dir, vocabulary, declarations.seqio_modules(), gin.config_str(), reports, stop)
    executor = concurrent.futures.ProcessPoolExecutor(
        min(num_workers, len(units)), context, initializer=_begin, initargs=setup
    )
    try:
        waiting: dict[concurrent.futures.Future, Unit] = {
            executor.submit(_write, unit): unit for unit in units
        }
        while waiting:
            done, _ = concurrent.futures.wait(
                waiting, _SECONDS_BETWEEN_POLLS, concurrent.futures.FIRST_COMPLETED
            )
            while not reports.empty():
                report(*reports.get())
            for future in done:
                unit = waiting.pop(future)
                problem = future.result()
                if problem is not None:
                    raise ConfigurationError(problem.pop("key"), **problem)
                yield unit
    except BrokenProcessPool as error:
        raise RuntimeError(
            "a process that wrote the cache died, perhaps for lack of memory; "
            "what is finished is kept, and fewer processes need less (--num_workers)"
        ) from error
    finally:
        stop.set()
        executor.shutdown(cancel_futures=True)


class _Stopped(Exception):
    """The parent wants no more."""


class _Worker:
    """What one process holds."""

    def __init__(
        self, cache_dir: str | Path, vocabulary: Vocabulary, reports: Any, stop: Any
    ) -> None:
        self._writer = UnitWriter(cache_dir, vocabulary)
        self._reports = reports
        self._stop = stop

    def write(self, unit: Unit) -> dict[str, Any] | None:
        try:
            self._writer.write(unit, self._report)
        except ConfigurationError as error:
            return {
                "key": error.key,
                "found": error.found,
                "expected": error.expected,
                "remedy": error.remedy,
            }
        return None

    def _report(self, examples: int, tokens: int) -> None:
        if self._stop.is_set():
            raise _Stopped
        self._reports.put((examples, tokens))


_worker: _Worker | None = None


def _begin(
    cache_dir: str | Path,
    vocabulary: Vocabulary,
    modules: tuple[str, ...],
    gin_config: str,
    reports: Any,
    stop: Any,
) -> None:
    global _worker
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to stop
    # The same order as in the parent: gin files first, which import the tasks package.
    gin.parse_config(gin_config)
    for module in modules:
        importlib.import_module(module)
    _worker = _Worker(cache_dir, vocabulary, reports, stop)


def _write(unit: Unit) -> dict[str, Any] | None:
    assert _worker is not None
    return _worker.write(unit)


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)
