from __future__ import annotations

import copy
import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.calls.reference import Reference
from granite_fc.calls.schema import check_schema
from granite_fc.calls.spec import FunctionSpec
from tests.calls.strategies import json_values

REF = Reference("$var_1", ("x",))
BOOK = {
    "name": "book_hotel",
    "description": "Books a room.",
    "parameters": {
        "type": "object",
        "properties": {
            "hotel": {"type": "string", "description": "Its name"},
            "nights": {"type": "integer", "minimum": 1, "default": 1},
            "board": {"type": "string", "enum": ["none", "half", "full"]},
            "rate": {"type": ["number", "null"]},
            "guests": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
                    "required": ["name"],
                },
            },
            "address": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "additionalProperties": False,
            },
        },
        "required": ["hotel", "nights"],
    },
    "output": {
        "type": "object",
        "properties": {"code": {"type": "string"}},
        "required": ["code"],
    },
}
SPEC = FunctionSpec.from_json(BOOK)


def test_parts():
    assert SPEC.name == "book_hotel"
    assert SPEC.description == "Books a room."
    assert SPEC.required == ("hotel", "nights")
    assert list(SPEC.properties) == ["hotel", "nights", "board", "rate", "guests", "address"]
    assert SPEC.properties["nights"]["default"] == 1
    assert SPEC.output["required"] == ["code"]


def test_json_keeps_everything():
    assert SPEC.to_json() == BOOK
    assert list(SPEC.to_json()) == ["name", "description", "parameters", "output"]
    assert FunctionSpec.from_json(json.loads(json.dumps(SPEC.to_json()))) == SPEC


def test_all_but_the_name_may_be_absent():
    spec = FunctionSpec.from_json({"name": "now"})
    assert spec.parameters == {"type": "object", "properties": {}}
    assert (spec.description, spec.output, spec.required) == ("", None, ())
    assert spec.check_arguments({}) == []
    assert spec.check_arguments({"zone": 1}) == ["'zone' is unexpected; known are: none"]
    assert spec.check_output(object()) == []
    bare = FunctionSpec("f", parameters={"type": "object"})
    assert (bare.properties, bare.required) == ({}, ())


def test_specs_can_be_kept_in_sets():
    assert len({SPEC, FunctionSpec.from_json(BOOK), FunctionSpec("f")}) == 2


def with_property(schema: object) -> dict:
    return {"name": "f", "parameters": {"type": "object", "properties": {"p": schema}}}


