from __future__ import annotations

import io
import json
import types
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from rich.console import Console

from granite_fc.models.config import DecoderConfig
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.training.metrics import NonFiniteError, SumOfSteps, check_finite
from granite_fc.training.metrics_writer import MetricsWriter
from granite_fc.training.mfu import ModelFlops, peak_flops
from granite_fc.training.placement import BatchPlacement
from granite_fc.training.progress import TrainingProgress
from granite_fc.training.timing import Pace


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


def test_lines_after_the_checkpoint_are_dropped_on_resuming(tmp_path: Path) -> None:
    with MetricsWriter(tmp_path) as writer:
        for step in (10, 20, 30):
            writer.write(step, {"train": {"loss": step / 10, "bad": float("nan")}})
        writer.write(20, {"training_eval/a": {"loss": 9.0}, "training_eval": {"loss": 8.0}})
    with MetricsWriter(tmp_path, resume_step=20) as writer:
        writer.write(30, {"train": {"loss": 7.0}})
    assert read(tmp_path) == [
        {"run": "train", "step": 10, "loss": 1.0, "bad": None},
        {"run": "train", "step": 20, "loss": 2.0, "bad": None},
        {"run": "training_eval/a", "step": 20, "loss": 9.0},
        {"run": "training_eval", "step": 20, "loss": 8.0},
        {"run": "train", "step": 30, "loss": 7.0},
    ]
    assert len(list((tmp_path / "train").iterdir())) == 2
    assert (tmp_path / "training_eval" / "a").is_dir()


