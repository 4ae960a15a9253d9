"""The faults of Hammer's evaluation, each beside the correct metric."""

from __future__ import annotations

import json

import pytest

from granite_fc.calls.call import Call
from granite_fc.calls.syntax import parse_calls
from granite_fc.evaluation.compatibility.hammer import FAULTS, hammer_scores
from granite_fc.evaluation.judge_calls import judge_calls


def call(name, **arguments):
    return {"name": name, "arguments": arguments}


def theirs(gold, predicted):
    text = predicted if isinstance(predicted, str) else json.dumps(predicted)
    return hammer_scores([gold], [text]).values


def correct(gold, predicted):
    text = "\n".join(f"<function_call> {json.dumps(one)}" for one in predicted)
    counts = judge_calls([Call.from_json(one) for one in gold], parse_calls(text)).counts
    return {name: top / bottom for name, (top, bottom) in counts.items()}


def test_every_duplicate_counts_as_right():
    gold, predicted = [call("f", a=1)], [call("f", a=1), call("f", a=1)]
    values = theirs(gold, predicted)
    assert (values["p_api"], values["r_api"], values["r_param"]) == (1, 2, 2)
    assert correct(gold, predicted)["name_precision"] == 1 / 2
    assert correct(gold, predicted)["name_recall"] == 1


def test_one_gold_call_serves_two_predictions():
    gold = [call("f", a=1), call("f", a=2)]
    predicted = [call("f", a=1), call("f", a=1)]
    assert theirs(gold, predicted)["f1_param"] == 1
    assert correct(gold, predicted)["parameter_f1"] == 1 / 2


def test_the_first_gold_call_that_shares_anything_is_taken():
    gold = [call("f", a=1, b=0), call("f", a=1, b=2)]
    # Exactly the second one; of the first it shares one parameter.
    assert theirs(gold, [call("f", a=1, b=2)])["p_param"] == 1 / 2
    assert correct(gold, [call("f", a=1, b=2)])["parameter_precision"] == 1


def test_values_are_compared_as_python_prints_them():
    gold = [call("f", a=True, b=1)]
    assert theirs(gold, [call("f", a="True", b=1.0)])["r_param"] == 1 / 2
    assert correct(gold, [call("f", a=True, b=1.0)])["value_accuracy"] == 1


def test_empty_strings_are_left_out():
    gold = [call("f", a="", b=1)]
    assert theirs(gold, [call("f", b=1, c="")])["f1_param"] == 1
    assert correct(gold, [call("f", b=1, c="")])["parameter_f1"] < 1


def test_a_call_without_parameters_counts_a_parameter_that_nobody_has():
    gold = [call("f", a=1), call("g")]
    assert theirs(gold, [call("f", a=1), call("g")])["r_param"] == 2


def test_nothing_right_is_no_score():
    assert set(theirs([call("f", a=1)], [call("g", b=2)]).values()) == {0}


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('```json\n[{"name": "f", "arguments": {"a": 1}}]\n```', 1),
        ('{"tool_calls": [{"name": "f", "arguments": {"a": 1}}]}', 1),
        ('{"tool_calls": null}', 0),
        ("[]", 0),
        ("null", 1),
        ("no calls", 1),
        ('{"name": "f", "arguments": {"a": 1}}', 1),
        ('[5, "f", {"name": "f"}, {"name": ["f"], "arguments": 3}]', 4),
    ],
)
def test_how_many_calls_an_answer_counts_as(text, calls):
    other = [call("f", a=1)]
    values = hammer_scores([other, other], [json.dumps(other), text]).values
    right = {"```json": 1, '{"tool_calls": [': 1, '[5, "f"': 1}
    found = 1 + next((n for start, n in right.items() if text.startswith(start)), 0)
    assert values["p_api"] == pytest.approx(found / (1 + calls))


def test_scores_carry_their_faults():
    scores = hammer_scores([[call("f")]], ["[]"])
    assert scores.faults == FAULTS and scores.num_items == 1
    with pytest.raises(ValueError, match="0 answers for 1 items"):
        hammer_scores([[call("f")]], [])
