"""Where token caches are kept."""

from __future__ import annotations

import os
from pathlib import Path

import gin


@gin.configurable(module="granite_fc.data")
def cache_directory(cache_dir: str | None = None, model_dir: str | None = None) -> str:
    """Returns the folder of token caches.

    Args:
        cache_dir: The folder, where one is given: several runs may share it.
        model_dir: The run's folder; without `cache_dir` its caches are kept in it, so that runs
            with other settings never meet. Without either, granite_fc/cache in $XDG_CACHE_HOME, or
            else in ~/.cache.
    """
    if cache_dir:
        return os.fspath(Path(cache_dir).expanduser())
    if model_dir:
        return os.fspath(Path(model_dir).expanduser() / "cache")
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return os.fspath(Path(cache_home) / "granite_fc" / "cache")
