"""Which calls BFCL's rules accept, and what an answer that calls nothing is taken for."""

from __future__ import annotations

import dataclasses
import itertools
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.syntax import parse_calls, print_calls
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.suites.bfcl.functions import PYTHON, Function
from granite_fc.evaluation.suites.bfcl.matching import Accepted, problem_of_call, problems_of_calls
from granite_fc.evaluation.suites.bfcl.suite import Bfcl
from granite_fc.evaluation.suites.bfcl.values import Declared

PARAMETERS = {
    "company": Declared("string", "string"),
    "days": Declared("integer", "integer"),
    "unit": Declared("string", "string"),
}
STOCK = Function("stock.price", PARAMETERS, ("company",), PYTHON)


def accepted(company=("Apple",), days=(30,), **more):
    return Accepted(STOCK, {"company": list(company), "days": list(days), **more})


@pytest.mark.parametrize(
    ("name", "arguments", "kind"),
    [
        ("stock.price", {"company": "apple", "days": 30}, None),
        ("stock_price", {"company": "Apple", "days": 30}, "name"),
        ("stock.price", {"days": 30}, "missing"),
        ("stock.price", {"company": "Apple"}, "missing"),
        ("stock.price", {"company": "Apple", "days": 30, "unit": "USD"}, "extra"),
        ("stock.price", {"company": "Apple", "days": 30, "currency": "USD"}, "extra"),
        ("stock.price", {"company": "Apple", "days": "30"}, "type"),
        ("stock.price", {"company": "Apple", "days": 31}, "value"),
    ],
)
def test_one_call(name, arguments, kind):
    problem = problem_of_call(Call(name, arguments), accepted())
    assert (problem and problem.kind) == kind


def test_an_optional_parameter_may_be_left_out_but_not_be_wrong():
    optional = accepted(unit=["USD", ""])
    assert problem_of_call(Call("stock.price", {"company": "Apple", "days": 30}), optional) is None
    wrong = Call("stock.price", {"company": "Apple", "days": 30, "unit": "EUR"})
    assert problem_of_call(wrong, optional).kind == "value"


def test_parallel_calls_are_paired_where_first_come_first_served_fails():
    gold = [accepted(("Apple", "Google")), accepted(("Apple",))]
    apple = Call("stock.price", {"company": "Apple", "days": 30})
    google = Call("stock.price", {"company": "Google", "days": 30})
    # The first accepted call would take Apple, and leave Google to the one that wants Apple alone.
    assert problems_of_calls([apple, google], gold) == []
    assert problems_of_calls([google, apple], gold) == []
    assert [p.kind for p in problems_of_calls([google, google], gold)] == ["value"]
    assert [p.kind for p in problems_of_calls([apple], gold)] == ["count"]
    assert [p.kind for p in problems_of_calls([apple, apple, apple], gold)] == ["count"]


