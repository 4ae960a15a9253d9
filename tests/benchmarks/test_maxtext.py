"""The comparison with MaxText: the same step on both sides, and a table of their programs."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from typing import Any

import pytest
from rich.console import Console

from benchmarks import maxtext
from benchmarks.maxtext_sides import CASES, Compiled, our_run, their_arguments
from granite_fc.planning.memory import GIB

# On two devices: a loop of eight turns that each gather 2 GB, and take twice the cycles on their
# side; then ours sums and scatters what theirs sums on both.
PROGRAM = """\
HloModule step, is_scheduled=true

%body (before: (s32[], f32[500000000])) -> (s32[], f32[500000000]) {{
  %before = (s32[], f32[500000000]{{0}}) parameter(0)
  %number = s32[] get-tuple-element(%before), index=0
  %old = f32[500000000]{{0}} get-tuple-element(%before), index=1
  %part = f32[250000000]{{0}} slice(%old), slice={{[0:250000000]}}
  %next = s32[] add(%number, %number)
  %gathered = f32[500000000]{{0}} all-gather(%part), replica_groups=[1,2]<=[2], dimensions={{0}}
  %new = f32[500000000]{{0}} negate(%gathered), backend_config={{"estimated_cycles":"{cycles}"}}
  ROOT %after = (s32[], f32[500000000]{{0}}) tuple(%next, %new)
}}

%condition (state: (s32[], f32[500000000])) -> pred[] {{
  %state = (s32[], f32[500000000]{{0}}) parameter(0)
  %turn = s32[] get-tuple-element(%state), index=0
  %turns = s32[] constant(8)
  ROOT %more = pred[] compare(%turn, %turns), direction=LT
}}

%sum (x: f32[], y: f32[]) -> f32[] {{
  %x = f32[] parameter(0)
  %y = f32[] parameter(1)
  ROOT %total = f32[] add(%x, %y)
}}

ENTRY %main (argument: f32[500000000]) -> {shape} {{
  %argument = f32[500000000]{{0}} parameter(0)
  %zero = s32[] constant(0)
  %initial = (s32[], f32[500000000]{{0}}) tuple(%zero, %argument)
  %loop = (s32[], f32[500000000]{{0}}) while(%initial), condition=%condition, body=%body, \
backend_config={{"known_trip_count":{{"n":"8"}}}}
  %result = f32[500000000]{{0}} get-tuple-element(%loop), index=1
  ROOT %summed = {shape} {kind}(%result), replica_groups=[1,2]<=[2], {dimensions}to_apply=%sum
}}
"""
OURS = PROGRAM.format(
    cycles=1_000_000, shape="f32[250000000]", kind="reduce-scatter", dimensions="dimensions={0}, "
)
THEIRS = PROGRAM.format(cycles=2_000_000, shape="f32[500000000]", kind="all-reduce", dimensions="")


def compiled(text: str, gib: int, seconds: float) -> Compiled:
    return Compiled(gib * GIB, GIB, seconds, [True] * 3, [[0, 0, 0], [1, 0, 0]], text)


def test_the_table_counts_through_loops_and_divides_ours_by_theirs() -> None:
    table = maxtext.comparison("title", compiled(OURS, 3, 20.0), compiled(THEIRS, 4, 10.0))
    console = Console(width=160)
    with console.capture() as captured:
        console.print(table)
    _, _, *lines = captured.get().splitlines()
    rows = {line[:32].strip(): line[32:].split() for line in lines}
    assert rows["peak memory, GiB"] == ["3.00", "4.00", "0.750"]
    assert rows["estimated cycles, millions"] == ["8.0", "16.0", "0.500"]
    assert rows["all-gather, output GB"] == ["16.000", "16.000", "1.000"]
    assert rows["all-reduce, output GB"] == ["0.000", "2.000", "0.000"]
    assert rows["reduce-scatter, output GB"] == ["1.000", "0.000", "-"]
    # A device has half of what it gathers, and gets the other's half of what both sum.
    assert rows["all collectives, received GB"] == ["9.000", "10.000", "0.900"]
    assert rows["compile, s"] == ["20.0", "10.0", "2.000"]


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({}, 0, "wrap [True, True, True] and the order of devices are the same"),
        ({"wrap": [False] * 3}, 1, "NOT THE SAME RINGS"),
        ({"devices": [[1, 0, 0], [0, 0, 0]]}, 1, "ANOTHER ORDER"),
    ],
)
def test_it_tells_whether_both_are_for_the_same_devices(
    change: dict[str, Any],
    status: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ours, theirs = compiled(OURS, 3, 20.0), compiled(THEIRS, 4, 10.0)
    sides = {maxtext.OURS: ours, maxtext.THEIRS: dataclasses.replace(theirs, **change)}
    monkeypatch.setattr(maxtext, "compiled_apart", lambda side, case, folder: sides[side])
    monkeypatch.setattr(maxtext, "check_installed", lambda: None)
    monkeypatch.setattr(sys, "argv", ["maxtext"])
    assert maxtext.main() == status
    assert told in capsys.readouterr().out


@pytest.mark.parametrize("name", CASES)
def test_both_sides_are_told_of_the_same_step(name: str) -> None:
    case = CASES[name]
    recipe, theirs = our_run(case).recipe, their_arguments(case)
    model = recipe.model
    ours = {
        "base_emb_dim": model.d_model,
        "base_num_query_heads": model.num_heads,
        "base_num_kv_heads": model.num_kv_heads,
        "base_mlp_dim": model.d_ff,
        "base_num_decoder_layers": model.num_layers,
        "head_dim": model.head_dim,
        "vocab_size": model.vocab_size,
        "logits_via_embedding": model.tie_embeddings,
        "remat_policy": model.remat_policy,
        "max_target_length": recipe.sequence_length,
    }
    assert {key: theirs[key] for key in ours} == {key: str(value) for key, value in ours.items()}
    assert recipe.batch_size == 64 * int(theirs["per_device_batch_size"])


def test_without_maxtext_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["maxtext"])
    assert maxtext.main() == 2
    assert 'pip install "maxtext[tpu]==' in capsys.readouterr().err
