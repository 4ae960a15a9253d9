"""NESTFUL: its notation, its items and how answers to them are judged."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.reference import Reference
from granite_fc.calls.syntax import parse_calls, print_calls
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.suites.nestful.files import read_rows
from granite_fc.evaluation.suites.nestful.notation import call_of, text_in_our_notation
from granite_fc.evaluation.suites.nestful.suite import Nestful
from granite_fc.evaluation.suites.registry import SUITES, load_suite
from tests.evaluation.suites.answered import answered, totals_of
from tests.real_data import DATA_DIR, needs_public_data

SEARCH = {"name": "search", "arguments": {"query": "New York"}, "label": "var1"}
OTHER = {"name": "search", "arguments": {"query": "London"}, "label": "var2"}
BOOK = {
    "name": "book",
    "arguments": {"from": "$var1.airports[0].id$", "to": "$var2.id$", "note": "x $var1.id$"},
    "label": "var3",
}
RESULT = {"name": "var_result", "arguments": {"flight": "$var3$"}}


def text_of(*calls):
    return "\n".join(f"<function_call> {json.dumps(call)}" for call in calls)


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """Three parts of one item each."""
    folder = tmp_path_factory.mktemp("nestful")
    (folder / "data" / "executable").mkdir(parents=True)
    (folder / "data" / "non-executable").mkdir()
    row = {"input": "Fly", "output": [SEARCH, OTHER, BOOK, RESULT]}
    query = {"type": "String", "required": True, "description": "what"}
    spec = {
        "name": "search",
        "description": "Searches.",
        "query_parameters": {"query": query, "kind": {"type": "file", "enum": ["a"]}},
        "output_parameters": {"id": {"type": "Number", "description": "an id"}},
    }
    for part in ("executable/executable", "non-executable/non-executable-glaive"):
        (folder / "data" / f"{part}-data.json").write_text(json.dumps([row]))
        (folder / "data" / f"{part}-spec.json").write_text(json.dumps([spec, spec]))
    sgd = folder / "data" / "non-executable" / "non-executable-sgd"
    # The label of the first call again, and then what it should have been.
    again = [SEARCH, {**BOOK, "arguments": {"from": "$var1.id$"}, "label": "var1"}]
    pay = {"name": "pay", "arguments": {"flight": "$var2.id$"}, "label": "var3"}
    sgd.with_name(f"{sgd.name}-data.json").write_text(
        json.dumps([{"input": "Pay", "output": [*again, pay, RESULT]}])
    )
    sgd.with_name(f"{sgd.name}-spec.json").write_text(json.dumps([spec]))
    return Nestful.load(folder)


def judged(suite, text, index=0):
    item = suite.items[index]
    return suite.judge(item, suite.read(item, text, parse_calls))


def test_items(suite):
    first, _, last = suite.items
    assert [item.category for item in suite.items] == ["executable", "glaive", "sgd"]
    assert [call.label for call in first.gold] == ["$var_1", "$var_2", "$var_3"]
    assert first.gold[2].arguments == {
        "from": Reference("$var_1", ("airports", 0, "id")),
        "to": Reference("$var_2", ("id",)),
        "note": "x $var_1.id$",
    }
    # A label that was there before is that of its position, as later references take it to be.
    assert [call.label for call in last.gold] == ["$var_1", "$var_2", "$var_3"]
    assert last.gold[2].arguments == {"flight": Reference("$var_2", ("id",))}
    (spec,) = first.functions
    assert spec.required == ("query",) and spec.properties["query"]["type"] == "string"
    assert spec.properties["kind"] == {"enum": ["a"]}
    assert spec.output["properties"]["id"]["type"] == "number"


@pytest.mark.parametrize(
    "calls",
    [
        [SEARCH, OTHER, BOOK, RESULT],
        [SEARCH, OTHER, BOOK],
        [{**OTHER, "label": "$var_2"}, SEARCH, BOOK],
    ],
)
def test_either_notation_in_any_order_that_the_graph_allows_is_right(suite, calls):
    judgement = judged(suite, f"Here you are: {text_of(*calls)}")
    assert judgement.exact and judgement.counts["accuracy"] == (1, 1)


def test_labels_are_names(suite):
    renamed = json.loads(json.dumps([SEARCH, OTHER, BOOK]).replace("var2", "var7"))
    assert judged(suite, text_of(*renamed)).exact


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda calls: calls[:2], "count"),
        (lambda calls: [calls[0], calls[0], calls[2]], "value"),
        (lambda calls: [{**c, "name": "find"} for c in calls[:1]] + calls[1:], "name"),
        (
            lambda calls: json.loads(
                json.dumps(calls).replace("$var1.airports[0].id$", "$var2.airports[0].id$")
            ),
            "reference",
        ),
        (lambda calls: [RESULT], "refusal"),
    ],
)
def test_mistakes(suite, change, kind):
    judgement = judged(suite, text_of(*change([SEARCH, OTHER, BOOK])))
    assert not judgement.exact and judgement.counts["accuracy"] == (0, 1)
    assert kind in [part.kind for part in judgement.wrong]


@pytest.mark.parametrize(
    ("text", "kind", "is_read"),
    [
        (text_of({"name": "no_function", "arguments": {}}), "refusal", 1),
        ("I cannot do that.", "refusal", 1),
        (f"Done: {text_of(RESULT)}", "refusal", 1),
        ("search(query='x')", "parse", 0),
        ("", "parse", 0),
    ],
)
def test_a_refusal_is_one_in_every_table(suite, text, kind, is_read):
    judgement = judged(suite, text)
    assert [part.kind for part in judgement.wrong] == [kind]
    assert judgement.counts["needless_refusals"] == (kind == "refusal", 1)
    assert judgement.counts["parse_rate"] == (is_read, 1)
    assert {"exact_match", "parse_rate", "needless_refusals"} <= suite.definitions.keys()


def test_a_reference_without_its_end_is_none(suite):
    text = text_of(SEARCH, OTHER, BOOK).replace("$var2.id$", "$var2.id")
    assert [part.kind for part in judged(suite, text).wrong] == ["parse"]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ('{"label": "var12", "a": "$var12$"}', '{"label": "$var_12", "a": "$var_12$"}'),
        ('{"label": "$var_1", "a": "$var_1.b.0$"}', '{"label": "$var_1", "a": "$var_1.b.0$"}'),
        ('"$var1.b[2][0].c d$"', '"$var_1.b.2.0.c d$"'),
        ('"$var1.a$ + $var2.b$"', '"$$var_1.a$ + $var_2.b$"'),
        ('"$$var_1.a$ + $var_2.b$"', '"$$var_1.a$ + $var_2.b$"'),
        ('"5 * $var1.rate$"', '"5 * $var_1.rate$"'),
        ('"$100-$200 $variable"', '"$100-$200 $variable"'),
        ('"$var1.a"', '"$var_1.a"'),
    ],
)
def test_notation(theirs, ours):
    assert text_in_our_notation(theirs) == ours
    assert text_in_our_notation(ours) == ours


NAMES = st.from_regex(r"[a-z][a-z _]{0,5}", fullmatch=True)


@given(st.integers(0, 99), st.lists(NAMES | st.integers(0, 99), max_size=4))
def test_references_of_version_1_are_read_as_they_mean(number, path):
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    obj = {"name": "f", "arguments": {"k": [f"$var{number}{steps}$"]}}
    call = call_of(obj, 1, set())
    assert call.arguments == {"k": [Reference(f"$var_{number}", tuple(path))]}
    assert parse_calls(text_in_our_notation(text_of(obj))).calls == (call,)


@given(
    st.lists(st.builds(Call, NAMES, st.dictionaries(NAMES, st.text() | st.integers())), max_size=3)
)
def test_our_own_notation_stays_as_it_is(calls):
    text = print_calls(calls)
    if "$var" not in text:
        assert text_in_our_notation(text) == text


@pytest.mark.parametrize("unit", ['"$var1', '"label":', "$var1.", '"label": "var1"', '\\"$var1.'])
def test_hostile_text_takes_linear_time(suite, unit):
    begun = time.process_time()
    judged(suite, unit * (1_000_000 // len(unit)))
    assert time.process_time() - begun < 20


@needs_public_data
def test_gold_replay_of_version_1():
    suite = load_suite("nestful", DATA_DIR / "NESTFUL")
    judged = answered(suite)
    assert [item.id for item, judgement in judged if not judgement.exact] == []
    accuracy = totals_of(judged)["accuracy"]
    assert accuracy == {"executable": (85, 85), "glaive": (169, 169), "sgd": (46, 46)}
    assert [formula.compute(totals_of(judged)) for formula in suite.formulas] == [1]


@needs_public_data
def test_gold_and_some_others_are_on_offer_in_version_1():
    first, again = (Nestful.load(DATA_DIR / "NESTFUL").items for _ in range(2))
    known = {spec.name for item in first for spec in item.functions}
    for item, same in zip(first, again, strict=True):
        names = [spec.name for spec in item.functions]
        assert len(names) == len(set(names)) == 10
        assert {call.name for call in item.gold} & known <= set(names)
        assert item.functions == same.functions
    assert len({item.functions for item in first}) > 250


@needs_public_data
def test_gold_as_it_is_published_is_right_but_where_it_repeats_a_label():
    suite = Nestful.load(DATA_DIR / "NESTFUL")
    rows = {row.id: row for row in read_rows(DATA_DIR / "NESTFUL")}
    judged = answered(suite, lambda item: text_of(*rows[item.id].calls))
    wrong = [item.id for item, judgement in judged if not judgement.exact]
    assert wrong == ["glaive_45", "glaive_94", "sgd_18", "sgd_34"]


def test_a_file_of_version_2(tmp_path):
    output = [
        {"name": "add", "label": "$var_1", "arguments": {"arg_0": 6, "arg_1": 4}},
        {"name": "add", "label": "$var_2", "arguments": {"arg_0": "$var_1.result$", "arg_1": 1}},
    ]
    tool = {
        "name": "add",
        "description": "Adds.",
        "parameters": {"arg_0": {"type": "int or float"}, "arg_1": {"type": "int or float"}},
        "output_parameters": {"result": {"type": "int or float"}},
    }
    row = {
        "sample_id": "a",
        "input": "Add",
        "output": json.dumps(output),
        "tools": json.dumps([tool]),
    }
    path = tmp_path / "nestful_data.jsonl"
    path.write_text(json.dumps(row) + "\n")
    suite = load_suite("nestful", path)
    assert judged(suite, text_of(*output)).exact
    assert suite.items[0].id == "a" and set(suite.items[0].functions[0].properties) == {
        "arg_0",
        "arg_1",
    }


def test_requests_of_version_2_have_their_own_functions(tmp_path):
    # Results of many sizes: what they leave behind in memory is taken by lists of later requests.
    rows = [
        {
            "sample_id": str(number),
            "input": "Go",
            "output": [
                {"name": f"f{number}", "arguments": {}},
                {"name": "var_result", "arguments": {"x": [[1]] * (number * 7 % 10)}},
            ],
            "tools": [{"name": f"{name}{number}"} for name in "fgh"[: 1 + number % 3]],
        }
        for number in range(300)
    ]
    path = tmp_path / "nestful_data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    items = load_suite("nestful", path).items
    offered = [[spec.name for spec in item.functions] for item in items]
    assert offered == [[tool["name"] for tool in row["tools"]] for row in rows]


def test_data_that_is_not_there_is_told(tmp_path):
    for path in (None, tmp_path):
        with pytest.raises(ConfigurationError, match=r"github\.com/IBM/NESTFUL .*--suite_dir=DIR"):
            load_suite("nestful", path)
    (tmp_path / "x.jsonl").write_text('{"input": "a"}\n')
    with pytest.raises(ConfigurationError, match="line 1"):
        load_suite("nestful", tmp_path / "x.jsonl")
    with pytest.raises(ConfigurationError, match="bfcl, nestful"):
        load_suite("gorilla")
    assert all(entry.about and entry.needs for entry in SUITES.values())
