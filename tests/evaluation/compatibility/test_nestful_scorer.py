"""The published NESTFUL scorer's faults, each beside the correct metric."""

from __future__ import annotations

import json
import time

import pytest

from granite_fc.calls.syntax import parse_calls
from granite_fc.evaluation.compatibility.label_sets import macro_scores
from granite_fc.evaluation.compatibility.nestful_scorer import FAULTS, nestful_scores
from granite_fc.evaluation.judge_calls import judge_calls
from granite_fc.evaluation.suites.nestful.notation import call_of, text_in_our_notation


def call(name, label=None, **arguments):
    return {"name": name, "arguments": arguments, **({"label": label} if label else {})}


def theirs(gold, predicted):
    return nestful_scores([gold], [predicted]).values


def correct(gold, predicted):
    """Metric to value by the project's own definitions, of one answer."""
    known: set[str] = set()
    right = [call_of(one, place, known) for place, one in enumerate(gold, start=1)]
    text = "\n".join(f"<function_call> {json.dumps(one)}" for one in predicted)
    counts = judge_calls(right, parse_calls(text_in_our_notation(text))).counts
    return {name: top / bottom for name, (top, bottom) in counts.items()}


def test_a_hallucinated_name_costs_no_precision():
    gold, predicted = [call("f", a=1)], [call("f", a=1), call("made_up", b=2)]
    assert theirs(gold, predicted)["p_func"] == 1
    assert correct(gold, predicted)["name_precision"] == 1 / 2


def test_repeated_calls_are_lost_in_sets():
    gold = [call("f", a=1), call("f", a=2), call("f", a=3)]
    predicted = [call("f", a=3)]
    assert theirs(gold, predicted)["r_func"] == 1
    assert correct(gold, predicted)["name_recall"] == 1 / 3


def test_the_last_of_several_calls_of_a_function_overwrites_the_others():
    gold = [call("f", a=1), call("f", a=2), call("g", b=3)]
    predicted = [call("f", a=7), call("f", a=2), call("g", b=3)]
    assert theirs(gold, predicted)["f1_param"] == 1
    assert correct(gold, predicted)["parameter_f1"] < 1
    # And the same calls in another order are wrong.
    swapped = [call("f", a=2), call("f", a=1), call("g", b=3)]
    assert theirs(gold, swapped)["f1_param"] == 1 / 2
    assert correct(gold, swapped)["parameter_f1"] == 1


def test_full_match_is_strict_in_order():
    gold = [call("f", "var1", a=1), call("g", "var2", b=2)]
    predicted = [call("g", "var1", b=2), call("f", "var2", a=1)]
    assert theirs(gold, predicted)["full_match"] == theirs(gold, predicted)["partial_match"] == 0
    assert correct(gold, predicted)["exact_match"] == 1


def test_partial_match_breaks_after_the_first_difference():
    gold = [call("f", a=1), call("g", b=2), call("h", c=3)]
    assert theirs(gold, [call("g", b=2), call("h", c=3)])["partial_match"] == 2 / 3
    # One call more in front, and nothing stands where it should.
    assert theirs(gold, [call("x"), *gold])["partial_match"] == 0
    assert correct(gold, [call("x"), *gold])["call_accuracy"] == 3 / 4


def test_which_of_two_calls_of_a_function_is_meant_is_not_seen():
    gold = [call("f", "var1", a=1), call("f", "var2", a=2), call("g", "var3", b="$var1.x$")]
    predicted = [*gold[:2], call("g", "var3", b="$var2.x$")]
    assert theirs(gold, predicted)["full_match"] == 1
    assert correct(gold, predicted)["exact_match"] == 0


def test_the_name_of_a_label_matters_where_a_whole_output_is_meant():
    gold = [call("f", "var1", a=1), call("g", "var2", b="$var1$")]
    predicted = [call("f", "var5", a=1), call("g", "var6", b="$var5$")]
    assert theirs(gold, predicted)["full_match"] == 0
    assert correct(gold, predicted)["exact_match"] == 1


def test_values_are_compared_as_python_prints_them():
    gold = [call("f", a=1, b=True)]
    assert theirs(gold, [call("f", a=1.0, b="True")])["r_param"] == 1 / 2
    assert theirs(gold, [call("f", a="1", b=True)])["full_match"] == 1
    assert correct(gold, [call("f", a="1", b=True)])["exact_match"] == 0


def test_what_is_returned_does_not_count():
    gold = [call("f", "var1", a=1), call("var_result", x="$var1$")]
    assert theirs(gold, [call("f", "var1", a=1)])["full_match"] == 1


def test_an_unclosed_reference_is_closed():
    gold = [call("f", "var1", a=1), call("g", "var2", b="$var1.x$")]
    assert theirs(gold, [gold[0], call("g", "var2", b="$var1.x")])["full_match"] == 1


def test_answers_that_cannot_be_parsed():
    gold = [call("f", a=1)]
    values = nestful_scores([gold, gold], [None, [{"arguments": {}}]]).values
    assert values["parsing_errors"] == 1 and values["f1_func"] == 0
    with pytest.raises(ValueError, match="1 predictions for 2 items"):
        nestful_scores([gold, gold], [None])


def test_scores_carry_their_faults():
    scores = nestful_scores([[call("f")]], [[call("f")]])
    assert scores.values["f1_func"] == 1
    assert scores.faults == FAULTS and scores.num_items == 1


def test_macro_scores_by_hand():
    # a: found in 1 of 2 rows and once too often; b: found; c: never predicted; d is unknown.
    gold = [["a", "b"], ["a", "c"], ["b"]]
    predicted = [["a", "b", "b"], ["d"], ["a", "b"]]
    precision, recall, f1 = macro_scores(gold, predicted)
    assert precision == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert recall == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert f1 == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert macro_scores([], []) == (0, 0, 0)


def test_a_single_label_is_averaged_with_its_absence():
    # scikit-learn 1.9 on [[1], [1], [0]] against [[1], [0], [0]]: classes 0 and 1 count alike.
    assert macro_scores([["a"], ["a"], []], [["a"], [], []]) == pytest.approx((0.75, 0.75, 2 / 3))


def test_thousands_of_calls_take_linear_time():
    gold = [call("f", "var1", a=1), call("g", "var2", b="$var1.x$")]
    many = [call(f"f{i}", f"var{i}", a=f"$var{i - 1}.x$", b=["x" * 20]) for i in range(1, 6_000)]
    begun = time.process_time()
    assert nestful_scores([gold] * 3, [many] * 3).values["full_match"] == 0
    assert time.process_time() - begun < 20
