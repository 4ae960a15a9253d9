"""Memory is measured, and everything deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import convert


def test_a_model_of_zeros_is_converted_and_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    convert.main(["--layers=2", "--width=128", f"--folder={tmp_path}"])
    heading, line = capsys.readouterr().out.splitlines()
    assert "peak GiB" in heading
    _, peak, _ = map(float, line.removeprefix("a checkpoint").split())
    assert 0.05 < peak < 2.0
    assert not any(tmp_path.iterdir())
