"""`granite-fc` as users call it: in a process of its own, from a folder of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
QUICKSTART = "--gin_file=runs/quickstart.gin"

# Makes the quickstart tiny without changing what it is made of.
TINY: Mapping[str, Any] = {
    "SimulatorConfig.train_episodes": 300,
    "SimulatorConfig.validation_episodes": 60,
    "DecoderConfig.num_layers": 1,
    "DecoderConfig.d_model": 32,
    "DecoderConfig.d_ff": 64,
    "BATCH_SIZE": 16,
    "TRAIN_STEPS": 6,
    "WARMUP_STEPS": 1,
    "EVAL_PERIOD": 0,
    "EVAL_EXAMPLES": 4,
    "GENERATION_EXAMPLES": 2,
    "train.log_period": 1,
}


def environment(home: Path, platform: str = "cpu") -> dict[str, str]:
    """The environment of a user whose home folder is `home`."""
    return os.environ | {
        "PYTHONPATH": str(REPOSITORY),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "JAX_PLATFORMS": platform,
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    }


def overrides(settings: Mapping[str, Any]) -> list[str]:
    return [f"--gin.{name}={value}" for name, value in settings.items()]


def arguments(subcommand: str, *words: str, **settings: Any) -> list[str]:
    """The command line of a tiny quickstart; parameters are written with __ for the dot."""
    changed = {name.replace("__", "."): value for name, value in settings.items()}
    return [subcommand, QUICKSTART, *overrides({**TINY, **changed}), *words]


def granite_fc(
    *words: str, cwd: Path, home: Path, platform: str = "cpu"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "granite_fc.cli.main", *words],
        cwd=cwd,
        env=environment(home, platform),
        capture_output=True,
        text=True,
        timeout=300,
    )


def scalars(model_dir: Path, run: str, name: str) -> dict[int, float]:
    """Step to value of one metric, from `metrics.jsonl`."""
    lines = map(json.loads, (model_dir / "metrics.jsonl").read_text().splitlines())
    return {line["step"]: line[name] for line in lines if line["run"] == run and name in line}


def times_of_change(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }
