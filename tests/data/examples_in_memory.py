"""Tokenised examples held in memory, for tests that need no cache."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from granite_fc.data.batches import Batches, MixtureComponent
from granite_fc.data.examples import TokenizedExample


class ExamplesInMemory:
    """Random tokens of the given lengths; token id 0 stands everywhere, ends included."""

    def __init__(self, name: str, lengths: Sequence[int] | np.ndarray, seed: int = 0) -> None:
        random = np.random.default_rng([seed, len(name)])
        self.name = name
        self.subtask = name
        self.lengths = np.asarray(lengths, np.uint32)
        self.examples = []
        for length in self.lengths.tolist():
            tokens = random.integers(0, 5, length).astype(np.int32)
            tokens[[0, length // 2, -1]] = 0
            num_inputs = int(random.integers(0, length))
            self.examples.append(TokenizedExample(tokens, num_inputs))
        self.fetched: list[int] = []

    def fetch(self, indices: Sequence[int]) -> list[TokenizedExample]:
        self.fetched += indices
        return [self.examples[index] for index in indices]


def small_mixture(**changes) -> Batches:
    """Three tasks of different sizes, rates and lengths; some examples of one fit no row."""
    random = np.random.default_rng(5)
    settings = {"sequence_length": 40, "batch_size": 16, "seed": 11, "window": 1024} | changes
    return Batches(
        [
            MixtureComponent(ExamplesInMemory("large", random.integers(2, 41, 700)), 5, 3),
            MixtureComponent(ExamplesInMemory("long", random.integers(20, 60, 90)), 0.5, 1),
            MixtureComponent(ExamplesInMemory("tiny", [9, 2, 30]), 0.7, 6),
        ],
        **settings,
    )
