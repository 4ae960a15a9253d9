"""Strings, numbers and schemas: what a grammar takes is what their definitions say."""

from __future__ import annotations

import json
import math
import random
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from granite_fc.calls.reference import from_json_value, to_json_value
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.strict_json import encode
from granite_fc.decoding.grammars.json_strings import UNOPENED, JsonString, Spelling
from granite_fc.decoding.grammars.numbers import integers, numbers
from granite_fc.decoding.grammars.parameter_values import ParameterValuesGrammar
from granite_fc.decoding.grammars.progress import Progress
from granite_fc.decoding.grammars.tokens import tokens_of
from tests.decoding.grammars.writing import byte_level, draw, refused_at, sentencepiece

MARKERS = ("<tool_call>", "</tool_call>", "<|x|>")
pieces = st.sampled_from(["$", "$var_", "1", '"', "\\", "\n", "\x1f", "é", "𝄞", "<", *MARKERS, "a"])
texts = st.one_of(st.lists(pieces, max_size=6).map("".join), st.text(max_size=6))


def takes(string: JsonString, data: bytes) -> bool:
    state = UNOPENED
    for index, byte in enumerate(data):
        state = string.advance(state, byte)
        if isinstance(state, bool):
            return state and index == len(data) - 1
    return False


def matches(node, text: str) -> bool:
    prices = tokens_of(byte_level()).prices()
    progress = Progress.begin(node, prices)
    for byte in text.encode():
        progress = progress.advance(byte, prices)
    return progress.may_end


@settings(max_examples=150)
@given(texts, st.integers(0, 3), st.integers(0, 6), st.booleans(), st.sampled_from([0, 1]))
def test_a_string_is_taken_as_it_is_printed(text, low, high, is_literal, quoted):
    assume(low <= high and not re.search("[\ud800-\udfff]", text))
    markers = MARKERS if not quoted else ()
    string = JsonString(low, high, Spelling(quoted, markers), is_literal)
    written = string.spelling.spell(encode(to_json_value(text) if is_literal else text))
    # A literal that has to be escaped may be taken for a character longer than it is, or be left
    # out where it must not be too short.
    is_escaped = is_literal and (to_json_value(text) != text or text.startswith("$$"))
    if not is_escaped:
        assert takes(string, written.encode()) == (low <= len(text) <= high)
        assert (re.fullmatch(string.regex(), written) is not None) == (low <= len(text) <= high)
    elif takes(string, written.encode()):
        assert low <= len(text) <= high


@settings(max_examples=150)
@given(st.lists(st.sampled_from([*b'"\\abnu0c1$var_<>/tool\xc3\xa9\xed\xa0\xf0']), max_size=9))
def test_whatever_is_taken_is_one_string_of_json(inside):
    data = b'"' + bytes(inside) + b'"'
    for is_literal in (True, False):
        if takes(JsonString(1, 6, Spelling(0, MARKERS), is_literal), data):
            value = json.loads(data.decode())
            assert isinstance(value, str)
            assert not any(marker in data.decode() for marker in MARKERS)
            if is_literal:
                assert isinstance(from_json_value(value), str)
                assert 1 <= len(from_json_value(value)) <= 6


@pytest.mark.parametrize("high", [0, 2, 60])
def test_the_least_that_a_string_needs_ends_it(high):
    rng = random.Random(high)
    for spelling in (Spelling(0, MARKERS), Spelling(1)):
        string = JsonString(min(high, 1), high, spelling)
        for _ in range(30):
            state, needed = UNOPENED, string.bytes_needed(UNOPENED)
            while not isinstance(state, bool):
                following = [string.advance(state, byte) for byte in range(256)]
                prices = [0 if s is True else string.bytes_needed(s) for s in following if s]
                # A byte brings the end nearer, and none by more than it is.
                assert min(prices) == needed - 1
                state = rng.choice([s for s in following if s])
                needed = 0 if state is True else string.bytes_needed(state)


