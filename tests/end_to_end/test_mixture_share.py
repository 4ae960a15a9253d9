"""All sources together are drawn at the rates that gin gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import gin
import numpy as np
import pytest

from granite_fc import configuration
from granite_fc.data import declarations
from granite_fc.data.batches import Batches, MixtureComponent
from granite_fc.data.examples import TokenizedExample

DRAWS = 100_000


@dataclasses.dataclass(frozen=True)
class LengthsAlone:
    """Stands in for a task of which nothing is read; examples differ widely in length."""

    name: str
    subtask: str
    lengths: np.ndarray

    def fetch(self, indices: Sequence[int]) -> list[TokenizedExample]:
        raise AssertionError("counting reads no example")


@pytest.mark.parametrize(
    "subtask_rates",
    [
        None,
        {"nested_calls": 5.0, "parallel_calls": 0.5, "name_detection": 1.0},
    ],
)
def test_realised_shares_are_within_one_percent(subtask_rates: dict | None) -> None:
    overrides = {"MODEL_DIR": "unused", "DATA_DIR": "unused"}
    if subtask_rates:
        overrides["mixture_rates.subtasks"] = str(subtask_rates)
    configuration.parse(["runs/real_data.gin"], list(overrides.items()))
    rates = declarations.mixture_rates("granite_fc")
    generator = np.random.default_rng(0)
    components = []
    for number, (name, rate) in enumerate(rates.items()):
        mean, count = generator.integers(50, 900), generator.integers(300, 30_000)
        lengths = np.clip(generator.exponential(mean, count), 2, 1024).astype(np.uint32)
        subtask = declarations.task(name).subtask
        components.append(MixtureComponent(LengthsAlone(name, subtask, lengths), rate, number))
    batches = Batches(components, sequence_length=1024, batch_size=64, seed=1)
    gin.clear_config()

    step = 1
    while sum(counts.examples for counts in batches.counts(step).values()) < DRAWS:
        step += 64
    counts = batches.counts(step)
    total = sum(each.examples for each in counts.values())
    assert total < 1.2 * DRAWS
    by_subtask: dict[str, np.ndarray] = {}
    for name, rate in rates.items():
        pair = np.array([counts[name].examples / total, rate / sum(rates.values())])
        assert abs(pair[0] / pair[1] - 1) < 0.01, name
        subtask = declarations.task(name).subtask
        by_subtask[subtask] = by_subtask.get(subtask, 0.0) + pair
    assert set(by_subtask) == set(subtask_rates or by_subtask)
    for subtask, (found, expected) in by_subtask.items():
        assert abs(found / expected - 1) < 0.01, subtask
