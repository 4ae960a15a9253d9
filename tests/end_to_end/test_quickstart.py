"""What the quickstart leaves behind and says."""

from __future__ import annotations

import json

from tasks.subtasks import SUBTASKS
from tests.end_to_end.command import TINY, granite_fc, scalars
from tests.end_to_end.conftest import Quickstart

STEPS = TINY["TRAIN_STEPS"]


def test_it_leaves_everything_behind(quickstart: Quickstart) -> None:
    folder = quickstart.model_dir
    assert not list(quickstart.cwd.iterdir())
    assert "DecoderConfig.num_layers = 1" in (folder / "config.gin").read_text()
    assert "embedding" in (folder / "model-info.txt").read_text()
    assert [path.name for path in (folder / "checkpoints").iterdir()] == [str(STEPS)]
    page = (folder / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    runs = ["train", "training_eval"]
    for subtask in SUBTASKS:
        assert subtask in page
        runs += [f"training_eval/simulator_{subtask}", f"inference_eval/simulator_{subtask}"]
        answers = folder / "predictions" / str(STEPS) / f"simulator_{subtask}.jsonl"
        lines = [json.loads(line) for line in answers.read_text().splitlines()]
        assert len(lines) == TINY["GENERATION_EXAMPLES"]
    for run in runs:
        assert list((folder / run).glob("events.out.tfevents*")), run


def test_metrics_are_per_subtask(quickstart: Quickstart) -> None:
    folder = quickstart.model_dir
    assert sorted(scalars(folder, "train", "loss")) == list(range(1, STEPS + 1))
    for subtask in SUBTASKS:
        for name in ("loss", "accuracy", "entropy"):
            assert scalars(folder, "train", f"{name}/{subtask}"), (name, subtask)
            held_out = scalars(folder, f"training_eval/simulator_{subtask}", name)
            assert sorted(held_out) == [0, STEPS]
        losses = scalars(folder, "training_eval", f"loss/{subtask}")
        assert losses[STEPS] < losses[0]


def test_it_prints_a_table_in_plain_lines(quickstart: Quickstart) -> None:
    output = quickstart.process.stdout
    assert "\x1b" not in output and "\r" not in output
    assert f"step 1/{STEPS}  loss" in output and "ETA" in output
    table = output[output.index("Held-out results per sub-task") :]
    for words in ("loss before", "loss after", "token accuracy", "exact match", *SUBTASKS):
        assert words in table
    assert "no answer" in table
    assert "cache: wrote 7 tasks" in quickstart.process.stderr


def test_its_config_gin_alone_repeats_it(quickstart: Quickstart) -> None:
    again = granite_fc(
        "train",
        f"--gin_file={quickstart.model_dir / 'config.gin'}",
        "--dry_run",
        cwd=quickstart.cwd,
        home=quickstart.home,
        platform="absent",
    )
    assert again.returncode == 0, again.stderr
    assert "7 tasks: ready to train" in again.stdout
