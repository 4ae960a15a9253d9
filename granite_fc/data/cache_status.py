"""Whether the caches that a run needs are there and still fit, found out without TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from granite_fc.data import declarations
from granite_fc.data.cache_reader import open_task
from granite_fc.data.declarations import TaskDeclaration
from granite_fc.data.fingerprint import Difference, Fingerprint
from granite_fc.data.manifest import read_manifest
from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies.vocabulary import Vocabulary

# Lines about what differs in a message.
_MOST_LINES = 5


@dataclasses.dataclass(frozen=True)
class CacheStatus:
    """How a task's cache stands.

    Attributes:
        task: The task's name.
        state: "missing", "stale" (written from something else) or "ok".
        differences: In what a stale cache differs from what is wanted.
    """

    task: str
    state: Literal["missing", "stale", "ok"]
    differences: tuple[Difference, ...] = ()


def check_task(
    cache_dir: str | Path,
    declaration: TaskDeclaration,
    vocabulary: Vocabulary,
    *,
    raw_files: bool = True,
    code: bool = True,
) -> CacheStatus:
    """Compares a task's cache with what it would be written from now.

    Args:
        cache_dir: The folder of all caches.
        declaration: The task.
        vocabulary: The vocabulary that is to be used.
        raw_files: Whether the raw files, where they are there, are compared too.
        code: Whether the Python sources that make the examples are.

    Raises:
        ConfigurationError: The cache's manifest cannot be read.
    """
    # In any case, so that settings are checked, and `config.gin` has them, before a cache is there.
    wanted = Fingerprint.of(declaration, vocabulary, raw_files=raw_files)
    manifest = read_manifest(cache_dir, declaration.name)
    if manifest is None:
        return CacheStatus(declaration.name, "missing")
    differences = tuple(
        difference
        for difference in manifest.fingerprint.differences(wanted)
        if code or difference.part != "code"
    )
    return CacheStatus(declaration.name, "stale" if differences else "ok", differences)


def missing_tasks(
    names: Iterable[str],
    cache_dir: str | Path,
    vocabulary: Vocabulary,
    *,
    raw_files: bool = True,
    code: bool = True,
) -> list[str]:
    """Returns those of the tasks that have no cache yet.

    Args:
        names: Names of declared tasks.
        cache_dir: The folder of all caches.
        vocabulary: The vocabulary that is to be used.
        raw_files: Whether the raw files of the others are compared.
        code: Whether the Python sources that made the others are.

    Raises:
        ConfigurationError: A cache is stale, and the message says in what; or raw data is absent
            that a missing one would be made from.
    """
    statuses = [
        check_task(cache_dir, declarations.task(name), vocabulary, raw_files=raw_files, code=code)
        for name in names
    ]
    stale = [status for status in statuses if status.state == "stale"]
    if stale:
        raise _stale(cache_dir, stale)
    missing = [status.task for status in statuses if status.state == "missing"]
    # Now, and not when the writer has got that far: other sources may take it minutes.
    for of_source in {declarations.task(name).source: name for name in missing}.values():
        declarations.task(of_source).data_files()
    return missing


def ensure_cache(
    names: Sequence[str],
    cache_dir: str | Path,
    vocabulary: Vocabulary,
    *,
    overwrite: bool = False,
    num_workers: int | None = None,
    beam_options: Sequence[str] | None = None,
) -> list[str]:
    """Writes the caches of those tasks that have none; with all there, TensorFlow is not loaded.

    Args:
        names: Names of declared tasks.
        cache_dir: The folder of all caches; made where it does not exist.
        vocabulary: The vocabulary.
        overwrite: Replace caches that are stale or damaged, instead of stopping at them.
        num_workers: Processes; None takes one a core.
        beam_options: Where given, Apache Beam does the work, with these pipeline options.

    Returns:
        The names of the tasks that were written.

    Raises:
        ConfigurationError: A cache is stale and `overwrite` is off, or a task cannot be written as
            it is configured.
    """
    names = list(dict.fromkeys(names))
    if overwrite:
        to_write = [name for name in names if not _is_whole(cache_dir, name, vocabulary)]
    else:
        to_write = missing_tasks(names, cache_dir, vocabulary)
    if to_write:
        from granite_fc.data.cache_writer import write_tasks  # loads TensorFlow

        write_tasks(
            to_write, cache_dir, vocabulary, num_workers=num_workers, beam_options=beam_options
        )
    return to_write


def _is_whole(cache_dir: str | Path, name: str, vocabulary: Vocabulary) -> bool:
    try:
        manifest = read_manifest(cache_dir, name)
        for split in manifest.splits if manifest else ():
            open_task(cache_dir, name, split)
        return check_task(cache_dir, declarations.task(name), vocabulary).state == "ok"
    except ConfigurationError:
        return False


def _stale(cache_dir: str | Path, stale: Sequence[CacheStatus]) -> ConfigurationError:
    first = stale[0]
    others = f", and {len(stale) - 1} more" if len(stale) > 1 else ""
    lines = [str(difference) for difference in first.differences]
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES - 1 :] = [f"and {len(lines) - _MOST_LINES + 1} more differences"]
    return ConfigurationError(
        "CACHE_DIR",
        found=f"{cache_dir}, where {first.task}{others} was written from something else",
        expected="caches of the present configuration",
        remedy="Write them again with `granite-fc cache --overwrite`, or use another CACHE_DIR. "
        "What differs:" + "".join(f"\n  {line}" for line in lines),
    )
