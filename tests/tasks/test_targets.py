"""What a target means, and which answers mean the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.reference import Reference
from granite_fc.calls.syntax import print_calls
from tasks.renderers import RENDERERS, RenderingContext
from tasks.rendering_config import RenderingConfig
from tasks.subtasks import CALL_SUBTASKS
from tasks.targets import exact_match, parse_target
from tests.renderers import episodes

A = Call("a", {"x": 1})
B = Call("b", {"y": "1"})
NONE = print_calls(())


@pytest.mark.parametrize("subtask", RENDERERS)
@pytest.mark.parametrize("name", ["NESTED", "PARALLEL", "DIALOGUE", "NO_FUNCTION", "MISSING"])
def test_every_target_can_be_read_and_equals_itself(subtask, name):
    context = RenderingContext(RenderingConfig())
    for example in RENDERERS[subtask](getattr(episodes, name), context):
        assert parse_target(subtask, example.targets) is not None
        assert exact_match(subtask)(example.targets, f" {example.targets}\n")
        assert not exact_match(subtask)(example.targets, "")
        assert not exact_match(subtask)(example.targets, "I do not know.")


def test_labels_may_be_named_otherwise():
    def nested(label):
        return print_calls([Call("a", {}, label), Call("b", {"x": Reference(label, ("k",))})])

    for subtask in CALL_SUBTASKS:
        assert exact_match(subtask)(nested("$var_1"), nested("$var_5"))
        other = print_calls(
            [Call("a", {}, "$var_1"), Call("b", {"x": Reference("$var_1", ("q",))})]
        )
        assert not exact_match(subtask)(nested("$var_1"), other)


def test_order_counts_in_chaining_alone():
    gold, swapped = print_calls([A, B]), print_calls([B, A])
    assert exact_match("parallel_calls")(gold, swapped)
    assert exact_match("umbrella")(gold, swapped)
    assert not exact_match("function_chaining")(gold, swapped)
    same_name = [Call("a", {"x": 1}), Call("a", {"x": 2})]
    assert not exact_match("function_chaining")(
        print_calls(same_name), print_calls(same_name[::-1])
    )
    assert exact_match("function_chaining")(gold, print_calls([Call("a", {"x": 1.0}), B]))


def test_references_to_earlier_turns_have_to_agree():
    def call(label):
        return print_calls([Call("b", {"x": Reference(label, ("k",))})])

    for subtask in CALL_SUBTASKS:
        same = exact_match(subtask)
        assert same(call("$var_1"), call("$var_1"))
        assert not same(call("$var_1"), call("$var_2"))


@pytest.mark.parametrize("subtask", CALL_SUBTASKS)
def test_calling_nothing_is_not_calling(subtask):
    same = exact_match(subtask)
    assert same(NONE, NONE)
    assert not same(NONE, print_calls([A]))
    assert not same(print_calls([A]), NONE)
    assert not same(NONE, "No function fits.")
    assert not same(print_calls([A]), f"Sure! {print_calls([A])}")
    assert not same(print_calls([A]), print_calls([A, A]))


def test_names():
    same = exact_match("name_detection")
    assert same("f\ng\nf", "f\ng\nf\n")
    assert not same("f\ng", "g\nf")
    assert not same("f\ng", "f g")
    assert not same("f\ng", "f")
    assert parse_target("name_detection", "no_function") == ("no_function",)


def test_parameters():
    same = exact_match("parameter_detection")
    gold = '{"a": 1, "b": ["x", {"c": null}]}\n{"a": 2}'
    assert same(gold, '{"a":2.0} {"b":["x",{"c":null}],"a":1}')
    for wrong in (
        '{"a": 2}',
        '{"a": "1", "b": ["x", {"c": null}]}\n{"a": 2}',
        '{"a": true, "b": ["x", {"c": null}]}\n{"a": 2}',
        '{"a": 1, "b": [{"c": null}, "x"]}\n{"a": 2}',
        '{"a": 1, "b": ["x", {"c": null}]}\n{"a": 2}\n{"a": 2}',
        f"{gold} and more",
        '{"a": NaN}',
        '{"a": 1, "a": 1, "b": ["x", {"c": null}]}\n{"a": 2}',
        "[1]",
    ):
        assert not same(gold, wrong)


def test_next_function_and_reply():
    assert exact_match("next_best_function")("f", " f\n")
    assert not exact_match("next_best_function")("f", "f g")
    assert exact_match("response_generation")("It is 4.", "It  is\n4.")
    assert not exact_match("response_generation")("It is 4.", "It is 5.")


@given(st.sampled_from(sorted(RENDERERS)), st.text(max_size=60))
def test_reading_never_fails(subtask, text):
    parse_target(subtask, text)
    parse_target(subtask, '{"a": ' * 30 + text)


def test_deep_nesting_is_wrong_and_not_an_error():
    for depth in (400, 900, 100_000):
        deep = '{"a": ' * depth + "1" + "}" * depth
        assert not exact_match("parameter_detection")('{"a": 1}', deep)
