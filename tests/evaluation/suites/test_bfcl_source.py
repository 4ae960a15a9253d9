"""What Java and JavaScript source text means."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.evaluation.suites.bfcl import java, javascript
from granite_fc.evaluation.suites.bfcl.source_text import parts_of, quoted, string_content
from granite_fc.evaluation.suites.bfcl.values import Declared, same


def declared(language, name, item=None):
    kinds = language.KINDS
    return Declared(name, kinds[name], None if item in (None, "any") else kinds[item], item)


@pytest.mark.parametrize(
    ("type_name", "item", "source", "value"),
    [
        ("integer", None, "-5", -5),
        ("integer", None, "5L", "5L"),
        ("long", None, "5L", 5),
        ("long", None, "5", 5),
        ("float", None, "3e-3F", 0.003),
        ("float", None, "0.5", "0.5"),
        ("double", None, "0.5", 0.5),
        ("double", None, "2f", 2.0),
        ("boolean", None, " true ", True),
        ("boolean", None, "True", "True"),
        ("integer", None, "ResultSet.TYPE_FORWARD_ONLY", "ResultSet.TYPE_FORWARD_ONLY"),
        ("String", None, '"say \\"hi\\", bye"', 'say "hi", bye'),
        ("String", None, "plain, text", "plain, text"),
        ("any", None, '"quoted"', '"quoted"'),
        ("char", None, "'a'", "a"),
        ("Array", "String", 'new String[]{"a, b", "c"}', ["a, b", "c"]),
        ("Array", "integer", "new int[] { 1, 2 ,3 }", [1, 2, 3]),
        ("Array", "integer", "{1, x}", [1, "x"]),
        ("Array", "integer", "new int[0]", []),
        ("Array", "integer", "new int[]{1} + rest", "new int[]{1} + rest"),
        ("ArrayList", "long", "new ArrayList<Long>(Arrays.asList(1L, 2L))", [1, 2]),
        ("ArrayList", "String", 'new ArrayList<>() {{ add("f(x);"); add("b"); }}', ["f(x);", "b"]),
        ("ArrayList", "String", "new ArrayList<String>()", []),
        ("ArrayList", "any", 'new ArrayList<>(List.of("a", 1, true, 2.5))', ["a", 1, True, 2.5]),
        ("ArrayList", "String", 'Arrays.asList("a")', 'Arrays.asList("a")'),
        (
            "HashMap",
            None,
            'new HashMap<String, Object>() {{ put("a)", 1); put("b", "x, y"); }}',
            {"a)": 1, "b": "x, y"},
        ),
        ("HashMap", None, 'new HashMap<>(Map.of("a", Arrays.asList(1, 2)))', {"a": [1, 2]}),
        ("HashMap", None, "new HashMap<>() {}", {}),
        ("HashMap", None, 'new HashMap<>() {{ put("a"); }}', 'new HashMap<>() {{ put("a"); }}'),
    ],
)
def test_java(type_name, item, source, value):
    meaning = java.values_of(source, declared(java, type_name, item))[0]
    assert meaning == value and type(meaning) is type(value)


@pytest.mark.parametrize(
    ("type_name", "item", "source", "value"),
    [
        ("integer", None, "5", 5),
        ("integer", None, "5.0", "5.0"),
        ("Bigint", None, "5n", 5),
        ("Bigint", None, "5", "5"),
        ("float", None, "1e3", 1000.0),
        ("Boolean", None, "false", False),
        ("String", None, "'it\\'s'", "it's"),
        ("String", None, "`a, b`", "a, b"),
        ("any", None, "x => x + 1", "x => x + 1"),
        ("array", "String", "['a, b', c.d(1, 2)]", ["a, b", "c.d(1, 2)"]),
        ("array", "float", "new Array(1, 2.5)", [1.0, 2.5]),
        ("array", "float", "[[1, 2], [3]]", ["[1, 2]", "[3]"]),
        ("array", "any", "[[1, 'x'], {a: true}]", [[1, "x"], {"a": True}]),
        ("array", "integer", "[1, 2,]", [1, 2]),
        ("array", "integer", "list.concat([1])", "list.concat([1])"),
        ("dict", None, "{a: 1, 'b c': \"5\", handler}", {"a": 1, "b c": "5", "handler": "handler"}),
        ("dict", None, "{a: {b: [1, f(x, y)]}}", {"a": {"b": [1, "f(x, y)"]}}),
        ("dict", None, "{a: 1", "{a: 1"),
        ("dict", None, "{...rest}", "{...rest}"),
    ],
)
def test_javascript(type_name, item, source, value):
    meaning = javascript.values_of(source, declared(javascript, type_name, item))[0]
    assert meaning == value and type(meaning) is type(value)


@pytest.mark.parametrize("language", [java, javascript])
def test_json_values_mean_themselves(language):
    name, listed = ("double", "ArrayList") if language is java else ("float", "array")
    assert language.values_of(5, declared(language, name)) == [5.0]
    item = "long" if language is java else "integer"
    assert language.values_of([1, 2], declared(language, listed, item)) == [[1, 2]]


ITEMS = st.lists(st.text() | st.booleans() | st.integers(-(10**9), 10**9), max_size=4)
FIELDS = st.dictionaries(st.text(), st.text() | st.booleans() | st.integers(-9, 9) | ITEMS)


@given(ITEMS, FIELDS)
def test_what_is_written_as_source_is_read_again(items, fields):
    for language, of_list, of_fields in (
        (java, declared(java, "ArrayList", "any"), declared(java, "HashMap")),
        (javascript, declared(javascript, "array", "any"), declared(javascript, "dict")),
    ):
        for value, type_of in ((items, of_list), (fields, of_fields)):
            (read,) = language.values_of(language.literal_of(value, type_of), type_of)
            assert same(read, value)


@given(st.text())
def test_a_quoted_string_has_its_content(text):
    literal = quoted(text)
    assert string_content(literal) == text
    assert [part.kind for part in parts_of(literal)] == ["string"]


@given(st.text(alphabet="\"'`\\()[]{},;:ab1. \n<>", max_size=60))
def test_no_text_is_too_odd(text):
    for language in (java, javascript):
        for name in language.KINDS:
            language.values_of(text, declared(language, name, "any"))


@pytest.mark.parametrize("unit", ["(", '"', '\\"', "[1,", "{'a':", "'", "new X[]{", "a ", "\\"])
def test_hostile_text_takes_linear_time(unit):
    text = unit * (1_000_000 // len(unit))
    begun = time.process_time()
    for language, name in ((java, "HashMap"), (java, "String"), (javascript, "dict")):
        assert language.values_of(text, declared(language, name))
    for short in (text[:50_000], "[" * 30 + text[:50_000]):
        javascript.values_of(short, declared(javascript, "array", "any"))
    # Two seconds on a slow machine; minutes where every character looks at all others.
    assert time.process_time() - begun < 20
