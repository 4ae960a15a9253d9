"""Where raw data is read from and where prepared data is kept."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import gin


@dataclasses.dataclass(frozen=True)
class SourceLocations:
    """Two directories.

    Attributes:
        data_dir: Has one folder for each public data set; None if not configured, which suffices
            for generated data.
        prepared_dir: Where the episodes are kept that were made from them.
    """

    data_dir: Path | None
    prepared_dir: Path


@gin.configurable(module="tasks.sources")
def source_locations(
    data_dir: str | None = None, prepared_dir: str | None = None
) -> SourceLocations:
    """Returns where data is.

    Args:
        data_dir: A directory with a clone of each public data set that is used; see
            `tasks.sources.registry` for their names.
        prepared_dir: Where prepared episodes are kept and looked for. By default
            granite_fc/episodes in $XDG_CACHE_HOME, else in ~/.cache; never in `data_dir`, which may
            be read-only.
    """
    if not prepared_dir:
        cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        prepared_dir = os.fspath(Path(cache_home) / "granite_fc" / "episodes")
    return SourceLocations(
        data_dir=Path(data_dir).expanduser() if data_dir else None,
        prepared_dir=Path(prepared_dir).expanduser(),
    )
