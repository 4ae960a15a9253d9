"""Replaying right answers finds the judge that does not give them full marks."""

from __future__ import annotations

from benchmarks.gold_replay import replay, shortfall
from granite_fc.evaluation.judgement import Judgement, WrongPart


def test_the_simulators_answers_lack_nothing() -> None:
    counts, lacking = replay("simulator", 4)
    assert sum(counts.values()) > 20 and not lacking


def test_what_is_less_than_best_is_found() -> None:
    assert shortfall(Judgement(True, {"name_f1": (2.0, 2.0), "needless_calls": (0.0, 1.0)})) is None
    for found in (
        Judgement(False, {}, (WrongPart("value", "x"),)),
        Judgement(True, {"name_f1": (1.0, 2.0)}),
        Judgement(True, {"needless_calls": (1.0, 1.0)}),
    ):
        assert shortfall(found) is not None