@settings(max_examples=60)
@given(st.integers(-1200, 1200), st.integers(0, 1500), st.integers(1, 4))
def test_integers_are_those_between_their_bounds(low, span, digits):
    high = low + span
    node = integers(low, high, digits)
    for number in {low - 1, low, low + 1, (low + high) // 2, high - 1, high, high + 1, 0, -1, 999}:
        expected = low <= number <= high and len(str(abs(number))) <= digits
        assert matches(node, str(number)) == expected
    assert not any(matches(node, text) for text in ("", "-", "-0", "01", "1.0", "+1"))


@settings(max_examples=60)
@given(st.floats(-50, 50), st.floats(0, 80), st.floats(-150, 150))
def test_numbers_fit_their_bounds(low, span, number):
    high = low + span
    whole = math.trunc(number)
    for node, bounds in (
        (numbers(low, high, 3, 4), (low, high)),
        (numbers(-math.inf, high, 3, 4), (-math.inf, high)),
        (numbers(math.nextafter(low, math.inf), math.inf, 3, 4), (low, math.inf)),
    ):
        for text in (str(whole), encode(round(number, 3)), encode(number * 1e-9), f"{whole}.0"):
            if matches(node, text):
                assert bounds[0] <= float(text) <= bounds[1]
    free = numbers(-math.inf, math.inf, 15, 12)
    for given_number in (whole, round(number, 3), number * 1e30, 6.674e-11, 1e16):
        written = encode(round(given_number, 40) if abs(given_number) < 1 else given_number)
        if len(re.sub("[^0-9]", "", written.partition("e")[0])) <= 13:
            assert matches(free, written), written


def lines(schema):
    parameters = {"type": "object", "properties": {"v": schema}}
    return ParameterValuesGrammar([FunctionSpec("f", "", parameters)])


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"type": "integer", "multipleOf": 5, "minimum": 7}, [10, 15], [5, 7, 12]),
        ({"type": "string", "pattern": "^a+$"}, ["aa", "a"], ["", "b", "ab"]),
        (
            {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            [["a", "b"]],
            [["a", "a"]],
        ),
        ({"type": "array", "items": {"enum": [1, "x"]}, "uniqueItems": True}, [["x", 1]], [[1, 1]]),
        (
            {"type": "array", "prefixItems": [{"const": 1}], "items": False},
            [[], [1]],
            [[2], [1, 1]],
        ),
        ({"type": "object"}, [{}, {"": [{"b": None}], "a": 1}], [3]),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, ["a", 1], [1.5, None]),
        ({"allOf": [{"type": "integer"}, {"minimum": 3}, {"maximum": 4}]}, [3, 4], [2, 5]),
        ({"not": {"type": "string"}, "examples": [3, "a"]}, [3], ["a", 4]),
        ({"type": ["integer", "null"], "enum": [1, None, "x"]}, [1, None], ["x", 2]),
        ({"const": {"a": [1]}}, [{"a": [1]}], [{"a": []}]),
        (
            {
                "type": "object",
                "properties": {"a": {}, "b": {"type": "string"}},
                "dependentRequired": {"a": ["b"]},
                "additionalProperties": {"type": "integer"},
            },
            [{"b": ""}, {"c": 1, "d": 2}, {"b": "x", "c": 3}],
            [{"a": 1}, {"c": "x"}, {"b": 1}],
        ),
    ],
)
def test_values_fit_their_schema(schema, right, wrong):
    grammar = lines(schema)
    for value in right:
        assert refused_at(grammar, json.dumps({"v": value}), byte_level()) is None, value
    for value in wrong:
        assert refused_at(grammar, json.dumps({"v": value}), byte_level()) is not None, value


def test_a_field_comes_once():
    grammar = lines({"type": "object", "properties": {"a": {}}, "additionalProperties": True})
    twice = '{"v": {"a": 1, "b": 2, "b": 3}}'
    assert refused_at(grammar, twice, byte_level()) is not None
    assert refused_at(grammar, '{"v": {"b": 2, "a": 1}}', byte_level()) is not None
    assert refused_at(grammar, '{"v": {"a": 1, "b": 2, "bb": 3}}', byte_level()) is None


def test_parameter_values_are_lines_of_some_parameters():
    functions = [
        FunctionSpec(
            "f", "", {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]}
        ),
        FunctionSpec("g", "", {"type": "object", "properties": {"c": {"type": "integer"}}}),
    ]
    grammar = ParameterValuesGrammar(functions)
    for right in ("{}", '{"b": 1}', '{"c": 1}\n{"a": "$var_1", "b": 2}\n{"c": 3}'):
        assert refused_at(grammar, right, sentencepiece()) is None, right
    for wrong in ("{}\n{}", '{"b": 1, "a": 1}', '{"a": 1, "c": 2}', '{"c": "x"}', '{"c": 1}\n'):
        assert refused_at(grammar, wrong, sentencepiece()) is not None, wrong
    rng = random.Random(0)
    for _ in range(10):
        text = byte_level().decode(draw(grammar, byte_level(), 90, rng)[:-1])
        for line in map(json.loads, text.split("\n")):
            assert set(line) <= {"a", "b"} or set(line) == {"c"}
