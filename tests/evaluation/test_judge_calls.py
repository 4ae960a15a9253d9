"""Calls and names judged on cases worked by hand, such as published scorers get wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.reference import Reference
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.syntax import ParseResult, parse_calls, print_calls
from granite_fc.evaluation.judge_calls import judge_calls, judge_name, judge_names
from granite_fc.evaluation.metrics import METRICS
from granite_fc.evaluation.question import Question
from tests.calls.strategies import calls as any_call
from tests.calls.strategies import graphs

OUTPUT = {
    "type": "object",
    "properties": {
        "lat": {"type": "number"},
        "rows": {"type": "array", "items": {"type": "object", "properties": {"a": {}}}},
    },
}
ON_OFFER = Question(
    (
        FunctionSpec(
            "f",
            "",
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"enum": ["x", "y"]}, "c": {}},
                "required": ["a"],
            },
            OUTPUT,
        ),
        FunctionSpec("g", "", {"type": "object", "properties": {"a": {"type": "integer"}}}),
        FunctionSpec("open", "", {"type": "object", "additionalProperties": True}),
    ),
    shown=(Call("f", {"a": 9}, "$var_1"), Call("g", {}, "$var_2")),
    results=({"lat": 1, "rows": [{"a": 2}]},),
)


def f(**arguments):
    return Call("f", arguments)


def answered(*calls):
    return ParseResult(tuple(calls), None, "")


def judged(gold, *calls, question=ON_OFFER, **options):
    return judge_calls(gold, answered(*calls), question, **options)


def value(judgement, metric):
    numerator, denominator = judgement.counts[metric]
    return numerator / denominator


def kinds(judgement):
    return [part.kind for part in judgement.wrong]


def test_a_second_call_of_a_function_does_not_replace_the_first():
    gold = [f(a=1, b="x"), f(a=2, b="y")]
    swapped = judged(gold, *gold[::-1])
    assert swapped.exact and swapped.counts["parameter_f1"] == (8, 8)
    first_alone = judged(gold, gold[0])
    assert first_alone.counts["parameter_recall"] == (2, 4)
    assert first_alone.counts["parameter_precision"] == (2, 2)
    assert first_alone.counts["call_accuracy"] == (1, 2)
    one_wrong = judged(gold, f(a=2, b="y"), f(a=1, b="y"))
    assert one_wrong.counts["parameter_f1"] == (6, 8)
    assert one_wrong.counts["value_accuracy"] == (3, 4)
    assert one_wrong.counts["call_accuracy"] == (1, 2)
    assert kinds(one_wrong) == ["value"]


def test_a_hallucinated_name_costs_precision():
    found = judged([f(a=1)], f(a=1), Call("made_up", {"z": 1}))
    assert found.counts["name_precision"] == (1, 2)
    assert found.counts["name_recall"] == (1, 1)
    assert found.counts["hallucinated_names"] == (1, 2)
    assert found.counts["hallucination_rate"] == (1, 1)
    assert found.counts["parameter_precision"] == (1, 2)
    # Its parameters are nobody's: only those of functions on offer can be unknown.
    assert found.counts["hallucinated_parameters"] == (0, 1)
    assert kinds(found) == ["count"]


def test_an_answer_without_a_name_has_hallucinated_none_and_avoided_none():
    made_up = Call("made_up", {})
    rates = [
        judge_calls([f(a=1)], given, ON_OFFER).counts.get("hallucination_rate")
        for given in (
            parse_calls("I would rather not."),
            parse_calls("<function_call> {"),
            parse_calls(print_calls([])),
            parse_calls(f"{print_calls([f(a=1)])} <function_call> {{"),
            parse_calls(f"Sure! {print_calls([made_up])}"),
        )
    ]
    assert rates == [None, None, (0, 1), (0, 1), (1, 1)]
    names = [None, ("no_function",), ("no_function", "no_function"), ("f", "no_function"), ("h",)]
    rates = [
        judge_names(("f",), given, ON_OFFER).counts.get("hallucination_rate") for given in names
    ]
    assert rates == [None, (0, 1), None, (0, 1), (1, 1)]


def test_a_name_matches_as_often_as_gold_has_it():
    found = judged([f(a=1)], f(a=1), f(a=1), f(a=1))
    assert found.counts["name_precision"] == (1, 3)
    assert found.counts["name_f1"] == (2, 4)
    assert found.counts["parameter_precision"] == (1, 3)
    assert found.counts["call_accuracy"] == (1, 3)
    assert not found.exact


def test_what_cannot_be_read_is_no_abstention():
    for text in ("", "None of these.", "<function_call> {", "<tool_call> {}"):
        found = judge_calls([], parse_calls(text), ON_OFFER)
        assert not found.exact and kinds(found) == ["parse"]
        assert found.counts["abstention_recall"] == (0, 1)
        assert found.counts["needless_calls"] == (0, 1)
        assert found.counts["parse_rate"] == (0, 1)
    abstained = judge_calls([], parse_calls(print_calls([])), ON_OFFER)
    assert abstained.exact and abstained.counts["abstention_recall"] == (1, 1)
    assert not {"name_f1", "parameter_f1", "call_accuracy"} & abstained.counts.keys()
    called = judged([], f(a=1))
    assert kinds(called) == ["needless_call"] and called.counts["needless_calls"] == (1, 1)
    assert called.counts["name_precision"] == (0, 1)


def test_a_refusal():
    found = judge_calls([f(a=1)], parse_calls(print_calls([])), ON_OFFER)
    assert kinds(found) == ["refusal"] and found.counts["needless_refusals"] == (1, 1)
    assert found.counts["parameter_recall"] == (0, 1)
    assert "parameter_precision" not in found.counts and "abstention_recall" not in found.counts
    unreadable = judge_calls([f(a=1)], parse_calls("no"), ON_OFFER)
    assert unreadable.counts["needless_refusals"] == (0, 1)


def test_more_than_gold_is_not_gold():
    extra = judged([f(a=1)], f(a=1, b="x"))
    assert extra.counts["call_accuracy"] == (0, 1) and kinds(extra) == ["extra"]
    assert extra.counts["parameter_recall"] == (1, 1) and extra.counts["value_accuracy"] == (1, 1)
    missing = judged([f(a=1, b="x")], f(a=1))
    assert missing.counts["call_accuracy"] == (0, 1) and kinds(missing) == ["missing"]


def test_values_have_types():
    for wrong in ("1", True, None, [1], 1.5):
        assert not judged([f(a=1)], f(a=wrong)).exact
    assert judged([f(a=1)], f(a=1.0)).exact
    text = judged([f(a=1)], f(a="1"))
    assert kinds(text) == ["type"] and text.counts["type_errors"] == (1, 1)
    assert kinds(judged([f(a=1)], f(a=2))) == ["value"]
    assert kinds(judged([f(b="x")], f(b="z"))) == ["type"]
    # Of a parameter whose type is not shown, gold's is the type.
    untyped = judged([f(c=1)], f(c="1"))
    assert kinds(untyped) == ["type"] and untyped.counts["type_errors"] == (0, 1)
    # What gold itself gives is no error, whatever the schema says.
    assert judged([f(a="1")], f(a="1")).counts["type_errors"] == (0, 1)
    assert judged([f(z=1)], f(z=1)).counts["hallucinated_parameters"] == (0, 1)


def test_parameters_that_nobody_takes():
    found = judged([f(a=1)], f(a=1, z=2), Call("g", {"q": 1}), Call("open", {"anything": 1}))
    assert found.counts["hallucinated_parameters"] == (2, 3)
    nothing_known = judged([f(a=1)], f(z=1), question=Question())
    assert not {"hallucinated_parameters", "hallucination_rate", "type_errors"} & (
        nothing_known.counts.keys()
    )


def test_order_counts_where_it_is_asked_for():
    gold = [f(a=1), Call("g", {"a": 1})]
    assert judged(gold, *gold[::-1]).exact
    swapped = judged(gold, *gold[::-1], in_order=True)
    assert not swapped.exact and kinds(swapped) == ["order"]
    assert swapped.counts["sequence_accuracy"] == (1, 1)
    assert swapped.counts["name_sequence_accuracy"] == (0, 1)
    assert swapped.counts["name_f1"] == (4, 4) and swapped.counts["name_lcs_f1"] == (2, 4)
    same = [f(a=1), f(a=2)]
    assert kinds(judged(same, *same[::-1], in_order=True)) == ["order"]


NESTED = [Call("f", {"a": 1}, "$var_3"), Call("g", {"a": Reference("$var_3", ("lat",))})]


def test_references_have_to_lead_somewhere():
    def using(label, *path):
        return judged(NESTED, NESTED[0], Call("g", {"a": Reference(label, path)}))

    right = using("$var_3", "lat")
    assert right.exact and right.counts["reference_validity"] == (1, 1)
    elsewhere = using("$var_3", "rows", 0, "a")
    assert kinds(elsewhere) == ["reference"] and elsewhere.counts["reference_validity"] == (1, 1)
    no_label = using("$var_9", "lat")
    assert no_label.counts["reference_validity"] == (0, 1)
    assert no_label.counts["hallucinated_references"] == (1, 1)
    no_path = using("$var_3", "long")
    assert no_path.counts["reference_validity"] == (0, 1)
    assert no_path.counts["hallucinated_references"] == (0, 1)
    # A shown result says more than the schema; without either, any path may be there.
    assert using("$var_1", "rows", 0, "a").counts["reference_validity"] == (1, 1)
    assert using("$var_1", "rows", 1, "a").counts["reference_validity"] == (0, 1)
    assert using("$var_2", "whatever").counts["reference_validity"] == (1, 1)
    for found in (elsewhere, no_label, no_path):
        assert found.counts["parameter_f1"] == (2, 4)


def test_a_reference_to_a_later_call_leads_nowhere():
    found = judged(NESTED, *NESTED[::-1])
    assert not found.exact and found.counts["reference_validity"] == (0, 1)
    # What it refers to is there, too late.
    assert found.counts["hallucinated_references"] == (0, 1) and kinds(found) == ["order"]
    elsewhere = judged(NESTED, Call("g", {"a": Reference("$var_3", ("rows",))}), NESTED[0])
    assert kinds(elsewhere) == ["reference"]
    two = [Call("f", {"a": n}, f"$var_{n}") for n in (3, 4)]
    used = [Reference(f"$var_{n}", ("lat",)) for n in (3, 4)]
    users = [Call("g", {"a": used[n], "m": n, "n": n}) for n in (0, 1)]
    assert kinds(judged([*two, *users], *users[::-1], *two)) == ["order"]
    crossed = [Call("g", {"a": used[1 - n], "m": n, "n": n}) for n in (0, 1)]
    assert kinds(judged([*two, *users], *crossed, *two)) == ["reference", "reference"]
    itself = judged(NESTED, NESTED[0], Call("g", {"a": Reference("$var_4", ("lat",))}, "$var_4"))
    assert kinds(itself) == ["reference"]
    assert itself.counts["hallucinated_references"] == (0, 1)
    assert itself.counts["reference_validity"] == (0, 1)


def test_labels_have_to_be_there_and_to_be_different():
    unlabelled = judged(NESTED, Call("f", {"a": 1}), NESTED[1])
    assert unlabelled.counts["missing_labels"] == (1, 1)
    assert kinds(unlabelled) == ["reference", "reference"]
    written_out = judged(NESTED, NESTED[0], Call("g", {"a": 7}))
    assert kinds(written_out) == ["reference"]
    assert written_out.counts["missing_labels"] == (0, 1)
    assert "reference_validity" not in written_out.counts
    twice = judged([f(a=1), f(a=2)], Call("f", {"a": 1}, "$var_5"), Call("f", {"a": 2}, "$var_5"))
    assert not twice.exact and kinds(twice) == ["reference"]
    # A label of the prompt that is given anew: whoever executes the calls cannot tell them apart.
    taken = judged(
        NESTED, Call("f", {"a": 1}, "$var_1"), Call("g", {"a": Reference("$var_1", ("lat",))})
    )
    assert taken.exact and taken.counts["reference_validity"] == (0, 1)


def test_without_a_prompt_only_own_labels_are_known():
    gold = [Call("g", {"a": Reference("$var_1", ("k",))})]
    for label, count in (("$var_1", (1, 1)), ("$var_2", None)):
        given = Call("g", {"a": Reference(label, ("k",))})
        found = judged(gold, given, question=Question())
        assert found.counts.get("reference_validity") == count


def test_calls_that_cross_their_producers():
    gold = [
        Call("f", {"a": 1}, "$var_3"),
        Call("f", {"a": 2}, "$var_4"),
        Call("g", {"a": Reference("$var_3", ("lat",)), "n": 1}),
        Call("g", {"a": Reference("$var_4", ("lat",)), "n": 2}),
    ]
    crossed = [
        *gold[:2],
        Call("g", {"a": Reference("$var_4", ("lat",)), "n": 1}),
        Call("g", {"a": Reference("$var_3", ("lat",)), "n": 2}),
    ]
    found = judged(gold, *crossed)
    assert not found.exact and found.counts["parameter_f1"] == (8, 12)
    assert judged(gold, gold[1], gold[0], gold[3], gold[2]).counts["parameter_f1"] == (12, 12)


def test_names_in_place_of_others():
    found = judged([f(a=1), f(a=2)], f(a=1), Call("g", {"a": 2}))
    assert kinds(found) == ["name"] and "f" in found.wrong[0].detail
    assert kinds(judged([f(a=1)], Call("g", {}), Call("g", {}))) == ["name", "count"]


def test_words_before_calls():
    text = f"Sure! {print_calls([f(a=1)])}"
    found = judge_calls([f(a=1)], parse_calls(text), ON_OFFER)
    assert not found.exact and kinds(found) == ["parse"]
    assert found.counts["parse_rate"] == (0, 1) and found.counts["parameter_f1"] == (2, 2)
    assert found.counts["sequence_accuracy"] == (0, 1)


@settings(max_examples=80, deadline=None)
@given(graphs() | st.just(()), st.lists(any_call, max_size=3) | graphs(), st.booleans())
def test_every_judgement_keeps_its_promises(gold, calls, in_order):
    for question in (Question(ON_OFFER.functions), Question()):
        check(judged(tuple(gold), *calls, question=question, in_order=in_order))
        check(judged(tuple(gold), *gold, question=question, in_order=in_order), exact=True)


def check(judgement, *, exact=None):
    assert exact is None or judgement.exact == exact
    assert judgement.exact == (not judgement.wrong)
    assert judgement.counts["exact_match"] == (judgement.exact, 1)
    for name, (numerator, denominator) in judgement.counts.items():
        assert 0 <= numerator <= denominator and denominator > 0, name
        metric = METRICS[name]
        if judgement.exact:
            assert numerator == (denominator if metric.higher_is_better else 0), name
        if metric.is_share:
            assert denominator == 1 and numerator in (0, 1), name


def test_names_alone():
    right = judge_names(("f", "g", "f"), ("f", "g", "f"), ON_OFFER)
    assert right.exact and right.counts["hallucination_rate"] == (0, 1)
    swapped = judge_names(("f", "g"), ("g", "f"), ON_OFFER)
    assert kinds(swapped) == ["order"] and swapped.counts["name_lcs_f1"] == (2, 4)
    fewer = judge_names(("f", "g", "f"), ("f", "f"), ON_OFFER)
    assert kinds(fewer) == ["count"] and fewer.counts["name_lcs_f1"] == (4, 5)
    other = judge_names(("f", "g"), ("f", "h", "i"), ON_OFFER)
    assert kinds(other) == ["name", "count"] and other.counts["hallucinated_names"] == (2, 3)
    assert kinds(judge_names(("f",), None)) == ["parse"]
    both = judge_names(("no_function",), ("no_function", "f"), ON_OFFER)
    assert kinds(both) == ["parse"] and both.counts["needless_calls"] == (1, 1)
    assert judge_names(("no_function",), ("no_function",)).counts["abstention_recall"] == (1, 1)
    assert kinds(judge_names(("no_function",), ("f",))) == ["needless_call"]
    assert kinds(judge_names(("f",), ("no_function",))) == ["refusal"]


@pytest.mark.parametrize(
    ("gold", "given_name", "kind"),
    [
        ("f", "f", []),
        ("f", "g", ["name"]),
        ("f", "no_function", ["refusal"]),
        ("no_function", "f", ["needless_call"]),
        ("no_function", "no_function", []),
        ("f", None, ["parse"]),
    ],
)
def test_one_name(gold, given_name, kind):
    found = judge_name(gold, given_name, ON_OFFER)
    assert kinds(found) == kind
    check(found, exact=not kind)