def test_an_evaluation_is_one_append(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    open_path = Path.open

    def note(self: Path, *arguments: Any, **options: Any) -> Any:
        opened.append(self)
        return open_path(self, *arguments, **options)

    with MetricsWriter(tmp_path) as writer:
        monkeypatch.setattr(Path, "open", note)
        writer.write(20, {f"training_eval/{task}": {"loss": 9.0} for task in "abc"})
    assert [path.name for path in opened] == ["metrics.jsonl"]


def test_other_hosts_write_nothing(tmp_path: Path) -> None:
    with MetricsWriter(tmp_path / "run", enabled=False) as writer:
        writer.write(1, {"train": {"loss": 1.0}})
        writer.text("train", "config", "x = 1")
    assert not (tmp_path / "run").exists()


def sums(**changes: object) -> dict[str, object]:
    metrics: dict[str, object] = {
        "weights": np.array([4.0, 0.0, 0.0]),
        "nll": np.array([8.0, 0.0, 0.0]),
        "correct": np.array([1.0, 0.0, 0.0]),
        "entropy": np.array([2.0, 0.0, 0.0]),
        "examples": np.array([2.0, 1.0, 0.0]),
        "z_loss": np.float32(0.4),
        "positions": np.float32(9),
        "attended": np.float32(30),
        "loss": np.float32(2.1),
        "grad_norm": np.float32(1.0),
        "param_norm": np.float32(5.0),
        "update_norm": np.float32(0.1),
        "learning_rate": np.float32(0.25),
    }
    return metrics | changes


def test_scalars_weigh_steps_by_their_tokens() -> None:
    total = SumOfSteps()
    total.add(sums())
    total.add(sums(weights=np.array([12.0, 4, 0]), nll=np.array([12.0, 8, 0]), grad_norm=3.0))
    scalars = total.scalars(("a", "b", "c"))
    assert scalars["loss"] == (8 + 12 + 8) / 20
    assert scalars["loss/a"] == 20 / 16
    assert scalars["loss/b"] == 2
    assert scalars["accuracy/a"] == 2 / 16
    assert scalars["target_tokens"] == 20
    assert scalars["examples/b"] == 2
    assert scalars["grad_norm"] == 2
    assert scalars["learning_rate"] == 0.25
    np.testing.assert_allclose(scalars["z_loss"], 0.8 / 20, rtol=1e-6)
    assert not any(name.endswith("/c") for name in scalars)


@pytest.mark.parametrize("name", ["loss", "grad_norm", "update_norm", "param_norm"])
def test_what_is_not_finite_is_named_with_its_step(name: str) -> None:
    check_finite(3, sums())
    with pytest.raises(NonFiniteError, match=f"step 3: .*{name} = inf"):
        check_finite(3, sums(**{name: np.float32(np.inf)}))


def test_progress_is_plain_lines_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    with TrainingProgress(100, done=40, console=Console(file=out, soft_wrap=True)) as progress:
        progress.start()
        progress.step(70)
        progress.log({"loss": 1.5, "timing/mfu": 0.5, "other": 3.0})
    assert out.getvalue() == "step 70/100  loss 1.5000  MFU 50.0%  ETA 0:00:00\n"


def test_progress_is_a_bar_on_a_terminal() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    with TrainingProgress(100, console=console) as progress:
        progress.start()
        progress.step(70)
        progress.log({"loss": 1.5})
    assert "70/100" in out.getvalue()
    assert "loss 1.5000" in out.getvalue()
    assert "ETA" in out.getvalue()


@pytest.mark.parametrize("tied", [True, False])
def test_flops_of_a_decoder_counted_by_hand(tied: bool) -> None:
    config = DecoderConfig(
        vocab_size=100,
        d_model=8,
        num_layers=3,
        num_heads=4,
        num_kv_heads=2,
        head_dim=6,
        d_ff=20,
        max_positions=64,
        attention_bias=True,
        tie_embeddings=tied,
    )
    flops = ModelFlops.of(config)
    attention = 8 * 24 + 2 * 8 * 12 + 24 * 8
    assert flops.per_token == 6 * (3 * (attention + 3 * 8 * 20) + 100 * 8)
    # Scores and their product with the values: 2 x 2 FLOPs a head, width and pair; thrice with the
    # backward pass.
    assert flops.per_attended == 3 * (2 * 2) * 3 * 4 * 6
    assert flops.total(10, 55) == 10 * flops.per_token + 55 * flops.per_attended


def test_mfu_is_given_only_where_the_peak_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert peak_flops("TPU v5p") == 459e12
    assert peak_flops("cpu") is None
    clock = types.SimpleNamespace(perf_counter=lambda: clock.now, now=100.0)
    monkeypatch.setattr("granite_fc.training.timing.time", clock)
    pace = Pace(ModelFlops(per_token=3.0, per_attended=2.0), num_devices=4, peak=10.0)
    clock.now += 1
    with pace.paused():
        clock.now += 50
    clock.now += 4
    scalars = pace.lap(steps=2, tokens=20, attended=70, positions=16, waited=1.0)
    assert scalars["timing/step_seconds"] == 2.5
    assert scalars["timing/tokens_per_second"] == 4
    assert scalars["timing/data_wait_seconds"] == 0.5
    assert scalars["timing/mfu"] == (60 + 140) / (5 * 40)
    assert scalars["packing/filled"] == 20 / 32
    unknown = Pace(ModelFlops(1.0, 1.0), 1, None)
    clock.now += 1
    assert "timing/mfu" not in unknown.lap(1, 1, 1, 1, 0.0)


@pytest.mark.parametrize(
    "spec", [jax.P(("data", "fsdp"), "sequence"), jax.P("sequence"), jax.P(), jax.P("fsdp", "data")]
)
def test_every_device_gets_its_part_of_the_batch(spec: jax.P) -> None:
    mesh = make_mesh(MeshConfig(data=2, fsdp=2, sequence=2))
    placement = BatchPlacement(jax.NamedSharding(mesh, spec), (8, 6))
    whole = np.arange(48).reshape(8, 6)
    assert placement.rows == tuple(range(8))
    array = placement.put({"x": whole})["x"]
    np.testing.assert_array_equal(array, whole)
    assert array.sharding.spec == spec


def test_a_host_reads_only_the_rows_of_its_devices() -> None:
    class Sharding:
        """Devices of one host among several: two apart, and one that shares its rows."""

        def addressable_devices_indices_map(self, shape: tuple[int, int]) -> dict[str, object]:
            return {
                "a": (slice(2, 4), slice(0, 3)),
                "b": (slice(2, 4), slice(3, 6)),
                "c": (slice(6, 8), slice(None)),
            }

    placement = BatchPlacement(Sharding(), (8, 6))  # type: ignore[arg-type]
    assert placement.rows == (2, 3, 6, 7)