@pytest.mark.parametrize(
    ("obj", "reason"),
    [
        ([], "a function is list, expected an object"),
        ({}, "a function has no name"),
        ({"name": ""}, "the name of a function is ''"),
        ({"name": 3}, "the name of a function is 3"),
        ({"name": "no_function"}, "says that no function is called"),
        ({"name": "f", "description": None}, "f: description is None, expected a string"),
        ({"name": "f", "parameters": None}, "f: parameters is null"),
        ({"name": "f", "parameters": []}, "f: parameters is [], expected a JSON Schema"),
        ({"name": "f", "parameters": True}, "f: parameters is True, expected a JSON Schema"),
        ({"name": "f", "parameters": {}}, "f: parameters.type is None, expected 'object'"),
        ({"name": "f", "parameters": {"type": "string"}}, "parameters.type is 'string', expected"),
        ({"name": "f", "parameters": {"type": "dict"}}, "parameters.type is 'dict', expected one"),
        ({"name": "f", "function": {}}, "f: 'function' is no part of a function spec"),
        ({"name": "f", "output": "string"}, "f: output is 'string', expected a JSON Schema"),
        ({"name": "f", "output": {"type": "float"}}, "f: output.type is 'float', expected one of"),
        (
            {"name": "f", "parameters": {"type": "object", "properties": ["a"]}},
            "f: parameters.properties is ['a'], expected an object of JSON Schemas",
        ),
        (
            {"name": "f", "parameters": {"type": "object", "required": ["a"]}},
            "f: parameters.required names 'a', which is not in properties",
        ),
        (
            {"name": "f", "parameters": {"type": "object", "properties": {}, "required": ["a"]}},
            "f: parameters.required names 'a', which is not in properties",
        ),
        (
            {"name": "f", "parameters": {"type": "object", "required": "a"}},
            "f: parameters.required is 'a', expected a list of names",
        ),
        (with_property("string"), "f: parameters.properties.p is 'string', expected a JSON Schema"),
        (with_property({"type": "String"}), "parameters.properties.p.type is 'String', expected"),
        (with_property({"type": []}), "p.type is empty"),
        (with_property({"required": True}), "p.required is True, expected a list of names"),
        (with_property({"required": ["a", "a"]}), "p.required has a name twice"),
        (with_property({"enum": []}), "p.enum is [], expected a list of values"),
        (with_property({"enum": "a"}), "p.enum is 'a', expected a list of values"),
        (with_property({"description": 1}), "p.description is 1, expected a string"),
        (with_property({"items": {"type": "any"}}), "p.items.type is 'any', expected one of"),
        (with_property({"items": [{}]}), "p.items is [{}], expected a JSON Schema"),
        (with_property({"anyOf": [{"type": "x"}]}), "p.anyOf.0.type is 'x'"),
        (with_property({"anyOf": []}), "p.anyOf is [], expected a list of JSON Schemas"),
        (with_property({"pattern": "("}), "p.pattern is '(', no regular expression"),
        (with_property({"patternProperties": {"(": {}}}), "no regular expression"),
        (with_property({"minimum": "1"}), "p.minimum is '1', expected a number"),
        (
            with_property({"exclusiveMinimum": True}),
            "p.exclusiveMinimum is True, expected a number",
        ),
        (with_property({"minLength": -1}), "p.minLength is -1, expected a whole number"),
        (with_property({"multipleOf": 0}), "p.multipleOf is 0, expected a number above 0"),
        (with_property({"uniqueItems": "yes"}), "p.uniqueItems is 'yes', expected true or false"),
        (with_property({"$ref": "https://example.org/s"}), "expected a place in the same schema"),
        (with_property({"$ref": "#/$defs/Place"}), "'#/$defs/Place', but there is no schema"),
        (with_property({"$id": "x"}), "p.$id is not supported"),
        (with_property({"properties": {1: {}}}), "p.properties has the key 1, expected strings"),
        (
            with_property({"type": "object", "properties": {"a": {}}, "required": ["b"]}),
            "f: parameters.properties.p.required names 'b', which is not in properties",
        ),
    ],
)
def test_refuses_a_malformed_spec(obj, reason):
    with pytest.raises(ValueError) as error:
        FunctionSpec.from_json(obj)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        ({"hotel": "Alpha", "nights": 2}, []),
        ({"hotel": "Alpha", "nights": 2.0, "rate": None, "board": "half"}, []),
        ({"hotel": REF, "nights": REF, "board": REF, "guests": REF, "address": REF}, []),
        ({"hotel": "A", "nights": 1, "guests": [REF, {"name": REF}]}, []),
        (
            {},
            ["'hotel' is required and missing", "'nights' is required and missing"],
        ),
        (
            {"hotel": "A", "nights": 1, "stars": 5, "pool": REF},
            [
                "'stars' is unexpected; known are: hotel, nights, board, rate, guests, address",
                "'pool' is unexpected; known are: hotel, nights, board, rate, guests, address",
            ],
        ),
        ({"hotel": 7, "nights": 1}, ["hotel: expected string, found 7"]),
        ({"hotel": "A", "nights": "2"}, ['nights: expected integer, found "2"']),
        ({"hotel": "A", "nights": True}, ["nights: expected integer, found true"]),
        ({"hotel": "A", "nights": 1.5}, ["nights: expected integer, found 1.5"]),
        ({"hotel": "A", "nights": 0}, ["nights: 0 is less than the minimum of 1"]),
        (
            {"hotel": "A", "nights": 1, "board": "all"},
            ['board: expected one of "none", "half", "full"; found "all"'],
        ),
        ({"hotel": "A", "nights": 1, "rate": "x"}, ['rate: expected number or null, found "x"']),
        (
            {"hotel": "A", "nights": 1, "guests": [{"name": "B"}, {"age": "9", "name": REF}, {}]},
            [
                'guests.1.age: expected integer, found "9"',
                "guests.2: 'name' is required and missing",
            ],
        ),
        (
            {"hotel": "A", "nights": 1, "address": {"city": REF, "zip": 1, "town": 2}},
            [
                "address: 'zip' is unexpected; known are: city",
                "address: 'town' is unexpected; known are: city",
            ],
        ),
        (
            {"hotel": "A", "nights": 1, "guests": ({"name": 1},)},
            ["guests.0.name: expected string, found 1"],
        ),
    ],
)
def test_names_each_problem_of_arguments(arguments, problems):
    assert SPEC.check_arguments(arguments) == problems


