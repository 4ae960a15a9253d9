"""The runs whose results several tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.multihost.launched import Launched, launch
from tests.training.small_run import write_cache

STEPS = 6
PREEMPTED_AFTER = 3


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("multihost")
    write_cache(folder / "cache")
    return folder


def whole_run(folder: Path, processes: int) -> Launched:
    """All steps, each process noting which rows it reads."""
    rows = folder / f"rows-{processes}"
    rows.mkdir()
    launched = launch(
        folder,
        processes,
        model_dir=f"whole-{processes}",
        variables={"ROWS_DIR": str(rows)},
        GENERATION_EXAMPLES=2 if processes < 4 else 0,
    )
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
    return whole_run(folder, 4)


@pytest.fixture(scope="session")
def preempted(folder: Path, two: Launched) -> Launched:
    """Two processes, of which the second is sent SIGTERM; after `two`, which has compiled."""
    return launch(
        folder, 2, model_dir="preempted", variables={"AT_STEP": f"1 {PREEMPTED_AFTER} SIGTERM"}
    )
