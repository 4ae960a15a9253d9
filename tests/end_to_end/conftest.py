"""One tiny quickstart, whose caches all other tests read."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path

import gin
import pytest

from granite_fc import configuration
from tests.end_to_end.command import QUICKSTART, TINY, arguments, granite_fc


@dataclasses.dataclass(frozen=True)
class Quickstart:
    """A finished run.

    Attributes:
        process: The process that made it.
        cwd: The folder that it was called from, empty before.
        home: The user's home folder, named as `~` on the command line.
    """

    process: subprocess.CompletedProcess[str]
    cwd: Path
    home: Path

    @property
    def model_dir(self) -> Path:
        return self.home / "run"

    @property
    def cache(self) -> Path:
        return self.model_dir / "cache"


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Quickstart:
    home, cwd = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("empty")
    process = granite_fc(*arguments("train", MODEL_DIR="~/run"), cwd=cwd, home=home)
    assert process.returncode == 0, process.stderr
    return Quickstart(process, cwd, home)


@pytest.fixture
def parsed(quickstart: Quickstart, monkeypatch: pytest.MonkeyPatch) -> Iterator[Quickstart]:
    """The quickstart's configuration in this process."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(quickstart.home / ".cache"))
    settings = {**TINY, "MODEL_DIR": str(quickstart.model_dir)}
    configuration.parse(
        [QUICKSTART.partition("=")[2]], [(name, str(value)) for name, value in settings.items()]
    )
    yield quickstart
    gin.clear_config()
