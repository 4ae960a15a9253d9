"""Compiled programs kept on disk, so that a restart does not compile them again."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Self

import jax

from granite_fc.errors import ConfigurationError

AUTO = "auto"
_HIT = "/jax/compilation_cache/cache_hits"


def use_compilation_cache(directory: str | None, model_dir: Path) -> Path | None:
    """Lets JAX keep compiled programs; called when the devices are known, before compiling.

    Several hosts may share the folder, and should: host 0 alone writes, all read.

    Args:
        directory: Where; None leaves JAX as it is set. `"auto"` is `compilation_cache` in
            `model_dir`, which all hosts see, on TPUs and GPUs. On CPU it is nothing: programs
            compile in seconds, and code made for one machine may not run on the next.
            JAX_COMPILATION_CACHE_DIR, where it is set, goes before `"auto"`.
        model_dir: The run's folder.

    Returns:
        The folder in use.

    Raises:
        ConfigurationError: Others could put programs there, which this one would run.
    """
    if directory is None:
        return None
    if directory == AUTO:
        if already := jax.config.values["jax_compilation_cache_dir"]:
            return Path(already)
        if jax.default_backend() == "cpu":
            return None
    folder = model_dir / "compilation_cache" if directory == AUTO else Path(directory).expanduser()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.getuid() or found.st_mode & stat.S_IWOTH:
        raise ConfigurationError(
            "COMPILATION_CACHE_DIR",
            found=f"{folder}, which other users may write to",
            expected="a folder of this user's own: what is in it is run as code",
            remedy="Give another, or None.",
        )
    jax.config.update("jax_compilation_cache_dir", str(folder))
    return folder


class CacheHits:
    """Counts, while it is entered, the programs that were read instead of compiled.

    Attributes:
        count: How many so far.
    """

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Self:
        jax.monitoring.register_event_listener(self._notice)
        return self

    def __exit__(self, *_: object) -> None:
        jax.monitoring.unregister_event_listener(self._notice)

    def _notice(self, event: str, **_: object) -> None:
        self.count += event == _HIT
