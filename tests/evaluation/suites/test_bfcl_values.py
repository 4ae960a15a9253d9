"""Which arguments BFCL's rules accept, by cases worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.evaluation.suites.bfcl.values import (
    Declared,
    problem_of_value,
    same,
    standard_form,
)

STRING = Declared("string", "string")
INTEGER = Declared("integer", "integer")
FLOAT = Declared("float", "float")
BOOLEAN = Declared("boolean", "boolean")
DICT = Declared("dict", "dict")
STRINGS = Declared("array", "list", "string", "string")
FLOATS = Declared("array", "list", "float", "float")
INTEGERS = Declared("array", "list", "integer", "integer")
DICTS = Declared("array", "list", "dict", "dict")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("declared", "value", "accepted", "kind"),
    [
        (STRING, "april 1 2024", ["April 1, 2024"], None),
        (STRING, "it's", ['it"s'], None),
        (STRING, "April 2, 2024", ["April 1, 2024"], "value"),
        (STRING, 5, ["5"], "type"),
        (STRING, "", ["x", ""], None),
        # A number is accepted where a string is declared: then the number is right.
        (STRING, 2, [2], None),
        (STRING, "2", [2], "value"),
        (INTEGER, 5, [5], None),
        (INTEGER, 5.0, [5], "type"),
        (INTEGER, True, [1], "type"),
        (INTEGER, "5", [5], "type"),
        (INTEGER, None, ["", None], None),
        (FLOAT, 5, [5.0], None),
        (FLOAT, 10**400, [5.0], "value"),
        (FLOAT, True, [1.0], "type"),
        (BOOLEAN, True, [True, ""], None),
        (BOOLEAN, 1, [True], "type"),
        # The name of a variable stands for a list, and has to be exactly that.
        (STRINGS, "my_list", ["my_list"], None),
        (STRINGS, "My List", ["my_list"], "value"),
        (STRINGS, ["A", "b c"], [["a", "B-C"]], None),
        (STRINGS, ["b", "a"], [["a", "b"]], "value"),
        (STRINGS, ["b", "a"], [["a", "b"], ["b", "a"]], None),
        (STRINGS, ["a", 1], [["a", "1"]], "type"),
        (STRINGS, [], [["a"], ""], "value"),
        (STRINGS, [], [[], ""], None),
        (FLOATS, [1, 2], [[1.0, 2.0]], "type"),
        (FLOATS, [60, 30], [[60, 30]], None),
        (INTEGERS, [True], [[1]], "type"),
        (DICT, {"a": "X y"}, [{"a": ["xy", "z"]}], None),
        (DICT, {"a": "w"}, [{"a": ["xy", "z"]}], "value"),
        (DICT, {"a": "z", "b": 1}, [{"a": ["z"]}], "value"),
        (DICT, {}, [{"a": ["z"]}], "value"),
        (DICT, {}, [{"a": ["z", ""]}], None),
        (DICT, {"a": 1}, [{"a": [True]}], "value"),
        (DICT, {"a": 1}, [{"a": [1.0]}], None),
        (DICT, {"format": "epoch_millis"}, [{"format": "epoch_millis"}], None),
        (DICTS, [{"a": 1}, {"a": 2}], [[{"a": [1]}, {"a": [2, 3]}]], None),
        (DICTS, [{"a": 2}, {"a": 1}], [[{"a": [1]}, {"a": [2, 3]}]], "value"),
        (DICTS, ["a"], [[{"a": [1]}]], "type"),
    ],
)
def test_rules(declared, value, accepted, kind):
    problem = problem_of_value("p", value, declared, accepted)
    assert (problem and problem.kind) == kind


@given(JSON)
def test_a_value_is_the_same_as_itself_alone(value):
    assert same(value, value)
    assert not same([value], value) and not same({"k": value}, value)


@given(st.text(), st.text())
def test_standard_form_ignores_what_is_ignored(a, b):
    assert standard_form(f"{a} ,./-_*^{b}".swapcase().upper()) == standard_form(
        (a + b).swapcase().upper()
    )
    assert standard_form(standard_form(a)) == standard_form(a)


@given(JSON, st.lists(JSON, max_size=3))
def test_whatever_is_given_is_judged(value, accepted):
    for declared in (STRING, FLOAT, STRINGS, DICTS, DICT, BOOLEAN):
        problem_of_value("p", value, declared, accepted)
