"""Functions stay callable whatever keywords their schemas have, and their calls fit them."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.spec import FunctionSpec
from granite_fc.decoding.grammars.calls import CallsGrammar
from granite_fc.decoding.grammars.json_strings import Spelling
from granite_fc.decoding.grammars.patterns import matching_string
from tasks.dialects import DIALECTS
from tests.decoding.grammars.conformity import problems_of_calls
from tests.decoding.grammars.test_texts import matches
from tests.decoding.grammars.writing import byte_level, draw, refused_at

GRANITE = DIALECTS["granite"]
DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
STRING, INTEGER, NUMBER = ({"type": name} for name in ("string", "integer", "number"))
# A schema, values that have to be admitted, values that must not be, and whether it is narrowed.
KEYWORDS = [
    ({**STRING, "pattern": DATE}, ["2025-01-31"], ["2025-1-31", "2025-01-311", ""], False),
    ({**STRING, "pattern": "b+c"}, ["bc", "abbcd", 'é"\n\\bc'], ["b", "cb", "$var_1$"], False),
    ({**STRING, "pattern": "^[A-Z]+$", "maxLength": 3}, ["A", "ABC"], ["ABCD", "", "a"], False),
    ({**STRING, "pattern": "^.*x.*$", "minLength": 4}, ["abcx", "xabcd"], ["abx", "abcd"], True),
    ({**STRING, "pattern": r"^\$\d+(\.\d\d)?$"}, ["$5", "$10.99"], ["$", "5", "$5.9"], False),
    ({**STRING, "pattern": "^(?i:yes|no)$", "default": "YES"}, ["YES"], ["y"], True),
    ({**STRING, "pattern": r"^(?=.*\d)(?=.*[a-z]).{6,}$"}, ["abc123"], ["abc", "1234567"], True),
    ({**STRING, "minLength": 450}, ["a" * 450, "b" * 450], ["a" * 449], False),
    ({"type": "array", "items": INTEGER, "minItems": 30}, [[1] * 30], [[1] * 29], False),
    ({**INTEGER, "multipleOf": 1}, [0, 7, 100, 123456, -12], [], False),
    ({**INTEGER, "multipleOf": 5}, [500, -5, 0, 1000005], [501, 3, -7], False),
    ({**INTEGER, "multipleOf": 100, "minimum": 150}, [200, 1000, 98765400], [100, 250, 0], False),
    ({**INTEGER, "multipleOf": 8, "maximum": 4000}, [8, 1000, -1016, 4000], [4, 4008], False),
    ({**INTEGER, "multipleOf": 7, "minimum": 0, "maximum": 700}, [0, 7, 693], [1, 707], False),
    ({**INTEGER, "multipleOf": 7}, [0, 77, -77], [1], True),
    ({**NUMBER, "multipleOf": 0.5}, [1, 2.5, 1000.5, -3.5, 0.5], [0.25, 1.4], False),
    ({**NUMBER, "multipleOf": 0.01}, [12.5, 100, 0.25, -12.75], [0.125, 0.001], True),
    ({"not": {"type": "string"}}, [1, True, None], ["a"], True),
    ({**STRING, "not": {"enum": ["a", "b"]}}, ["1"], ["a", "b"], True),
    ({"type": "array", "items": INTEGER, "contains": {"const": 7}}, [[7]], [[], [1]], True),
    (
        {"type": "array", "items": INTEGER, "uniqueItems": True, "minItems": 2},
        [[0, 1]],
        [[1, 1], [1]],
        True,
    ),
    ({"type": "array", "items": STRING, "uniqueItems": True}, [["a", "b"]], [["a", "a"]], False),
    ({"oneOf": [INTEGER, NUMBER]}, [0.5], [1, 0], True),
    (
        {"oneOf": [{**STRING, "maxLength": 3}, {**STRING, "minLength": 2}]},
        ["a", "abc123"],
        ["ab", "abc"],
        True,
    ),
    (
        {
            "type": "object",
            "properties": {"kind": {"enum": ["a", "b"]}, "size": INTEGER},
            "required": ["kind"],
            "if": {"properties": {"kind": {"const": "a"}}},
            "then": {"required": ["size"]},
        },
        [{"kind": "b"}, {"kind": "a", "size": 0}],
        [{"kind": "a"}, {"kind": "c"}],
        True,
    ),
]


def grammar_of(schema):
    parameters = {"type": "object", "properties": {"v": schema}, "required": ["v"]}
    functions = [FunctionSpec("f", "", parameters)]
    return CallsGrammar(functions, GRANITE.call_frame(0)), functions


@pytest.mark.parametrize(("schema", "right", "wrong", "is_narrowed"), KEYWORDS)
def test_required_parameters_can_be_given(schema, right, wrong, is_narrowed):
    grammar, functions = grammar_of(schema)
    for value in right:
        assert functions[0].check_arguments({"v": value}) == []
        written = GRANITE.print_calls([Call("f", {"v": value})])
        assert refused_at(grammar, written, byte_level(), 200) is None, value
    for value in wrong:
        written = GRANITE.print_calls([Call("f", {"v": value})])
        assert refused_at(grammar, written, byte_level()) is not None, value
    assert bool(grammar.narrowed) == is_narrowed, grammar.narrowed
    assert all(each.startswith("f.v: ") for each in grammar.narrowed)


def test_calls_fit_whatever_keywords_say():
    rng = random.Random(0)
    calls = 0
    for schema, *_ in KEYWORDS:
        grammar, functions = grammar_of(schema)
        for _ in range(2):
            text = byte_level().decode(draw(grammar, byte_level(), 120, rng)[:-1])
            assert problems_of_calls(GRANITE, text, functions) == [], text
            calls += len(GRANITE.parse_calls(text).calls)
    assert calls >= len(KEYWORDS)


def test_keywords_of_all_parameters_together_leave_a_function_callable():
    integers = {"a": INTEGER, "b": INTEGER}
    parameters = {"type": "object", "properties": integers, "not": {"required": ["b"]}}
    functions = [FunctionSpec("f", "", parameters)]
    grammar = CallsGrammar(functions, GRANITE.call_frame(0))
    assert grammar.narrowed == ("f: not",)
    for arguments, is_right in (({"a": 1}, True), ({"a": 1, "b": 2}, False)):
        written = GRANITE.print_calls([Call("f", arguments)])
        assert (refused_at(grammar, written, byte_level()) is None) == is_right


parts = st.sampled_from(["a", "b", ".", "[^a]", "[ab]", "(a|bc)", r"\d", r"\w", r"\$", "é", '"'])
repeated = st.tuples(parts, st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}"]))
patterns = st.tuples(
    st.sampled_from(["", "^"]),
    st.lists(repeated.map("".join), min_size=1, max_size=4).map("".join),
    st.sampled_from(["", "$"]),
).map("".join)


@settings(max_examples=150)
@given(patterns, st.text(st.sampled_from('ab1$"é\n_v'), max_size=6), st.integers(0, 3))
def test_strings_match_their_pattern(pattern, value, low):
    assume(not value.endswith("\n") and not value.startswith(("$v", "$$")))
    node, is_narrowed = matching_string(pattern, low, 5, 400, Spelling(), True)
    is_right = re.search(pattern, value) is not None and low <= len(value) <= 5
    written = '"' + value.replace('"', '\\"').replace("\n", "\\n") + '"'
    is_taken = matches(node, written)
    assert is_taken <= is_right
    assert is_narrowed or is_taken == is_right or "é" in value
