"""The runs whose results several tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.multihost.launched import Launched, launch
from tests.training.small_run import write_cache

STEPS = 6
PREEMPTED_AFTER = 3
# Of four hosts: neither the one that the others are connected to nor the last.
KILLED, KILLED_AFTER = 2, 4


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("multihost")
    write_cache(folder / "cache")
    return folder


def from_the_beginning(folder: Path, processes: int, at_step: str = "") -> Launched:
    """A run that is evaluated, each process noting which rows it reads."""
    rows = folder / f"rows-{processes}"
    rows.mkdir()
    return launch(
        folder,
        processes,
        model_dir=f"run-{processes}",
        variables={"ROWS_DIR": str(rows), "AT_STEP": at_step},
        EVAL_EXAMPLES=None,
        GENERATION_EXAMPLES=2,
    )


def whole_run(folder: Path, processes: int) -> Launched:
    launched = from_the_beginning(folder, processes)
    assert launched.status == 0, launched.errors
    return launched


@pytest.fixture(scope="session")
def one(folder: Path) -> Launched:
    return whole_run(folder, 1)


@pytest.fixture(scope="session")
def two(folder: Path) -> Launched:
    return whole_run(folder, 2)


@pytest.fixture(scope="session")
def four(folder: Path) -> Launched:
    """Four processes, of which one is killed when it has done some steps."""
    return from_the_beginning(folder, 4, f"{KILLED} {KILLED_AFTER} SIGKILL")


@pytest.fixture(scope="session")
def preempted(folder: Path, two: Launched) -> Launched:
    """Two processes, of which the second is sent SIGTERM; after `two`, which has compiled."""
    return launch(
        folder, 2, model_dir="preempted", variables={"AT_STEP": f"1 {PREEMPTED_AFTER} SIGTERM"}
    )
