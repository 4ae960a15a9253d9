"""The benchmark of decoding runs both sides on the same work; how fast either is, no test says."""

from __future__ import annotations

import sys

import jax
import pytest

from benchmarks import decoding


def test_both_sides_write_the_same_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", "tiny", "--batch", "3", "--prompt", "9", "--new_tokens", "5"]
    monkeypatch.setattr(sys, "argv", ["decoding", *arguments, "--repeats", "1"])
    decoding.main()
    first, _, _, row = capsys.readouterr().out.splitlines()
    assert first.startswith("tiny in float32, ")
    batch, *figures, same = row.split()
    assert (batch, same) == ("3", "100%")
    assert len([float(figure) for figure in figures]) == 6
    assert jax.default_backend() == "cpu"
