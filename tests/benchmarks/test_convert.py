"""A conversion holds a tensor and not the model; it is measured, and everything deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import convert


def test_a_model_is_converted_in_less_memory_than_its_weights_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    convert.main(["--layers=3", f"--folder={tmp_path}"])
    heading, line = capsys.readouterr().out.splitlines()
    assert "peak GiB" in heading
    weights, peak, _ = map(float, line.removeprefix("a checkpoint").split())
    assert 2.7 < weights < 2.9
    # With what Python and JAX take alone; the largest tensor is of 0.56 GiB.
    assert 0.3 < peak < 2.0
    assert not any(tmp_path.iterdir())
