"""What a run wrote into its MODEL_DIR, read back for reports."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """All scalars of a run.

    Attributes:
        model_dir: Where they were read.
        rows: The lines of `metrics.jsonl` in order; each has `run` ("train",
            "training_eval/<task>", ...), `step` and scalars. Where a run was resumed, steps that
            were run again stand once, as they were last written.
    """

    model_dir: Path
    rows: tuple[dict[str, Any], ...]

    @classmethod
    def read(cls, model_dir: str | Path) -> RunRecord:
        """Reads `metrics.jsonl`; a torn last line, as a killed run leaves it, is passed over."""
        latest: dict[tuple[str, int], dict[str, Any]] = {}
        with open(Path(model_dir) / "metrics.jsonl", encoding="utf-8") as file:
            for line in file:
                try:
                    row = json.loads(line)
                except json.JSONDecodeError:
                    continue
                key = (row["run"], row["step"])
                latest[key] = {**latest.get(key, {}), **row}
        return cls(Path(model_dir), tuple(latest.values()))

    def series(self, run: str, scalar: str) -> list[tuple[float, float]]:
        """Returns (step, value) in ascending step."""
        points = [
            (row["step"], _number(row[scalar]))
            for row in self.rows
            if row["run"] == run and scalar in row
        ]
        return sorted(points)

    def latest(self, run: str, scalar: str) -> dict[str, float]:
        """Returns all scalars of the last step that has this one; empty where none has."""
        rows = [row for row in self.rows if row["run"] == run and scalar in row]
        last = max(rows, key=lambda row: row["step"], default={})
        return {name: _number(value) for name, value in last.items() if name not in ("run", "step")}

    def scalars(self, run: str, prefix: str) -> list[str]:
        """Returns the scalars of a run that begin with `prefix`, in order of appearance."""
        names: dict[str, None] = {}
        for row in self.rows:
            if row["run"] == run:
                names.update(dict.fromkeys(name for name in row if name.startswith(prefix)))
        return list(names)

    def runs(self, prefix: str) -> list[str]:
        """Returns the names of all runs that begin with `prefix`, in order of appearance."""
        return list(dict.fromkeys(r["run"] for r in self.rows if r["run"].startswith(prefix)))

    def predictions(self) -> Iterator[tuple[int, str, list[dict[str, Any]]]]:
        """Yields (step, task, records) of every predictions file, by step and task."""
        for folder in sorted(self.model_dir.glob("predictions/*"), key=lambda path: int(path.name)):
            for path in sorted(folder.glob("*.jsonl")):
                with open(path, encoding="utf-8") as file:
                    yield int(folder.name), path.stem, [json.loads(line) for line in file]


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
