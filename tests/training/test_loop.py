from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from granite_fc.checkpoints.checkpoints import CheckpointPolicy
from granite_fc.checkpoints.initial import read_data, restore_params
from granite_fc.errors import ConfigurationError
from granite_fc.models.decoder import abstract_params, hidden_states
from granite_fc.models.head import logits
from granite_fc.sharding.mesh import MeshConfig
from granite_fc.training import loop
from granite_fc.training.loop import TrainResult
from granite_fc.training.metrics import NonFiniteError
from granite_fc.training.optimizers import AdamW
from granite_fc.training.schedules import LearningRateSchedule
from tests.training.small_run import (
    LENGTH,
    STEPS,
    TOO_LONG,
    Bytes,
    examples,
    model,
    run,
    write_cache,
)
from tests.training.small_tasks import TASKS

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    write_cache(folder / "cache")
    return folder


@pytest.fixture
def folder(cache: Path, tmp_path: Path) -> Path:
    (tmp_path / "cache").symlink_to(cache / "cache")
    return tmp_path


@pytest.fixture(scope="module")
def finished(cache: Path) -> tuple[Path, TrainResult]:
    result = run(cache, generation_examples=3)
    assert result is not None
    return cache / "model", result


def lines(model_dir: Path, run_name: str = "train", name: str = "loss") -> dict[int, float]:
    text = (model_dir / "metrics.jsonl").read_text()
    parsed = [json.loads(line) for line in text.splitlines()]
    return {line["step"]: line[name] for line in parsed if line["run"] == run_name and name in line}


