"""Whether calls do what gold does, tried on a small world."""

from __future__ import annotations

import pytest

from granite_fc.calls.call import Call
from granite_fc.calls.reference import Reference
from granite_fc.calls.syntax import ParseResult, parse_calls
from granite_fc.evaluation.judge_calls import judge_calls
from granite_fc.evaluation.metrics.execution import has_won
from granite_fc.evaluation.question import NOTHING_KNOWN, Question


def world():
    account = {"balance": 10}

    def subtract(minuend, subtrahend):
        return {"value": minuend - subtrahend}

    def deposit(amount):
        account["balance"] += amount
        return dict(account)

    def tenth(of):
        return {"value": 0.1 + of - of}

    return {"subtract": subtract, "deposit": deposit, "tenth": tenth}


def subtract(a, b, label=None):
    return Call("subtract", {"minuend": a, "subtrahend": b}, label)


GOLD = [subtract(9, 4, "$var_1"), subtract(Reference("$var_1", ("value",)), 1)]


def wins(*given, gold=GOLD, question=NOTHING_KNOWN):
    return has_won(gold, given, question, world)


def test_arguments_are_passed_by_name():
    assert wins(Call("subtract", {"subtrahend": 5, "minuend": 9}))
    assert not wins(Call("subtract", {"subtrahend": 9, "minuend": 5}))


def test_only_results_that_nothing_uses_have_to_agree():
    assert wins(*GOLD)
    assert wins(subtract(4, 0))
    assert wins(subtract(5.0, 1))
    assert not wins(subtract(9, 4))
    assert not wins(*GOLD, subtract(1, 1))
    assert not wins(subtract(9, 4), subtract(5, 1))
    assert not wins(subtract(4, 0), subtract(4, 0))


@pytest.mark.parametrize(
    "given",
    [
        Call("unknown"),
        Call("subtract", {"minuend": 9}),
        Call("subtract", {"minuend": "9", "subtrahend": 1}),
        subtract(Reference("$var_7", ("value",)), 1),
    ],
)
def test_a_call_that_fails_loses(given):
    assert wins(given) is False
    assert wins(subtract(4, 0), given) is False


def test_every_answer_begins_in_the_state_after_the_shown_calls():
    gold = [Call("deposit", {"amount": 1})]
    shown = (Call("deposit", {"amount": 5}),)
    told = Question((), shown, ({"balance": 15},))
    for _ in range(2):
        assert wins(*gold, gold=gold, question=told)
    assert not wins(*gold, *gold, gold=gold, question=told)
    assert wins(*gold, gold=gold, question=Question((), shown))
    # In another world than that of the prompt nothing can be said, nor if gold itself fails.
    assert wins(*gold, gold=gold, question=Question((), shown, ({"balance": 16},))) is None
    assert wins(*gold, gold=[Call("unknown")]) is None


def test_references_to_shown_calls_lead_to_what_these_return():
    shown = (subtract(9, 4, "$var_1"),)
    question = Question((), shown, ({"value": 5},))
    gold = [subtract(Reference("$var_1", ("value",)), 1)]
    assert wins(*gold, gold=gold, question=question)
    assert wins(subtract(5, 1), gold=gold, question=question)
    assert not wins(subtract(Reference("$var_1", ("sum",)), 1), gold=gold, question=question)


def test_the_last_digits_of_a_float_do_not_count():
    gold = [Call("tenth", {"of": 0})]
    assert world()["tenth"](3) != world()["tenth"](0)
    assert wins(Call("tenth", {"of": 3}), gold=gold)


def test_an_endless_answer_is_not_executed():
    assert not wins(*[subtract(4, 0)] * 25)


def test_abstaining_is_the_right_thing_to_do_where_gold_does():
    def rate(gold, given):
        return judge_calls(gold, given, functions=world).counts["win_rate"]

    nothing = ParseResult((), None, "")
    assert rate([], nothing) == (1, 1)
    assert rate([], ParseResult(tuple(GOLD), None, "")) == (0, 1)
    assert rate([], parse_calls("I cannot.")) == (0, 1)
    assert rate(GOLD, nothing) == (0, 1)
    assert rate(GOLD, ParseResult(tuple(GOLD), "something is wrong", "")) == (0, 1)
    assert "win_rate" not in judge_calls([Call("unknown")], nothing, functions=world).counts
    assert "win_rate" not in judge_calls(GOLD, nothing).counts
