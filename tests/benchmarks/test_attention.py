"""Attention's benchmark runs every implementation and says what its times are worth."""

from __future__ import annotations

import sys

import pytest

from benchmarks import attention
from granite_fc.models.attention import IMPLEMENTATIONS


def test_every_implementation_is_timed_and_interpreted_kernels_are_called_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--length=128", "--batch=1", "--heads=2", "--head_dim=16", "--repeats=1"]
    monkeypatch.setattr(sys, "argv", ["attention", *arguments])
    attention.main()
    _, warning, _, *lines = capsys.readouterr().out.splitlines()
    assert "interpreted" in warning
    assert {line.split()[0] for line in lines} == set(IMPLEMENTATIONS) - {"auto"}
