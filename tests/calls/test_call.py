from __future__ import annotations

import json

import pytest
from hypothesis import given

from granite_fc.calls.call import NO_CALL, Call
from granite_fc.calls.reference import Reference
from tests.calls.strategies import calls, typed


def test_json_form():
    call = Call("f", {"to": Reference("$var_1", ("id",)), "note": "$var_1.id$"}, "$var_2")
    written = {
        "name": "f",
        "label": "$var_2",
        "arguments": {"to": "$var_1.id$", "note": "$$var_1.id$"},
    }
    assert call.to_json() == written
    assert list(call.to_json()) == ["name", "label", "arguments"]
    assert Call.from_json(written) == call
    assert NO_CALL.to_json() == {"name": "no_function", "arguments": {}}


@given(calls)
def test_every_call_survives_json(call):
    read = Call.from_json(json.loads(json.dumps(call.to_json())))
    assert (read.name, read.label) == (call.name, call.label)
    assert typed(read.arguments) == typed(call.arguments)


@pytest.mark.parametrize(
    ("obj", "reason"),
    [
        ([], "a call is a list, expected an object"),
        (None, "a call is null"),
        ("f", "a call is a string"),
        ({"arguments": {}}, '"name" is missing'),
        ({"name": "f"}, '"arguments" is missing'),
        ({"name": 3, "arguments": {}}, '"name" is the number 3, expected a string'),
        ({"name": True, "arguments": {}}, '"name" is true or false, expected a string'),
        ({"name": "", "arguments": {}}, '"name" is empty'),
        ({"name": "f", "arguments": []}, '"arguments" is a list, expected an object'),
        ({"name": "f", "arguments": "{}"}, '"arguments" is a string, expected an object'),
        ({"name": "f", "arguments": None}, '"arguments" is null, expected an object'),
        ({"name": "f", "arguments": {}, "label": "x"}, "\"label\" is 'x', expected"),
        ({"name": "f", "arguments": {}, "label": 1}, '"label" is 1, expected'),
        ({"name": "f", "arguments": {}, "label": None}, '"label" is null, expected'),
        ({"name": "f", "arguments": {}, "id": 1}, '"id" is no part of a call'),
        ({"name": "f", "arguments": {"a": "$var_1.x"}}, "begins like a reference and is none"),
    ],
)
def test_refuses_what_is_no_call(obj, reason):
    with pytest.raises(ValueError) as error:
        Call.from_json(obj)
    assert reason in str(error.value)


def test_argument_names_are_strings():
    with pytest.raises(ValueError, match="the argument name 1 is no string"):
        Call("f", {1: 2})


def test_calls_can_be_kept_in_sets():
    assert len({Call("f", {"a": [1]}), Call("f", {"a": [1]}), Call("f", {"a": [2]})}) == 2
