"""Parameter-value pairs judged on cases worked by hand."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.calls.spec import FunctionSpec
from granite_fc.evaluation.judge_parameters import judge_parameters
from granite_fc.evaluation.question import Question

QUESTION = Question(
    (
        FunctionSpec("f", "", {"type": "object", "properties": {"a": {"type": "integer"}}}),
        FunctionSpec("g", "", {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}}),
    )
)


def judged(gold, given_pairs):
    return judge_parameters(gold, given_pairs, QUESTION)


def kinds(judgement):
    return [part.kind for part in judgement.wrong]


def test_objects_in_any_order():
    gold = [{"a": 1, "b": [1]}, {"a": 2}]
    swapped = judged(gold, [{"a": 2.0}, {"b": [1], "a": 1}])
    assert swapped.exact and swapped.counts["parameter_f1"] == (6, 6)
    one = judged(gold, [{"a": 2}])
    assert one.counts["parameter_recall"] == (1, 3) and one.counts["value_accuracy"] == (1, 1)
    assert kinds(one) == ["count"]


def test_kinds_of_mistakes():
    assert kinds(judged([{"a": 1}], [{"a": 2}])) == ["value"]
    assert kinds(judged([{"a": 1}], [{"a": "1"}])) == ["type"]
    assert kinds(judged([{"a": 1, "b": 2}], [{"a": 1}])) == ["missing"]
    assert kinds(judged([{"a": 1}], [{"a": 1, "z": 2}])) == ["extra"]
    assert kinds(judged([{"a": 1}], [{}])) == ["refusal"]
    assert kinds(judged([{}], [{"a": 1}])) == ["needless_call"]
    assert kinds(judged([{"a": 1}], None)) == ["parse"]
    assert kinds(judged([{}], None)) == ["parse"]
    assert kinds(judged([{}], [{}, {}])) == ["count"]


def test_abstention_is_the_empty_object():
    assert judged([{}], [{}]).counts["abstention_recall"] == (1, 1)
    assert judged([{}], None).counts["abstention_recall"] == (0, 1)
    assert judged([{}], None).counts["needless_calls"] == (0, 1)
    assert judged([{"a": 1}], [{}]).counts["needless_refusals"] == (1, 1)
    assert "parameter_f1" not in judged([{}], [{}]).counts


def test_a_parameter_may_be_of_any_function_on_offer():
    found = judged([{"a": 5}], [{"a": "x", "b": 1, "z": 1}])
    assert found.counts["hallucinated_parameters"] == (1, 3)
    assert found.counts["type_errors"] == (0, 2)
    assert judged([{"a": 5}], [{"a": 1.5}]).counts["type_errors"] == (1, 1)
    assert judged([{"a": 1.5}], [{"a": 1.5}]).counts["type_errors"] == (0, 1)
    unknown = judge_parameters([{"a": 5}], [{"z": 1}])
    assert not {"hallucinated_parameters", "type_errors"} & unknown.counts.keys()


pairs = st.dictionaries(st.sampled_from("ab"), st.sampled_from([1, 1.0, "1", True, [1]]))


@settings(max_examples=60, deadline=None)
@given(st.lists(pairs, min_size=1, max_size=3), st.lists(pairs, max_size=3))
def test_exact_answers_alone_make_no_mistake(gold, given_pairs):
    found = judged(gold, given_pairs)
    assert found.exact == (not found.wrong)
    assert judged(gold, gold[::-1]).exact
    numerator, denominator = found.counts.get("parameter_f1", (0, 0))
    assert numerator <= denominator
    if found.exact:
        assert numerator == denominator


def test_deep_values_are_wrong_and_no_error():
    deep = []
    for _ in range(400):
        deep = [deep]
    assert kinds(judged([{"a": 1}], [{"a": deep}])) == ["parse"]