def test_long_values_are_shortened():
    (problem,) = SPEC.check_arguments({"hotel": list(range(1000)), "nights": 1})
    assert len(problem) < 120


def test_output_is_checked():
    assert SPEC.check_output({"code": "X1"}) == []
    assert SPEC.check_output({"code": 1}) == ["output.code: expected string, found 1"]
    assert SPEC.check_output({}) == ["output: 'code' is required and missing"]


def spec_of(**parameters: object) -> FunctionSpec:
    return FunctionSpec("f", parameters={"type": "object", **parameters})


def test_other_names_where_the_schema_admits_them():
    assert spec_of(additionalProperties=True).check_arguments({"a": 1}) == []
    numbers = spec_of(additionalProperties={"type": "number"})
    assert numbers.check_arguments({"a": 1}) == []
    assert numbers.check_arguments({"a": "1"}) == ['a: expected number, found "1"']
    tagged = spec_of(patternProperties={"^x_": {}}, additionalProperties=False)
    assert tagged.check_arguments({"x_a": 1}) == []
    assert tagged.check_arguments({"y": 1}) == ["'y' is unexpected; known are: ^x_"]


def test_names_that_are_declared_elsewhere_are_expected():
    spec = spec_of(
        **{
            "$defs": {"Place": {"properties": {"city": {"type": "string"}}}},
            "allOf": [{"$ref": "#/$defs/Place"}],
            "properties": {"n": {"type": "integer"}},
        }
    )
    assert spec.check_arguments({"city": "Bern", "n": 1}) == []
    assert spec.check_arguments({"city": 1}) == ["city: expected string, found 1"]
    assert spec.check_arguments({"town": "Bern"}) == ["'town' is unexpected; known are: n, city"]
    either = [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}}]
    choice = spec_of(oneOf=either, required=["c"], properties={"c": {}})
    assert choice.check_arguments({"b": 1, "c": 1}) == []
    assert choice.check_arguments({"b": 1, "c": 1, "d": 1}) == [
        "'d' is unexpected; known are: c, a, b"
    ]
    closed = spec_of(allOf=[{"additionalProperties": {"type": "integer"}}])
    assert closed.check_arguments({"x": 1}) == []
    assert closed.check_arguments({"x": "1"}) == ['x: expected integer, found "1"']


def test_a_schema_may_refer_to_itself():
    tree = {
        "type": "object",
        "properties": {"left": {"$ref": "#/$defs/tree"}, "value": {"type": "integer"}},
    }
    spec = spec_of(**{"$defs": {"tree": tree}, "properties": {"root": {"$ref": "#/$defs/tree"}}})
    assert spec.check_arguments({"root": {"left": {"value": 1, "left": REF}}}) == []
    assert spec.check_arguments({"root": {"left": {"value": "1"}}}) == [
        'root.left.value: expected integer, found "1"'
    ]
    endless = spec_of(**{"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"})
    assert endless.check_arguments({}) == ["the schema or the value is nested without end"]


