"""Answers from files, for items of any dialect and samples of them."""

from __future__ import annotations

import json

import pytest

import tasks  # noqa: F401  # declares the conventions
from granite_fc.calls.call import Call
from granite_fc.conventions import conventions
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.asked import Asked
from granite_fc.evaluation.given_answers import given_answers
from granite_fc.evaluation.items import Item
from granite_fc.evaluation.judgement import Judgement
from tasks.dialects import DIALECTS

CALLS = (Call("f", {"a": 1}), Call("g"))


def item(name, target, task="t"):
    return Item(name, "group", task, "prompt", target, lambda text: Judgement(True, {}))


def write(path, answers):
    path.write_text(
        "".join(json.dumps({"id": k, "prediction": v}) + "\n" for k, v in answers.items())
    )
    return str(path)


@pytest.mark.parametrize("theirs", DIALECTS)
@pytest.mark.parametrize("ours", DIALECTS)
def test_calls_in_any_dialect_are_judged_as_the_items_own(tmp_path, ours, theirs):
    items = [item("1", DIALECTS[ours].print_calls(CALLS))]
    path = write(tmp_path / "p.jsonl", {"1": DIALECTS[theirs].print_calls(CALLS)})
    found = given_answers(path, Asked(items, frozenset()), conventions())
    assert DIALECTS[ours].parse_calls(found["1"].text).calls == CALLS


@pytest.mark.parametrize("text", ["words", "<function_call> {", "so: <function_call> {}"])
def test_what_is_no_call_stays_as_it_is(tmp_path, text):
    items = [item("1", DIALECTS["granite"].print_calls(CALLS)), item("2", "f\ng")]
    path = write(tmp_path / "p.jsonl", {"1": text, "2": "f\ng"})
    found = given_answers(path, Asked(items, frozenset()), conventions())
    assert (found["1"].text, found["2"].text) == (text, "f\ng")


@pytest.mark.parametrize("ours", DIALECTS)
def test_calls_without_tags_are_calls_where_calls_are_asked_for(tmp_path, ours):
    objects = "\n".join(json.dumps(call.to_json()) for call in CALLS)
    values = '{"name": "Alice"}'
    texts = {"1": objects, "2": "[f(a=1), g()]", "3": values, "4": objects, "5": "[]"}
    calls = DIALECTS[ours].print_calls(CALLS)
    targets = {"1": calls, "2": calls, "3": values, "4": "It is done.", "5": "[]"}
    items = [item(name, target) for name, target in targets.items()]
    path = write(tmp_path / "p.jsonl", texts)
    found = given_answers(path, Asked(items, frozenset()), conventions())
    for name in "12":
        assert DIALECTS[ours].parse_calls(found[name].text).calls == CALLS
    assert [found[name].text for name in "345"] == [values, objects, "[]"]


def test_answers_outside_of_a_sample_are_passed_over_and_those_to_nothing_are_not(tmp_path):
    asked = Asked([item("1", "x")], frozenset({"2"}))
    found = given_answers(write(tmp_path / "p.jsonl", {"1": "x", "2": "y"}), asked, conventions())
    assert list(found) == ["1"]
    with pytest.raises(ConfigurationError, match="1 ids that are none"):
        given_answers(write(tmp_path / "q.jsonl", {"1": "x", "3": "y"}), asked, conventions())


def test_an_answer_of_a_megabyte_is_a_failure_of_its_own(tmp_path):
    path = write(tmp_path / "p.jsonl", {"1": "a" * 2**20})
    found = given_answers(path, Asked([item("1", "x")], frozenset()), conventions())
    assert found["1"].failure == "too_large"


def test_answers_to_another_request_are_refused(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps({"id": "1", "prediction": "x", "targets": "y"}) + "\n")
    with pytest.raises(ConfigurationError, match="targets"):
        given_answers(str(path), Asked([item("1", "x")], frozenset()), conventions())


@pytest.mark.parametrize("text", ['{"name": "Ana"}', "f", "[]"])
def test_what_is_not_to_be_calls_is_not_taken_for_some(tmp_path, text):
    path = write(tmp_path / "p.jsonl", {"1": text})
    found = given_answers(path, Asked([item("1", '{"name": "Ana"}')], frozenset()), conventions())
    assert found["1"].text == text


def test_a_folder_has_a_file_for_each_task(tmp_path):
    items = [item("t/1", "x", "t"), item("u/1", "x", "u")]
    write(tmp_path / "t.jsonl", {"t/1": "a"})
    with pytest.raises(ConfigurationError, match=r"no u\.jsonl"):
        given_answers(str(tmp_path), Asked(items, frozenset()), conventions())
    write(tmp_path / "u.jsonl", {"u/1": "b"})
    found = given_answers(str(tmp_path), Asked(items, frozenset()), conventions())
    assert [answer.text for answer in found.values()] == ["a", "b"]
