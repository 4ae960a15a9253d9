from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.calls.reference import (
    Reference,
    from_json_value,
    is_label,
    references_in,
    to_json_value,
)
from tests.calls.strategies import look_alikes, path_entries, references, typed, values


@pytest.mark.parametrize(
    ("text", "label", "path"),
    [
        ("$var_1$", "$var_1", ()),
        ("$var_1.results.0.name$", "$var_1", ("results", 0, "name")),
        ("$var_12.result$", "$var_12", ("result",)),
        ("$var_2.0$", "$var_2", (0,)),
        ("$var_2.007.-1.1e3$", "$var_2", ("007", "-1", "1e3")),
        ("$var_1.first name$", "$var_1", ("first name",)),
        ("$var_1.größe$", "$var_1", ("größe",)),
        ("$var_1.a~1b.c~0d.e~2f$", "$var_1", ("a.b", "c~d", "e$f")),
        ("$var_1.~01$", "$var_1", ("~1",)),
        ("$var_1.$", "$var_1", ("",)),
        ("$var_1.a..b$", "$var_1", ("a", "", "b")),
        ("$var_1.12345678901234567890$", "$var_1", ("12345678901234567890",)),
    ],
)
def test_written_form(text, label, path):
    reference = Reference(label, path)
    assert str(reference) == text
    assert Reference.parse(text) == reference
    assert Reference.parse(text).path == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$",
        "$var_1",
        "$var_1.a",
        "$var_1a$",
        "$var_.a$",
        "$var1.a$",
        "var_1.a$",
        "$$var_1.a$",
        " $var_1.a$",
        "$var_1.a$ ",
        "$var_1.a$\n",
        "$var_1.a$b$",
        "$var_1.a$ and $var_2.b$",
        "$var_1.a~3$",
        "$var_1.a~$",
        "$var_1a.b$",
        "$var_١.a$",
    ],
)
def test_not_a_reference(text):
    assert Reference.parse(text) is None


@given(references)
def test_every_reference_is_read_as_it_was_written(reference):
    read = Reference.parse(str(reference))
    assert read == reference
    assert [type(entry) for entry in read.path] == [type(entry) for entry in reference.path]


@given(references, references)
def test_two_references_are_never_written_alike(a, b):
    assert (str(a) == str(b)) == (a == b)


@given(st.text() | look_alikes)
def test_what_parses_as_a_reference_is_its_written_form(text):
    reference = Reference.parse(text)
    if reference is not None:
        assert str(reference) == text


def test_a_field_name_written_like_an_index_is_one():
    assert Reference("$var_1", ("0", "10")) == Reference("$var_1", (0, 10))


@pytest.mark.parametrize(
    "label", ["", "$var_", "var_1", "$var_1$", "$var_1 ", "$var_a", "$var_1\n"]
)
def test_refuses_what_is_no_label(label):
    assert not is_label(label)
    with pytest.raises(ValueError, match="is no label"):
        Reference(label)


@pytest.mark.parametrize("entry", [-1, True, 1.5, None, 10**9])
def test_refuses_a_path_entry_that_leads_nowhere(entry):
    with pytest.raises(ValueError, match="leads nowhere"):
        Reference("$var_1", (entry,))


@given(values)
def test_values_survive_json(value):
    written = json.dumps(to_json_value(value))
    assert typed(from_json_value(json.loads(written))) == typed(value)


@given(st.integers(0, 12), path_entries)
def test_literals_survive_at_any_depth_of_escaping(depth, entry):
    literal = "$" * depth + str(Reference("$var_1", (entry,)))[1:]
    for text in (literal, literal[:-1], f"${literal}"):
        if Reference.parse(text) is not None:
            assert to_json_value(text) == f"${text}"
        assert from_json_value(to_json_value(text)) == text


def test_escapes_only_what_begins_like_a_reference():
    plain = ["$5", "$var", "$var_x$", "$$", "cost: $var_1.a$", "$HOME$", "var_1$"]
    assert to_json_value(plain) == plain
    assert to_json_value(["$var_1", "$$var_1$"]) == ["$$var_1", "$$$var_1$"]


@pytest.mark.parametrize("text", ["$var_1", "$var_1.name", "$var_1x$", "$var_1.a$b$"])
def test_a_broken_reference_is_no_literal(text):
    with pytest.raises(ValueError, match="begins like a reference and is none"):
        from_json_value({"a": [text]})


def test_field_names_must_be_strings():
    with pytest.raises(TypeError, match="the field name 1 is a int"):
        to_json_value({"a": {1: 2}})


def test_finds_references_in_the_order_of_writing():
    a, b, c = (Reference(f"$var_{i}", ("x",)) for i in range(3))
    assert list(references_in({"p": [b, {"q": a}], "r": "$var_9.x$", "s": c, "t": 1})) == [b, a, c]
