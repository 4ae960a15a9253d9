"""Answers from files, for items of any dialect and samples of them."""

from __future__ import annotations

import json

import pytest

import tasks  # noqa: F401  # declares the conventions
from granite_fc.calls.call import Call
from granite_fc.conventions import conventions
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.given_answers import Asked, given_answers
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


def test_a_sample_is_the_same_for_everybody_and_grows(tmp_path):
    items = [
        Item(f"{group}{n}", group, "t", "p", "x", lambda text: Judgement(True, {}))
        for n in range(20)
        for group in "ab"
    ]
    few, more = Asked.sample(items, 5), Asked.sample(items, 9)
    assert [i.group for i in few.items].count("a") == 5
    names = [i.item_id for i in few.items]
    assert set(names) < {i.item_id for i in more.items}
    assert names == [i.item_id for i in items if i.item_id in set(names)]
    assert few.not_asked == {i.item_id for i in items} - set(names)
    assert Asked.sample(items, None).items == items
    # Answers to the rest of the set are passed over, those to nothing in it are not.
    every = {i.item_id: "x" for i in items}
    found = given_answers(write(tmp_path / "p.jsonl", every), few, conventions())
    assert list(found) == names
    with pytest.raises(ConfigurationError, match="1 ids that are none"):
        given_answers(write(tmp_path / "q.jsonl", every | {"c": ""}), few, conventions())


def test_a_folder_has_a_file_for_each_task(tmp_path):
    items = [item("t/1", "x", "t"), item("u/1", "x", "u")]
    write(tmp_path / "t.jsonl", {"t/1": "a"})
    with pytest.raises(ConfigurationError, match=r"no u\.jsonl"):
        given_answers(str(tmp_path), Asked(items, frozenset()), conventions())
    write(tmp_path / "u.jsonl", {"u/1": "b"})
    found = given_answers(str(tmp_path), Asked(items, frozenset()), conventions())
    assert [answer.text for answer in found.values()] == ["a", "b"]