@given(
    st.integers(1, 5).flatmap(
        lambda n: st.tuples(
            st.lists(st.sets(st.sampled_from("abcde"), min_size=1), min_size=n, max_size=n),
            st.lists(st.sampled_from("abcdef"), min_size=n, max_size=n),
        )
    )
)
def test_pairing_is_found_if_and_only_if_there_is_one(drawn):
    companies, chosen = drawn
    gold = [accepted(sorted(names)) for names in companies]
    calls = [Call("stock.price", {"company": name, "days": 30}) for name in chosen]
    exists = any(
        all(name in names for name, names in zip(order, companies, strict=True))
        for order in itertools.permutations(chosen)
    )
    assert (problems_of_calls(calls, gold) == []) == exists


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A suite of a handful of items in BFCL's files."""
    folder = tmp_path_factory.mktemp("bfcl")
    (folder / "possible_answer").mkdir()
    schema = {"type": "dict", "properties": {"k": {"type": "integer", "description": "how many"}}}
    function = {"name": "a.f", "description": "", "parameters": {**schema, "required": ["k"]}}
    question = [[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Go"}]]
    for category in ("simple_python", "irrelevance", "live_relevance"):
        row = {"id": f"{category}_0", "question": question, "function": [function]}
        (folder / f"BFCL_v4_{category}.json").write_text(json.dumps(row) + "\n")
    answer = {"id": "simple_python_0", "ground_truth": [{"a.f": {"k": [1]}}]}
    path = folder / "possible_answer" / "BFCL_v4_simple_python.json"
    path.write_text(json.dumps(answer) + "\n")
    return folder


CATEGORIES = ("simple_python", "irrelevance", "live_relevance")
RIGHT = '<function_call> {"name": "a.f", "arguments": {"k": 1}}'


@pytest.mark.parametrize(
    ("text", "official", "strict", "relevant", "kinds"),
    [
        ('<function_call> {"name": "no_function", "arguments": {}}', 1, 1, 0, ("refusal",)),
        ("I cannot do that with what I have.", 1, 1, 0, ("refusal",)),
        ("The name: Bob (of a function) is unknown.", 1, 1, 0, ("refusal",)),
        ("For the transaction: which account?", 1, 1, 0, ("refusal",)),
        ("Thought: call it\nAction: a.f\nAction Input: 1", 1, 0, 0, ("parse",)),
        ("", 1, 0, 0, ("parse",)),
        ('<tool_call> {"name": "a.f", "arg', 1, 0, 0, ("parse",)),
        ('<function_call> {"name": "a.f", "arguments": {"k": 1', 1, 0, 0, ("parse",)),
        ('Sure: {"name": "a.f", "arguments": {"k": 1}}', 1, 0, 0, ("parse",)),
        ("a.f(k=1)", 1, 0, 0, ("parse",)),
        ("I would use a.f(k=1) here", 1, 0, 0, ("parse",)),
        ("[other(k=1)]", 1, 0, 0, ("parse",)),
        ("```json\n[]", 1, 0, 0, ("parse",)),
        (RIGHT, 0, 0, 1, ()),
        (f"Let me see. {RIGHT}", 0, 0, 1, ()),
        (f"{RIGHT} and so on", 1, 0, 0, ("parse",)),
    ],
)
def test_abstention_official_and_strict(written, text, official, strict, relevant, kinds):
    suite = Bfcl.load(written, CATEGORIES)
    judged = {i.category: suite.judge(i, suite.read(i, text, parse_calls)) for i in suite.items}
    irrelevance = judged["irrelevance"].counts
    assert irrelevance["accuracy"] == (official, 1)
    assert irrelevance["strict_abstention"] == (strict, 1)
    assert judged["live_relevance"].counts["accuracy"] == (relevant, 1)
    assert tuple(part.kind for part in judged["simple_python"].wrong) == kinds
    # One answer is the same thing in every table.
    assert irrelevance["abstention_recall"] == (strict, 1)
    for name in ("simple_python", "live_relevance"):
        refusal = [part.kind for part in judged[name].wrong] == ["refusal"]
        assert judged[name].counts["needless_refusals"] == (refusal, 1) == (strict, 1)
    for judgement in judged.values():
        assert judgement.exact == (not judgement.wrong)
        assert judgement.counts["exact_match"] == (judgement.exact, 1)
        assert judgement.counts["parse_rate"] == (
            "parse" not in (p.kind for p in judgement.wrong),
            1,
        )
        assert judgement.counts.keys() & {"exact_match", "parse_rate"} <= suite.definitions.keys()


def test_general_metrics_are_counted_beside_the_suites_own(written):
    suite = Bfcl.load(written, CATEGORIES)
    item = suite.items[0]
    text = '<function_call> {"name": "b", "arguments": {}}'
    counts = suite.judge(item, suite.read(item, text, parse_calls)).counts
    assert counts["accuracy"] == (0, 1) and counts["hallucinated_names"] == (1, 1)
    assert counts["name_f1"] == (0, 2) and counts["parse_rate"] == (1, 1)


def test_names_with_dots_may_have_been_offered_with_underscores(written):
    text = '<function_call> {"name": "a_f", "arguments": {"k": 1}}'
    for dots, right in ((False, False), (True, True)):
        suite = dataclasses.replace(Bfcl.load(written, CATEGORIES), dots_as_underscores=dots)
        item = suite.items[0]
        judgement = suite.judge(item, suite.read(item, text, parse_calls))
        assert judgement.exact == right
        assert judgement.counts["hallucinated_names"] == (not right, 1)


def test_a_name_that_is_on_offer_as_it_is_stays(written):
    suite = dataclasses.replace(Bfcl.load(written, CATEGORIES), dots_as_underscores=True)
    functions = (
        FunctionSpec("a_f", "", {"type": "object", "properties": {}}),
        *suite.items[0].functions,
    )
    item = dataclasses.replace(suite.items[0], functions=functions)
    text = '<function_call> {"name": "a_f", "arguments": {"k": 1}}'
    assert [call.name for call in suite.read(item, text, parse_calls).parsed.calls] == ["a_f"]


def test_what_the_system_says_comes_before_the_user(written):
    (turn,) = Bfcl.load(written, CATEGORIES).items[0].conversation
    assert turn.text == "Be brief.\n\nGo"


def test_data_that_is_not_there_is_told_how_to_get(tmp_path, written, monkeypatch):
    with pytest.raises(ConfigurationError, match=r"pip install .*==2026\.3\.23`.*--suite_dir=DIR"):
        Bfcl.load(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"no package bfcl-eval.*--suite_dir=DIR"):
        Bfcl.load()
    with pytest.raises(ConfigurationError, match="simple_java"):
        Bfcl.load(written)
    with pytest.raises(ConfigurationError, match="multi_turn_base"):
        Bfcl.load(written, ["multi_turn_base"])
    (tmp_path / "BFCL_v4_simple_python.json").write_text('{"id": "x", "question": [], "function"')
    with pytest.raises(ConfigurationError, match=r"simple_python\.json"):
        Bfcl.load(tmp_path, ["simple_python"])


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        " " * 1_000_000 + "(",
        RIGHT * 5_000,
        print_calls([Call("a.f", {"k": "[" * 1_000_000})]),
        '<function_call> {"name": "a.f", "arguments": {"k": ' + "[" * 10_000 + "]" * 10_000 + "}}",
        "\x00\x1b[31m" * 100_000,
        '"name" ' * 100_000,
        "\n [ " * 200_000,
    ],
)
def test_hostile_answers_are_wrong_in_linear_time(written, text):
    suite = Bfcl.load(written, CATEGORIES)
    begun = time.process_time()
    for item in suite.items:
        judgement = suite.judge(item, suite.read(item, text, parse_calls))
        assert item.category != "simple_python" or not judgement.exact
        assert sum(len(part.detail) for part in judgement.wrong) < 5_000
    assert time.process_time() - begun < 20
