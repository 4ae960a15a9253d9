"""The simulator seen as a source: episodes of a split, generated instead of read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from tasks.sources.records import Record, checked
from tasks.sources.simulator import SimulatorConfig, generate_episodes

FILES: tuple[str, ...] = ()


def episodes(
    directory: str | Path | None,
    split: Literal["train", "validation"],
    config: SimulatorConfig | None = None,
) -> Iterator[Record]:
    """Yields the episodes of a split; there is no directory to read."""
    config = config or SimulatorConfig()
    count = config.episodes(split)
    for episode in generate_episodes(config.seed, split, 0, count, config.kinds):
        yield from checked(episode)
