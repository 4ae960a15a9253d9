"""Published scorers on answers in the project's own syntax."""

from __future__ import annotations

import pytest

from granite_fc.calls.call import Call
from granite_fc.calls.reference import Reference
from granite_fc.calls.syntax import parse_calls, print_calls
from granite_fc.evaluation.compatibility.answers import SCORERS

GOLD = (
    (
        Call("find", {"city": "Paris"}, "$var_1"),
        Call("book", {"hotel": Reference("$var_1", ("id",))}, "$var_2"),
    ),
    (Call("find", {"city": "Rome", "stars": 4}),),
)


@pytest.mark.parametrize("name", SCORERS)
def test_gold_scores_full_marks(name):
    values = SCORERS[name](GOLD, [parse_calls(print_calls(calls)) for calls in GOLD]).values
    assert {value for key, value in values.items() if key != "parsing_errors"} == {1}


def test_an_answer_with_an_error_is_none_that_could_be_parsed():
    answers = [parse_calls(print_calls(GOLD[0])), parse_calls(f"{print_calls(GOLD[1])} and")]
    assert SCORERS["nestful_scorer"](GOLD, answers).values["parsing_errors"] == 1 / 2
    # It counts as one call.
    assert SCORERS["hammer"](GOLD, answers).values["p_api"] == 2 / 3
    abstaining = [answers[0], parse_calls(print_calls(()))]
    assert SCORERS["hammer"](GOLD, abstaining).values["p_api"] == 1
    assert SCORERS["nestful_scorer"](GOLD, abstaining).values["parsing_errors"] == 0
