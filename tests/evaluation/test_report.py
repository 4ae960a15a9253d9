"""The report, read back with an HTML parser as a browser would."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from granite_fc.evaluation.charts import Series, line_chart
from granite_fc.evaluation.report import write_report
from granite_fc.evaluation.run_record import RunRecord
from granite_fc.evaluation.summary import ExactMatch, SubtaskSummary


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.addresses = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def model_dir(tmp_path):
    rows = [
        {"run": "train", "step": 10, "loss/nested_calls": 3.0, "grad_norm": 1.0},
        {"run": "train", "step": 20, "loss/nested_calls": 2.0, "grad_norm": 0.5},
        {"run": "train", "step": 20, "loss/nested_calls": 1.5, "grad_norm": 0.4},
        {"run": "training_eval/x_nested_calls", "step": 20, "loss": 1.25, "accuracy": 0.5},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "metrics.jsonl").write_text(text + '{"run": "train", "st')
    (tmp_path / "config.gin").write_text("BATCH_SIZE = 8\n")
    answers = tmp_path / "predictions" / "20"
    answers.mkdir(parents=True)
    entry = {"inputs": "<b>in</b>", "targets": "want", "prediction": "got & more", "exact": False}
    (answers / "x_nested_calls.jsonl").write_text(json.dumps(entry) + "\n")
    return tmp_path


def test_a_resumed_run_reads_as_one(model_dir):
    record = RunRecord.read(model_dir)
    assert record.series("train", "loss/nested_calls") == [(10, 3.0), (20, 1.5)]
    assert record.scalars("train", "loss/") == ["loss/nested_calls"]


def test_the_page_stands_alone_and_says_what_happened(model_dir):
    path = write_report(
        model_dir,
        title="A run",
        facts={"parameters": "1,234"},
        lines=[SubtaskSummary("nested_calls", 5.0, 1.0, 0.75, ExactMatch(1, 40))],
        subtask_of={"x_nested_calls": "nested_calls"},
        formulas={"mfu": "a formula"},
    )
    page = Page(path.read_text())
    assert all(address.startswith("#") for address in page.addresses)
    words = " ".join(page.words)
    for expected in ["1,234", "0.200", "75.0%", "2.5%", "still near zero", "BATCH_SIZE = 8"]:
        assert expected in words
    assert "got & more" in words
    assert "<b>in</b>" in words, "text of the data must not become markup"
    assert page.tags.count("svg") >= 4


def test_chart_points_stand_where_their_values_say():
    figure = line_chart(
        "t", "n", [Series("s", [(0, 1.0), (5, 10.0), (10, 100.0)])], logarithmic=True
    )
    svg = ElementTree.fromstring(figure[figure.index("<svg") : figure.index("</svg>") + 6])
    points = [
        tuple(map(float, p.split(","))) for p in svg.find(".//polyline").get("points").split()
    ]
    (x0, y0), (x1, y1), (x2, y2) = points
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)
    assert y0 > y1 > y2, "larger values stand higher"


def test_values_that_cannot_be_drawn_are_left_out():
    figure = line_chart(
        "t", "n", [Series("a", [(0, math.nan), (1, 2.0)]), Series("b", [(0, math.inf)])]
    )
    assert "nan" not in figure
    assert 'data-name="b"' not in figure
    assert "Nothing recorded" in line_chart("t", "n", [Series("b", [(0, 0.0)])], logarithmic=True)