# Schemas whose every keyword may have to do with a reference somewhere inside.
@st.composite
def schemas(draw: st.DrawFn, depth: int = 2) -> dict:
    schema: dict = {}
    if draw(st.booleans()):
        schema["type"] = draw(
            st.sampled_from(["string", "integer", "number", "object", "array", "boolean"])
        )
    inner = schemas(depth - 1) if depth else st.just({})
    small = st.sampled_from([1, "a", True, None, [1], {"a": 1}, [], {}])
    keywords = {
        "enum": st.lists(small, min_size=1, max_size=3),
        "const": small,
        "minimum": st.integers(-2, 2),
        "maxLength": st.integers(0, 2),
        "uniqueItems": st.booleans(),
        "maxItems": st.integers(0, 3),
        "items": inner,
        "contains": inner,
        "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        "additionalProperties": st.booleans(),
        "dependentRequired": st.fixed_dictionaries({"a": st.sampled_from([[], ["b"], ["b", "c"]])}),
        "anyOf": st.lists(inner, min_size=1, max_size=2),
        "oneOf": st.lists(inner, min_size=1, max_size=2),
        "not": inner,
        "if": inner,
        "then": inner,
        "else": inner,
    }
    for keyword in draw(st.lists(st.sampled_from(sorted(keywords)), max_size=3, unique=True)):
        schema[keyword] = draw(keywords[keyword])
    return schema


instances = st.recursive(
    st.sampled_from([1, 0, -3, 1.5, "a", "abc", True, None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=6,
)


@settings(max_examples=150)
@given(schemas(), instances)
def test_without_references_the_verdict_is_that_of_json_schema(schema, instance):
    spec = spec_of(properties={"p": schema})
    expected = jsonschema.Draft202012Validator(schema).is_valid(instance)
    assert (spec.check_arguments({"p": instance}) == []) == expected


def with_a_reference(value: object, data: st.DataObject) -> object:
    """Replaces one part of a value, however deep, by a reference."""
    if not isinstance(value, list | dict) or not value or data.draw(st.booleans()):
        return REF
    changed = copy.copy(value)
    key = data.draw(st.sampled_from(range(len(value)) if isinstance(value, list) else list(value)))
    changed[key] = with_a_reference(value[key], data)
    return changed


@settings(max_examples=300)
@given(schemas(), instances, st.data())
def test_a_reference_fits_wherever_some_value_does(schema, instance, data):
    spec = spec_of(properties={"p": schema})
    if spec.check_arguments({"p": instance}) == []:
        assert spec.check_arguments({"p": with_a_reference(instance, data)}) == []


HAS_A_STRING = {"required": ["a"], "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": [{"a": 1}]},
        {"const": {"a": 1}},
        {"not": HAS_A_STRING},
        {"if": HAS_A_STRING, "then": False},
        {"oneOf": [HAS_A_STRING, {"properties": {"a": {"type": "integer"}}}]},
        {"properties": {"b": {"uniqueItems": True}}},
        {"properties": {"b": {"contains": {"const": 2}, "maxContains": 1}}},
    ],
)
def test_what_a_reference_leaves_open_is_no_problem(schema):
    spec = spec_of(properties={"p": schema})
    known, open_part = {"a": 1, "b": [2, 3]}, {"a": REF, "b": [REF, REF, 3]}
    if "enum" in schema or "const" in schema:
        del known["b"], open_part["b"]
    assert spec.check_arguments({"p": known}) == []
    assert spec.check_arguments({"p": open_part}) == []


def test_what_a_reference_does_not_leave_open_is_a_problem():
    spec = spec_of(properties={"p": {"oneOf": [{"type": "string"}, {"type": "integer"}]}})
    assert len(spec.check_arguments({"p": [REF]})) == 1


@settings(max_examples=150)
@given(schemas(), json_values, st.data())
def test_no_schema_passes_that_the_meta_schema_refuses(schema, value, data):
    keyword = data.draw(st.sampled_from(sorted(schema) or ["type"]))
    damaged = {**schema, keyword: value}
    try:
        jsonschema.Draft202012Validator.check_schema(damaged)
    except jsonschema.SchemaError:
        with pytest.raises(ValueError):
            check_schema(damaged, "schema")


@given(schemas())
def test_well_formed_schemas_pass(schema):
    check_schema(schema, "schema")
