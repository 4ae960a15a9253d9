"""Evaluations of models side by side, as results, JSON, text and page."""

from __future__ import annotations

import io
import json
import math
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.compatibility.scores import Scores
from granite_fc.evaluation.evaluate import evaluate_model, evaluation_of
from granite_fc.evaluation.evaluation_json import evaluation_to_json
from granite_fc.evaluation.evaluation_text import print_evaluation
from granite_fc.evaluation.items import Answer, Item
from granite_fc.evaluation.judgement import Judgement, WrongPart
from granite_fc.evaluation.page.bars import Bar, bar_chart
from granite_fc.evaluation.page.differences import marked
from granite_fc.evaluation.page.evaluation_page import evaluation_page
from granite_fc.evaluation.suites.suite import Formula

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">\x1b[31m\x07\u202e&amp;</pre>'


def judge(target):
    def found(text):
        exact = text == target
        wrong = () if exact else (WrongPart("value", f"expected {target}, found {text}"),)
        return Judgement(exact, {"accuracy": (float(exact), 1.0), "exact_match": (exact, 1)}, wrong)

    return found


def item(name, group, target="right"):
    return Item(name, group, f"task of {group}", f"prompt {name}", target, judge(target))


ITEMS = [item(f"{group}/{number}", group) for group in ("a", "b") for number in range(4)]


def model(name, texts, items=ITEMS, **settings):
    answers = {
        one.item_id: text if isinstance(text, Answer) else Answer(text)
        for one, text in zip(items, texts, strict=True)
    }
    return evaluate_model(name, {"step": "1"}, items, answers, **settings)


def evaluation(*models):
    return evaluation_of("a title", {"suite": "s"}, models, {"accuracy": "share"}, ("a remark",))


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.attributes = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.words.append(data)


def test_groups_scores_and_failures_are_those_of_the_answers():
    half = Formula(
        "mean",
        "unweighted",
        lambda totals: sum(top / below for top, below in totals["accuracy"].values()) / 2,
    )
    texts = ["right", "no", "right", "right", "no", Answer("", "prompt_too_long"), "no", "right"]
    found = evaluation(model("m", texts, formulas=[half]))
    record = json.loads(json.dumps(evaluation_to_json(found)))
    (first,) = record["models"]
    assert [(g["name"], g["answers"], g["exact"]) for g in first["groups"]] == [
        ("a", 4, 3),
        ("b", 4, 1),
    ]
    assert first["all"]["exact"] == 4 and first["all"]["wrong"] == {"value": 4}
    assert first["groups"][1]["failures"] == {"prompt_too_long": 1}
    assert first["scores"] == {"mean": 0.5}
    assert "prompt_too_long" in record["definitions"] and "cut_off" not in record["definitions"]
    assert record["remarks"] == ["a remark"]


def test_models_are_compared_on_the_same_items_alone():
    first, second = model("one", ["right"] * 8), model("two", ["right"] * 4 + ["no"] * 4)
    (comparison,) = evaluation(first, second).comparisons
    assert comparison.groups["a"]["accuracy"].difference == 0
    assert comparison.groups["b"]["accuracy"].difference == -1
    assert comparison.groups["all"]["accuracy"].mcnemar.only_first == 4
    others = model("three", ["right"] * 7, items=ITEMS[1:])
    with pytest.raises(ConfigurationError, match="three: found '7 items"):
        evaluation(first, others)


def test_nothing_that_a_model_or_a_data_set_says_acts_on_the_page_or_the_terminal():
    items = [Item(HOSTILE, HOSTILE, HOSTILE, HOSTILE, "right", judge("right"))]
    texts = [HOSTILE]
    found = evaluation(model(HOSTILE, texts, items), model("other", ["right"], items))
    text = evaluation_page(found)
    page = Page(text)
    assert page.tags.count("script") == 1 and "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text
    shown = "".join(page.words)
    assert "<script>alert(1)</script>" in shown and "\\x1b[31m\\x07\\u202e&amp;</pre>" in shown
    terminal = io.StringIO()
    print_evaluation(found, Console(file=terminal, width=200, color_system=None))
    printed = terminal.getvalue()
    assert "alert(1)" in printed
    assert not set(printed) & {"\x1b", "\x07", "\u202e"}


def test_the_page_needs_no_network_and_tells_all():
    scores = Scores("a scorer", {"f1": 0.25}, ("counts twice",), 5)
    texts = ["right"] * 4 + ["almost right", "no", "no", "no"]
    page = Page(
        evaluation_page(
            evaluation(
                model("one", texts, published=[scores]),
                model("two", ["right"] * 8, published=[scores]),
            )
        )
    )
    words = " ".join(page.words)
    for expected in (
        "one",
        "two",
        "a remark",
        "share",
        "0.250",
        "counts twice",
        "McNemar",
        "50.0%",
    ):
        assert expected in words, expected
    addresses = [value for name, value in page.attributes if name in ("src", "href")]
    assert all(address.startswith("#") for address in addresses)
    assert "mark" in page.tags


@given(
    st.text(alphabet='ab <>&"\n\x1b', max_size=40), st.text(alphabet='ab <>&"\n\x1b', max_size=40)
)
def test_marks_cover_what_differs_and_lose_nothing(expected, found):
    for html, text in zip(marked(expected, found), (expected, found), strict=True):
        assert "".join(Page(html).words) == text.replace("\x1b", "\\x1b")
    assert ("<mark>" in "".join(marked(expected, found))) == (expected != found)


def test_texts_of_a_megabyte_are_shown_in_part_and_at_once():
    left, right = marked("a " * 500_000, "b " * 500_000)
    assert "characters left out" in left and len(right) < 20_000


def test_bars_end_where_their_values_say():
    chart = bar_chart("t", "n", ["m"], [("g", [Bar(0.5, 0.25, 0.75, "50 %")])])
    assert 'width="210.0"' in chart  # of 420 for 100 %
    assert "M315.0" in chart and "H525.0" in chart
    empty = bar_chart("t", "n", ["m"], [("g", [Bar(math.nan, math.nan, math.nan, "")])])
    assert "nan" not in empty and ">none<" in empty
