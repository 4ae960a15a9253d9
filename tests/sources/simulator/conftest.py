from __future__ import annotations

import pytest

from tasks.sources.simulator.episodes import Draft, generate_drafts

SEED = 7


@pytest.fixture(scope="session")
def train() -> list[Draft]:
    return list(generate_drafts(SEED, "train", 0, 6000))


@pytest.fixture(scope="session")
def validation() -> list[Draft]:
    return list(generate_drafts(SEED, "validation", 0, 3000))


@pytest.fixture(scope="session")
def drafts(train, validation) -> list[tuple[str, Draft]]:
    return [("train", draft) for draft in train] + [("validation", draft) for draft in validation]
