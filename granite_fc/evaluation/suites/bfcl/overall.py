"""BFCL's overall scores, of its single-turn part.

After the leaderboard's generator (`generate_leaderboard_csv` of bfcl-eval 2026.3.23): non-live is
the unweighted mean of simple (itself that of Python, Java and JavaScript), multiple, parallel and
parallel multiple; live is the share over all items of its four categories; irrelevance is the
unweighted mean of its two. Version 4's overall weights non-live, live and irrelevance 10 % each,
multi-turn 30 % and agentic 40 %. The last two are not measured here: the mean of the first three is
called single-turn overall and is no BFCL overall.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from granite_fc.evaluation.suites.suite import ACCURACY, Formula, Totals, mean_of, share

STRICT_ABSTENTION = "strict_abstention"

_LIVE = ("live_simple", "live_multiple", "live_parallel", "live_parallel_multiple")

_OfCategories = Callable[[Mapping[str, tuple[float, float]]], float | None]


def _non_live(categories: Mapping[str, tuple[float, float]]) -> float | None:
    simple = [share(categories.get(f"simple_{name}")) for name in ("python", "java", "javascript")]
    others = [share(categories.get(name)) for name in ("multiple", "parallel", "parallel_multiple")]
    return mean_of([mean_of(simple), *others])


def _live(categories: Mapping[str, tuple[float, float]]) -> float | None:
    counts = [categories[name] for name in _LIVE if name in categories]
    if len(counts) < len(_LIVE):
        return None
    return share((sum(count[0] for count in counts), sum(count[1] for count in counts)))


def _irrelevance(categories: Mapping[str, tuple[float, float]]) -> float | None:
    return mean_of([share(categories.get(name)) for name in ("irrelevance", "live_irrelevance")])


def _single_turn(categories: Mapping[str, tuple[float, float]]) -> float | None:
    return mean_of([_non_live(categories), _live(categories), _irrelevance(categories)])


def _of(metric: str, compute: _OfCategories) -> Callable[[Totals], float | None]:
    return lambda totals: compute(totals.get(metric, {}))


def _strict_single_turn(totals: Totals) -> float | None:
    right, strict = totals.get(ACCURACY, {}), totals.get(STRICT_ABSTENTION, {})
    return mean_of([_non_live(right), _live(right), _irrelevance(strict)])


FORMULAS = (
    Formula(
        "non-live",
        "unweighted mean of simple (the mean of Python, Java and JavaScript), multiple, parallel "
        "and parallel_multiple accuracy",
        _of(ACCURACY, _non_live),
    ),
    Formula(
        "live",
        "share of all items of live_simple, live_multiple, live_parallel and "
        "live_parallel_multiple that are right",
        _of(ACCURACY, _live),
    ),
    Formula(
        "irrelevance",
        "unweighted mean of irrelevance and live_irrelevance accuracy, by the official rule: an "
        "answer that cannot be read counts as right",
        _of(ACCURACY, _irrelevance),
    ),
    Formula(
        "strict irrelevance",
        "the same mean of strict_abstention: an answer that cannot be read is wrong",
        _of(STRICT_ABSTENTION, _irrelevance),
    ),
    Formula(
        "relevance",
        "live_relevance accuracy; no part of any overall score",
        _of(ACCURACY, lambda categories: share(categories.get("live_relevance"))),
    ),
    Formula(
        "single-turn overall",
        "unweighted mean of non-live, live and irrelevance; BFCL's overall also weights multi-turn "
        "with 30 % and agentic with 40 %, which are not measured here",
        _of(ACCURACY, _single_turn),
    ),
    Formula(
        "strict single-turn overall",
        "the same with strict irrelevance",
        _strict_single_turn,
    ),
)
