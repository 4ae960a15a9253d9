"""BFCL as it is published: gold replay, counts, and agreement with its own checker."""

from __future__ import annotations

import collections
import dataclasses

import pytest

from benchmarks import bfcl_agreement
from granite_fc.calls.syntax import ParseResult, parse_calls, print_calls
from granite_fc.evaluation.compatibility.answers import SCORERS
from granite_fc.evaluation.suites.bfcl.suite import AST_CATEGORIES, CATEGORIES, UNANSWERABLE
from tests.evaluation.suites.answered import answered, totals_of

# As counted in bfcl-eval 2026.3.23.
ITEMS = {
    "simple_python": 400,
    "simple_java": 100,
    "simple_javascript": 50,
    "multiple": 200,
    "parallel": 200,
    "parallel_multiple": 200,
    "live_simple": 258,
    "live_multiple": 1053,
    "live_parallel": 16,
    "live_parallel_multiple": 24,
    "irrelevance": 240,
    "live_irrelevance": 884,
    "live_relevance": 16,
}


@pytest.fixture(scope="module")
def replayed(bfcl):
    return answered(bfcl)


def test_all_single_turn_items_are_there(bfcl):
    assert dict(collections.Counter(item.category for item in bfcl.items)) == ITEMS
    assert tuple(ITEMS) == CATEGORIES


def test_gold_is_right_but_for_the_four_items_that_no_answer_satisfies(replayed):
    wrong = [item.id for item, judgement in replayed if not judgement.exact]
    assert sorted(wrong) == sorted(UNANSWERABLE)
    python = [item for item, _ in replayed if item.category in AST_CATEGORIES]
    python = [item for item in python if not item.category.startswith("simple_java")]
    assert (len(python), len(python) - len(wrong)) == (2351, 2347)


def test_gold_scores_full_marks_in_the_overall_formulas(bfcl, replayed):
    totals = totals_of(replayed)
    scores = {formula.name: formula.compute(totals) for formula in bfcl.formulas}
    live = 1347 / 1351
    assert scores == pytest.approx(
        {
            "non-live": 1,
            "live": live,
            "irrelevance": 1,
            "strict irrelevance": 1,
            "relevance": 1,
            "single-turn overall": (1 + live + 1) / 3,
            "strict single-turn overall": (1 + live + 1) / 3,
        }
    )


def test_gold_with_underscores_for_dots_is_gold_to_our_judge_and_to_the_published_scorers(bfcl):
    suite = dataclasses.replace(bfcl, dots_as_underscores=True)
    items = [item for item in suite.items if item.category in AST_CATEGORIES]
    gold = [item.gold for item in items]
    assert sum("." in call.name for calls in gold for call in calls) > 500

    def underscored(item):
        calls = (dataclasses.replace(c, name=c.name.replace(".", "_")) for c in item.gold)
        return print_calls(calls)

    given = [suite.read(item, underscored(item), parse_calls) for item in items]
    judged = [suite.judge(item, answer) for item, answer in zip(items, given, strict=True)]
    wrong = [item.id for item, j in zip(items, judged, strict=True) if not j.exact]
    assert sorted(wrong) == sorted(UNANSWERABLE)
    as_they_are = [ParseResult(calls, None, "") for calls in gold]
    for score in SCORERS.values():
        assert (
            score(gold, [answer.parsed for answer in given]).values
            == score(gold, as_they_are).values
        )


def test_an_answer_that_cannot_be_read_is_official_irrelevance_and_not_strict(bfcl):
    judged = answered(bfcl, lambda item: '<tool_call>{"name": "f", "argu')
    scores = {formula.name: formula.compute(totals_of(judged)) for formula in bfcl.formulas}
    assert (scores["irrelevance"], scores["strict irrelevance"], scores["relevance"]) == (1, 0, 0)
    assert scores["single-turn overall"] == pytest.approx(1 / 3)


def test_agrees_with_bfcls_own_checker_on_5000_changed_answers_but_for_its_faults(
    bfcl, bfcl_package
):
    reference = bfcl_agreement.load_reference(bfcl_package)
    found = bfcl_agreement.compare(bfcl, reference, 5_000, seed=0)
    assert found.unexplained == []
    # Both judges were put to the test: many answers are right, many wrong, few are disputed.
    assert min(found.accepted, found.refused) > 1_000
    assert found.accepted + found.refused > 4_900
    assert found.differences


def test_functions_are_offered_in_json_schema(bfcl):
    by_id = {item.id: item for item in bfcl.items}
    (area,) = by_id["simple_python_0"].functions
    assert area.properties["base"]["type"] == "integer"
    # Java's stay Java's: models are told so, and write source text.
    ids = by_id["simple_java_22"].functions[0].properties["ids"]
    assert ids["type"] == "string" and "ArrayList of long" in ids["description"]
    assert {"spotify.play"} == {spec.name for spec in by_id["parallel_0"].functions}
    assert by_id["live_simple_0-0-0"].conversation[-1].text
