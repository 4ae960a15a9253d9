"""BFCL's overall formulas, worked by hand on categories of unequal size."""

from __future__ import annotations

import pytest

from granite_fc.evaluation.suites.bfcl.overall import FORMULAS

RIGHT = {
    "simple_python": (200, 400),
    "simple_java": (100, 100),
    "simple_javascript": (0, 50),
    "multiple": (150, 200),
    "parallel": (100, 200),
    "parallel_multiple": (50, 200),
    "live_simple": (258, 258),
    "live_multiple": (0, 1053),
    "live_parallel": (16, 16),
    "live_parallel_multiple": (0, 24),
    "irrelevance": (120, 240),
    "live_irrelevance": (884, 884),
    "live_relevance": (4, 16),
}
STRICT = {"irrelevance": (60, 240), "live_irrelevance": (221, 884)}


def scores(right, strict=STRICT):
    totals = {"accuracy": right, "strict_abstention": strict}
    return {formula.name: formula.compute(totals) for formula in FORMULAS}


def test_categories_are_weighted_as_documented():
    non_live = ((0.5 + 1 + 0) / 3 + 0.75 + 0.5 + 0.25) / 4
    live = (258 + 16) / (258 + 1053 + 16 + 24)
    assert scores(RIGHT) == pytest.approx(
        {
            "non-live": non_live,
            "live": live,
            "irrelevance": 0.75,
            "strict irrelevance": 0.25,
            "relevance": 0.25,
            "single-turn overall": (non_live + live + 0.75) / 3,
            "strict single-turn overall": (non_live + live + 0.25) / 3,
        }
    )


@pytest.mark.parametrize("missing", RIGHT)
def test_without_one_of_its_categories_there_is_no_score(missing):
    left = {name: counts for name, counts in RIGHT.items() if name != missing}
    found = scores(left, {name: counts for name, counts in STRICT.items() if name != missing})
    whole = scores(RIGHT)
    assert {name for name, score in found.items() if score is None} == {
        "non-live": {"non-live", "single-turn overall", "strict single-turn overall"},
        "live": {"live", "single-turn overall", "strict single-turn overall"},
        "irrelevance": set(whole) - {"non-live", "live", "relevance"},
        "relevance": {"relevance"},
    }[
        {"live_irrelevance": "irrelevance", "live_relevance": "relevance"}.get(missing)
        or (missing if missing == "irrelevance" else None)
        or ("live" if missing.startswith("live") else "non-live")
    ]
    assert all(score in (None, whole[name]) for name, score in found.items())
