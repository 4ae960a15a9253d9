"""What a task's cache holds, as one small JSON file that is written last."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from granite_fc.data import cache_files
from granite_fc.data.fingerprint import Fingerprint
from granite_fc.data.provenance import Provenance
from granite_fc.errors import ConfigurationError

_PERCENTILES = (50, 90, 99)


@dataclasses.dataclass(frozen=True)
class SplitCounts:
    """What one split holds.

    Attributes:
        examples: Number of examples.
        tokens: Their tokens: inputs, targets and end of sequence.
        input_tokens: Those that carry no loss.
        target_tokens: Those that carry loss.
        lengths: Shortest, longest and mean length in tokens, and percentiles "p50" etc.; empty
            where there is no example.
        outcomes: What else became of the source's examples, by reason, with numbers.
        rejected: How many examples were rejected, by reason; the rejects file lists them.
        shards: Number of examples in each shard.
    """

    examples: int
    tokens: int
    input_tokens: int
    target_tokens: int
    lengths: Mapping[str, float]
    outcomes: Mapping[str, int]
    rejected: Mapping[str, int]
    shards: tuple[int, ...]

    @classmethod
    def of(
        cls,
        lengths: np.ndarray,
        shards: tuple[int, ...],
        outcomes: Mapping[str, int],
        rejected: Mapping[str, int],
    ) -> SplitCounts:
        """Counts a split from its lengths, uint32 [num_examples, 2]: tokens and inputs."""
        tokens, inputs = (int(total) for total in lengths.sum(axis=0, dtype=np.int64))
        summary: dict[str, float] = {}
        if len(lengths):
            summary = {"min": int(lengths[:, 0].min()), "max": int(lengths[:, 0].max())}
            summary["mean"] = round(tokens / len(lengths), 2)
            for percentile in _PERCENTILES:
                value = np.percentile(lengths[:, 0], percentile, method="inverted_cdf")
                summary[f"p{percentile}"] = int(value)
        return cls(
            len(lengths),
            tokens,
            inputs,
            tokens - inputs,
            summary,
            dict(outcomes),
            dict(rejected),
            shards,
        )


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What the cache of one task holds.

    Attributes:
        task: The task's name.
        subtask: The skill that it trains.
        source: The data set that its examples come from.
        splits: The counts of every split that the task has.
        fingerprint: All that decided the content; its vocabulary is the cache's.
        provenance: Where the examples come from, as their declaration said when they were written.
        package_version: Of granite_fc, which wrote the cache; empty where it did not say so yet.
    """

    task: str
    subtask: str
    source: str
    splits: Mapping[str, SplitCounts]
    fingerprint: Fingerprint
    provenance: Provenance = dataclasses.field(default_factory=Provenance)
    package_version: str = ""

    def has_examples(self, split: str) -> bool:
        """Whether the task has that split, and examples in it."""
        return split in self.splits and self.splits[split].examples > 0

    def to_json(self) -> dict[str, Any]:
        """Returns JSON values from which `from_json` gives an equal manifest."""
        parts = self.fingerprint.to_json()
        return {
            "task": self.task,
            "subtask": self.subtask,
            "source": self.source,
            "splits": {name: dataclasses.asdict(counts) for name, counts in self.splits.items()},
            "fingerprint": {"digest": self.fingerprint.digest, **parts},
            "provenance": self.provenance.to_json(),
            "package_version": self.package_version,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Manifest:
        """Reads what `to_json` gave."""
        splits = {
            name: SplitCounts(**{**counts, "shards": tuple(counts["shards"])})
            for name, counts in record["splits"].items()
        }
        return cls(
            record["task"],
            record["subtask"],
            record["source"],
            splits,
            Fingerprint.from_json(record["fingerprint"]),
            Provenance.from_json(record.get("provenance", {})),
            record.get("package_version", ""),
        )


def read_manifest(cache_dir: str | Path, task: str) -> Manifest | None:
    """Returns the manifest of a task's cache, or None where there is no finished cache.

    Raises:
        ConfigurationError: There is a manifest that cannot be read.
    """
    path = cache_files.task_folder(cache_dir, task) / cache_files.MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return Manifest.from_json(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            str(path),
            found=f"{type(error).__name__}: {error}",
            expected="a manifest that granite-fc cache wrote",
            remedy="Write it again with `granite-fc cache --overwrite`, or use another CACHE_DIR.",
        ) from error
