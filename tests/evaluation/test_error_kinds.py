"""A mistake that is made on purpose is found, and none beside it."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.reference import Reference
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.syntax import ParseResult, print_calls
from granite_fc.evaluation.error_kinds import KINDS
from granite_fc.evaluation.judge_calls import judge_calls
from granite_fc.evaluation.judgement import ErrorKind
from granite_fc.evaluation.question import Question
from tasks.judging import judge_answer

NAMES = ("f", "g", "h")
QUESTION = Question(
    tuple(
        FunctionSpec(
            name,
            "",
            {
                "type": "object",
                "properties": {"n": {"type": "integer"}, "t": {"type": "string"}, "r": {}},
            },
        )
        for name in NAMES
    )
)
# Values that no other call has, so that a wrong one makes its call no more like another.
GOLD = (
    Call("f", {"n": 1, "t": "a"}, "$var_1"),
    Call("f", {"n": 2, "t": "b"}),
    Call("g", {"n": 3, "t": "c", "r": Reference("$var_1", ("x",))}),
    Call("h", {"n": 4, "t": "d"}),
)


def changed(place, **arguments):
    call = GOLD[place]
    given = {**call.arguments, **arguments}
    kept = {name: value for name, value in given.items() if value is not None}
    return dataclasses.replace(call, arguments=kept)


MISTAKES = {
    "missing": lambda place: [changed(place, t=None)],
    "extra": lambda place: [changed(place, z=1)],
    "type": lambda place: [changed(place, n="7")],
    "value": lambda place: [changed(place, n=7)],
    "reference": lambda place: [changed(place, n=Reference("$var_9", ("x",)))],
    "count": lambda place: [GOLD[place], Call("k", {})],
    "name": lambda place: [dataclasses.replace(GOLD[place], name="k")],
}


def kinds(given_calls, **options):
    judged = judge_calls(GOLD, ParseResult(tuple(given_calls), None, ""), QUESTION, **options)
    return sorted({part.kind for part in judged.wrong})


def test_there_are_kinds_for_every_mistake():
    assert set(KINDS) == set(get_args(ErrorKind))
    assert all(text.endswith(".") for text in KINDS.values())


@settings(max_examples=100, deadline=None)
@given(
    st.permutations(range(4)),
    st.lists(st.sampled_from(sorted(MISTAKES)), max_size=3),
    st.permutations(range(4)),
)
def test_each_mistake_is_of_its_kind(places, mistakes, order):
    made = dict(zip(places, mistakes, strict=False))
    answer = []
    for place in order:
        answer += MISTAKES[made[place]](place) if place in made else [GOLD[place]]
    expected = set(mistakes)
    if order.index(2) < order.index(0) and "name" not in (made.get(0), made.get(2)):
        expected.add("order")
    if made.get(0) == "name" and made.get(2) != "name":
        expected.add("reference")  # what refers to the first call now leads to another one
    assert kinds(answer) == sorted(expected)


def test_kinds_of_whole_answers():
    assert kinds(GOLD) == []
    assert kinds([GOLD[3], *GOLD[:3]]) == []
    assert kinds([GOLD[3], *GOLD[:3]], in_order=True) == ["order"]
    assert kinds(GOLD[::-1]) == kinds(GOLD[::-1], in_order=True) == ["order"]
    assert kinds([]) == ["refusal"]
    assert kinds(GOLD[:3]) == ["count"]
    assert kinds([dataclasses.replace(GOLD[0], label=None), *GOLD[1:]]) == ["reference"]


@pytest.mark.parametrize("answer", ["", "f(n=1)", print_calls(GOLD)[:-3], "{}"])
def test_what_cannot_be_read_is_not_judged_further(answer):
    found = judge_answer("umbrella", print_calls(GOLD), answer, QUESTION)
    assert [part.kind for part in found.wrong] == ["parse"]


def test_a_mistake_says_what_was_expected_and_found():
    found = judge_calls(GOLD, ParseResult((changed(0, n=7), *GOLD[1:]), None, ""), QUESTION)
    assert [part.detail for part in found.wrong] == ["f.n: expected 1, found 7"]
    long = judge_calls(GOLD, ParseResult((changed(0, t="x" * 10**5), *GOLD[1:]), None, ""))
    assert len(long.wrong) == 1 and len(long.wrong[0].detail) < 200
