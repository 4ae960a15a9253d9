"""Suites as items of an evaluation, in the words of a tasks package."""

from __future__ import annotations

import json

from granite_fc.calls.syntax import parse_calls
from granite_fc.evaluation.suites.bfcl.suite import Bfcl
from granite_fc.evaluation.suites.items import suite_items
from granite_fc.evaluation.suites.suite import ACCURACY


class Conventions:
    """What of the interface a suite needs."""

    def prompt_for_calls(self, functions, conversation):
        return f"{[spec.name for spec in functions]} {conversation[-1].text}"

    def read_calls(self, text):
        return parse_calls(text)

    def call_grammar(self, functions, conversation):
        return None

    def calls_end(self, text):
        return None


def test_items_are_asked_and_judged(tmp_path):
    (tmp_path / "possible_answer").mkdir()
    function = {"name": "f", "description": "", "parameters": {"type": "dict", "properties": {}}}
    row = {"id": "x", "question": [[{"role": "user", "content": "Go"}]], "function": [function]}
    (tmp_path / "BFCL_v4_simple_python.json").write_text(json.dumps(row))
    answer = {"id": "x", "ground_truth": [{"f": {}}]}
    (tmp_path / "possible_answer" / "BFCL_v4_simple_python.json").write_text(json.dumps(answer))
    (item,) = suite_items(Bfcl.load(tmp_path, ["simple_python"]), Conventions())
    assert (item.item_id, item.group, item.task) == ("x", "simple_python", "bfcl")
    assert item.prompt == "['f'] Go"
    assert item.judge(item.target).exact
    assert item.judge("no").counts[ACCURACY] == (0, 1)


def test_a_request_that_was_not_put_earns_nothing(tmp_path):
    function = {"name": "f", "description": "", "parameters": {"type": "dict", "properties": {}}}
    row = {"id": "x", "question": [[{"role": "user", "content": "Go"}]], "function": [function]}
    (tmp_path / "BFCL_v4_simple_python.json").write_text("")
    (tmp_path / "BFCL_v4_irrelevance.json").write_text(json.dumps(row))
    (item,) = suite_items(Bfcl.load(tmp_path, ["irrelevance"]), Conventions())
    # By the official rule silence abstains; nobody was asked here.
    assert item.judge("").counts[ACCURACY] == (1, 1)
    unasked = item.judge(None)
    assert unasked.counts[ACCURACY] == (0, 1) and not unasked.exact and unasked.wrong