def process(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.training.small_run", str(folder), *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_run_learns_and_leaves_everything_behind(finished: tuple[Path, TrainResult]) -> None:
    model_dir, result = finished
    losses = lines(model_dir)
    assert sorted(losses) == list(range(1, STEPS + 1))
    assert losses[STEPS] < losses[1] - 0.2
    assert result.step == STEPS
    assert {f"loss/{subtask}" for subtask in TASKS.values()} <= result.train.keys()
    steps = {int(path.name) for path in (model_dir / "checkpoints").iterdir()}
    assert steps == {5, 10, STEPS}
    assert read_data(model_dir)["subtasks"] == sorted(TASKS.values())
    info = (model_dir / "model-info.txt").read_text()
    assert "blocks/attention/query/kernel" in info
    assert "layers, embed, kv_heads, head_dim" in info
    assert (model_dir / "config.gin").exists()
    for name in ("train", "training_eval", *(f"training_eval/{task}" for task in TASKS)):
        assert list((model_dir / name).glob("events.out.tfevents*")), name
    assert sorted(lines(model_dir, "training_eval")) == [0, 6, STEPS]
    assert "<html" in (model_dir / "report.html").read_text()
    assert lines(model_dir, name="timing/compile_seconds")[0] > 0
    assert lines(model_dir, name="data/too_long")[0] == TOO_LONG * len(TASKS)


def test_a_run_answers_held_out_requests(finished: tuple[Path, TrainResult]) -> None:
    model_dir, result = finished
    assert result.subtask_of == TASKS
    for task, subtask in TASKS.items():
        answers = [answer for answer in result.answers if answer.item.task == task]
        assert len(answers) == 3 and {answer.item.group for answer in answers} == {subtask}
        written = (model_dir / "predictions" / str(STEPS) / f"{task}.jsonl").read_text()
        assert [json.loads(line)["id"] for line in written.splitlines()] == [
            answer.item.item_id for answer in answers
        ]
        share = sum(answer.judgement.exact for answer in answers) / 3
        assert lines(model_dir, f"inference_eval/{task}", "exact_match") == {STEPS: share}
        assert lines(model_dir, "inference_eval", f"exact_match/{subtask}") == {STEPS: share}


def test_answering_during_training_changes_no_step(
    folder: Path, finished: tuple[Path, TrainResult]
) -> None:
    result = run(folder, generation_examples=2, generation_period=5)
    assert result is not None
    model_dir = folder / "model"
    assert lines(model_dir) == lines(finished[0])
    for task in TASKS:
        assert sorted(lines(model_dir, f"inference_eval/{task}", "exact_match")) == [5, 10, STEPS]
        for step in (5, 10, STEPS):
            written = (model_dir / "predictions" / str(step) / f"{task}.jsonl").read_text()
            assert len(written.splitlines()) == 2


def test_evaluation_is_that_of_the_examples_one_by_one(
    finished: tuple[Path, TrainResult],
) -> None:
    model_dir, result = finished
    config = model()
    params = restore_params(model_dir, abstract_params(config))

    @jax.jit
    def log_probabilities(tokens: Any) -> Any:
        positions = np.arange(LENGTH)[None]
        hidden = hidden_states(config, params, tokens, positions, np.ones_like(positions))
        return jax.nn.log_softmax(logits(config, params, hidden))

    for task, subtask in TASKS.items():
        nll, correct, count = 0.0, 0, 0
        for tokens, num_inputs in examples(task, "validation"):
            padded = np.zeros((1, LENGTH), np.int32)
            padded[0, : len(tokens) - 1] = tokens[:-1]
            predicted = np.asarray(log_probabilities(padded)[0], np.float64)
            for place in range(num_inputs, len(tokens)):
                nll -= predicted[place - 1, tokens[place]]
                correct += int(predicted[place - 1].argmax() == tokens[place])
                count += 1
        for found in (
            lines(model_dir, f"training_eval/{task}")[STEPS],
            result.evaluation[f"loss/{subtask}"],
        ):
            np.testing.assert_allclose(found, nll / count, rtol=1e-4)
        assert lines(model_dir, f"training_eval/{task}", "accuracy")[STEPS] == correct / count
        assert result.evaluation[f"target_tokens/{subtask}"] == count


def test_a_preempted_run_goes_on_bit_for_bit(
    folder: Path, finished: tuple[Path, TrainResult]
) -> None:
    first = process(folder, "7")
    assert first.returncode == 42, first.stderr
    assert max(lines(folder / "model")) == 7
    second = process(folder)
    assert second.returncode == 0, second.stderr
    assert "going on from the checkpoint at step 7" in second.stdout
    for name in ("loss", "grad_norm", "loss/nested_calls", "learning_rate"):
        assert lines(folder / "model", name=name) == lines(finished[0], name=name)
    assert lines(folder / "model", "training_eval") == lines(finished[0], "training_eval")


def test_a_run_that_died_repeats_the_steps_after_its_checkpoint_on_another_mesh(
    folder: Path, finished: tuple[Path, TrainResult]
) -> None:
    shutil.copytree(finished[0], folder / "model")
    shutil.rmtree(folder / "model" / "checkpoints" / str(STEPS))
    with (folder / "model" / "metrics.jsonl").open("a") as file:
        file.write('{"run": "train", "step": 1')
    result = run(folder, mesh=MeshConfig(fsdp=8), eval_period=0, microbatches=1)
    assert result is not None
    repeated, before = lines(folder / "model"), lines(finished[0])
    assert sorted(repeated) == sorted(before)
    assert repeated[10] == before[10]
    # Other microbatches draw other dropout masks, so the two losses agree roughly.
    assert abs(repeated[12] - before[12]) < 0.2


def test_nothing_is_left_to_do(finished: tuple[Path, TrainResult], folder: Path) -> None:
    shutil.copytree(finished[0], folder / "model")
    result = run(folder)
    assert result is not None
    assert result.step == STEPS
    assert result.train == {}
    np.testing.assert_allclose(result.evaluation["loss"], finished[1].evaluation["loss"], rtol=1e-6)


def test_a_run_begins_with_the_parameters_of_another(
    finished: tuple[Path, TrainResult], folder: Path
) -> None:
    result = run(
        folder,
        model=model(residual_dropout=0.0),
        initial_checkpoint_path=str(finished[0]),
        train_steps=1,
        optimizer=AdamW(1e-9),
    )
    assert result is not None
    np.testing.assert_allclose(result.evaluation["loss"], finished[1].evaluation["loss"], rtol=1e-4)


def test_a_run_does_not_begin_with_another_model_or_with_other_tokens(
    finished: tuple[Path, TrainResult], folder: Path
) -> None:
    class Others(Bytes):
        name = "others"
        digest = "1" * 64

    for given, words in (
        ({"model": model(norm_eps=1e-3)}, r"DecoderConfig\.norm_eps: found '0\.001'"),
        ({"vocabulary": Others()}, r"VOCABULARY: found 'others \(1{12}\)', expected bytes"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            run(folder, initial_checkpoint_path=str(finished[0]), **given)
    assert not (folder / "model").exists()


def test_a_step_that_is_not_finite_ends_the_run_unsaved(folder: Path) -> None:
    with pytest.raises(NonFiniteError, match=r"step \d: .*(nan|inf)"):
        run(
            folder,
            mesh=MeshConfig(),
            microbatches=1,
            clip_norm=None,
            optimizer=AdamW(LearningRateSchedule(1e30, decay="constant"), weight_decay=0.0),
            checkpoints=CheckpointPolicy(period=4),
        )
    assert "null" in (folder / "model" / "metrics.jsonl").read_text()
    assert not list((folder / "model" / "checkpoints").iterdir())


def test_a_checkpoint_of_another_model_or_other_data_is_refused(
    finished: tuple[Path, TrainResult], folder: Path
) -> None:
    shutil.copytree(finished[0], folder / "model")
    with pytest.raises(ConfigurationError, match=r"rope_theta.*500.*10000"):
        run(folder, model=model(rope_theta=500.0), train_steps=20)
    with pytest.raises(ConfigurationError, match="RANDOM_SEED"):
        run(folder, seed=1, train_steps=20)
    with pytest.raises(ConfigurationError, match="task copying"):
        run(folder, mixture_or_task_name="counting", train_steps=20)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_steps": 0}, "TRAIN_STEPS"),
        ({"batch_size": 6}, "BATCH_SIZE: found 6.*multiple of 8"),
        ({"log_period": 0}, "train.log_period"),
        ({"eval_split": "train"}, "EVAL_SPLIT: found 'train'.*unseen_function"),
        ({"mesh": MeshConfig(data=-1, fsdp=-1)}, "MeshConfig"),
        ({"mesh": MeshConfig(tensor=3, fsdp=1)}, "kernel, axis heads: .* tensor = 3"),
        ({"mixture_or_task_name": "smal"}, "Nearest: small"),
        ({"optimizer": "adamw"}, "@adamw"),
        ({"optimizer": AdamW(LearningRateSchedule(warmup_steps=12))}, "warmup_steps"),
        ({"checkpoints": CheckpointPolicy(keep=0)}, "CheckpointPolicy.keep"),
        ({"cache_dir": "absent"}, "granite-fc cache"),
        ({"model": model(vocab_size=62)}, "vocab_size: found 62"),
        ({"model": model(positions="learned", max_positions=16)}, "max_positions = 16"),
        ({"model": model(max_positions=16)}, "max_positions = 16"),
        ({"initial_checkpoint_path": "absent"}, "INITIAL_CHECKPOINT_PATH: .*MODEL_DIR"),
        ({"model_dir": "gs://bucket/run"}, "MODEL_DIR: found 'gs://bucket/run'.*Mount"),
        ({"seed": -1}, "RANDOM_SEED"),
        ({"clip_norm": 0.0}, "train.clip_norm: found 0.0.*None: no clipping"),
        ({"z_loss": -1.0}, "train.z_loss"),
        ({"optimizer": AdamW(b2=1.5)}, r"adamw.b2: found 1.5"),
        ({"optimizer": AdamW(mu_dtype="bf16")}, r"adamw.mu_dtype: found 'bf16'.*bfloat16"),
        ({"optimizer": AdamW(eps=0.0)}, r"adamw.eps"),
    ],
)
def test_a_wrong_configuration_is_refused_before_a_device_is_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], words: str
) -> None:
    def used() -> int:
        raise AssertionError("a device was used")

    monkeypatch.setattr(loop.jax, "device_count", used)
    monkeypatch.setattr(loop.jax, "devices", used)
    with pytest.raises(ConfigurationError, match=words):
        run(folder, **changes)
    assert not (folder / "model").exists()


def test_a_dry_run_uses_no_device_and_writes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(loop.jax, "device_count")
    assert run(folder, dry_run=True) is None
    assert not (folder / "model").exists()


def test_what_was_trained_is_saved_and_reported_where_answering_fails(
    finished: tuple[Path, TrainResult], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished[0], folder / "model")
    (folder / "model" / "report.html").unlink()

    def fail(*_: Any, **__: Any) -> None:
        raise MemoryError("no room for the cache")

    monkeypatch.setattr("granite_fc.training.run.answer_held_out", fail)
    with pytest.raises(MemoryError):
        run(folder, generation_examples=2)
    report = (folder / "model" / "report.html").read_text()
    assert "name_detection" in report
    assert (folder / "model" / "checkpoints" / str(STEPS)).is_dir()


def test_a_stop_before_an_evaluation_leaves_it_to_the_next_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(
            "granite_fc.training.run.PreemptionWatch.stops_at", lambda _, step: step == 6
        )
        with pytest.raises(SystemExit) as stopped:
            run(folder)
    assert stopped.value.code == 42
    assert sorted(lines(folder / "model", "training_eval")) == [0]
    run(folder)
    assert sorted(lines(folder / "model", "training_eval")) == [0, 6, STEPS]
