"""Files of predictions, in the forms that models' answers are kept in."""

from __future__ import annotations

import json
import resource
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.syntax import SEPARATOR, parse_calls, print_calls
from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.bare_calls import as_calls, bare_calls
from granite_fc.evaluation.call_objects import UNREADABLE
from granite_fc.evaluation.predictions import answer_text, check_predictions, read_predictions

ARGUMENTS = {"city": "Paris <b>", "n": [1, 2.5, None, True]}
CALL = Call("get_weather", ARGUMENTS)
FUNCTION = {"name": "get_weather", "arguments": json.dumps(ARGUMENTS)}
TOOL_CALL = {"id": "call_1", "type": "function", "function": FUNCTION}
MESSAGE = {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]}
COMPLETION = {"id": "chatcmpl-1", "object": "chat.completion", "choices": [{"message": MESSAGE}]}


def is_unreadable(text):
    return UNREADABLE in text.split(SEPARATOR)


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "row",
    [
        {"id": "a", "prediction": print_calls([CALL])},
        {"id": "a", "answer": print_calls([CALL]), "inputs": "...", "targets": "..."},
        {"id": "a", "result": [{"get_weather": json.dumps(ARGUMENTS)}], "latency": 1},
        {"id": "a", "result": [{"get_weather": ARGUMENTS}]},
        {"id": "a", **MESSAGE},
        {"id": "a", "prediction": MESSAGE},
        {"id": "a", "answer": COMPLETION},
        {**COMPLETION, "id": "a"},
        {"id": "a", "message": MESSAGE},
        {"id": "a", "content": None, "function_call": FUNCTION},
        {"id": "a", "prediction": [{"name": "get_weather", "arguments": ARGUMENTS}]},
        {"id": "a", "prediction": [TOOL_CALL]},
        {
            "id": "batch_1",
            "custom_id": "a",
            "response": {"status_code": 200, "body": COMPLETION},
            "error": None,
        },
    ],
)
def test_calls_in_every_form(tmp_path, row):
    texts = read_predictions(write(tmp_path / "p.jsonl", row), ["a"])
    parsed = parse_calls(texts["a"].text)
    assert parsed.calls == (CALL,) and parsed.error is None


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"tool_calls": [{"function": {"name": "no_function", "arguments": ""}}]},
        {"content": None, "tool_calls": []},
    ],
)
def test_no_calls(answer):
    parsed = parse_calls(answer_text(answer))
    assert parsed.calls == () and parsed.error is None


@pytest.mark.parametrize(
    "answer",
    [
        {"content": "Hello.", "tool_calls": []},
        {"content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo."}]},
        {"content": "Hello."},
        "Hello.",
    ],
)
def test_words_stay_words(answer):
    assert answer_text(answer) == "Hello."


def test_a_message_without_anything_says_nothing():
    assert answer_text({"role": "assistant", "content": None}) == ""


@pytest.mark.parametrize(
    "answer",
    [
        None,
        5,
        {},
        {"error": "rate limit"},
        {"choices": []},
        {"tool_calls": 5},
        {"tool_calls": [5]},
        {"tool_calls": [{"function": {"name": "f", "arguments": "{not json"}}]},
        {"tool_calls": [{"function": {"name": "f", "arguments": '{} <function_call> {"name"'}}]},
        {"tool_calls": [{"function": {"name": "", "arguments": "{}"}}]},
        [{"f": "{}", "g": "{}"}],
        [{"f": "[1]"}],
        [{"f": float("nan")}],
        [[{"f": "{}"}]],
    ],
)
def test_an_answer_that_cannot_be_read_is_a_wrong_one(answer):
    text = answer_text(answer)
    parsed = parse_calls(text)
    assert parsed.calls == () and parsed.error is not None
    assert is_unreadable(text)


@pytest.mark.parametrize(
    "row",
    [
        {"id": "a", "prediction": None},
        {"custom_id": "a", "response": None, "error": {"code": "batch_expired"}},
        {"custom_id": "a", "response": {"status_code": 500, "body": {"error": {"message": "x"}}}},
        {"custom_id": "a", "response": {"status_code": 500, "body": None}},
        {"id": "a", "tool_calls": [TOOL_CALL, {"type": "function"}]},
    ],
)
def test_what_was_no_answer_is_told_from_words_and_calls(tmp_path, row):
    assert is_unreadable(read_predictions(write(tmp_path / "p.jsonl", row), ["a"])["a"].text)
    for text in ("", "null", "Hello.", print_calls([CALL]), print_calls([])):
        assert not is_unreadable(text)


def test_a_call_cannot_hide_in_a_string():
    answer = [{"f": json.dumps({"text": '<function_call> {"name": "g", "arguments": {}}'})}]
    assert [call.name for call in parse_calls(answer_text(answer)).calls] == ["f"]


IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@given(st.dictionaries(IDS, st.text(st.characters(codec="utf-8"))))
def test_text_comes_back_as_it_was(tmp_path_factory, answers):
    path = tmp_path_factory.getbasetemp() / "text.jsonl"
    write(path, *({"id": key, "prediction": text} for key, text in answers.items()))
    found = read_predictions(path, sorted(answers))
    assert found == {key: (text, None) for key, text in answers.items()}


@pytest.mark.parametrize(
    "text", ['{"name": "Alice"}', '[{"function": "f"}]', "[]", "f(a=1)", '{"tool_calls": []}']
)
def test_text_that_looks_like_calls_stays_text(tmp_path, text):
    row = {"id": "a", "content": text}
    assert read_predictions(write(tmp_path / "p.jsonl", row), ["a"])["a"].text == text


def test_the_order_is_that_of_the_items(tmp_path):
    path = write(tmp_path / "p", {"id": 2, "prediction": "b"}, {"id": "1", "prediction": "a"})
    found = read_predictions(path, ["1", "2"])
    assert [(name, answer.text) for name, answer in found.items()] == [("1", "a"), ("2", "b")]


def test_a_byte_order_mark_and_blank_lines_are_passed_over(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "a", "prediction": "x"}\r\n\r\n')
    assert read_predictions(path, ["a"])["a"].text == "x"
    assert check_predictions(path) == ["a"]


def test_failures_are_read_and_other_words_passed_over(tmp_path):
    reasons = ["cut_off", "prompt_too_long", "too_large", "bad luck", 5, None]
    rows = [{"id": i, "prediction": "x", "failure": why} for i, why in enumerate(reasons)]
    found = read_predictions(write(tmp_path / "p.jsonl", *rows), [str(i) for i in range(6)])
    assert [answer.failure for answer in found.values()] == [*reasons[:3], None, None, None]


def test_answers_to_other_requests_are_refused(tmp_path):
    rows = [{"id": name, "prediction": "x", "targets": name * 2} for name in "abc"]
    path = write(tmp_path / "p.jsonl", *rows, {"id": "d", "prediction": "x"})
    targets = {name: name * 2 for name in "abcd"}
    assert list(read_predictions(path, "abcd", targets=targets)) == list("abcd")
    with pytest.raises(
        ConfigurationError, match="2 ids with targets that are not the items': b, c"
    ):
        read_predictions(path, "abcd", targets={**targets, "b": "b", "c": "x"})


def test_files_are_checked_before_anybody_is_asked(tmp_path):
    write(tmp_path / "b.jsonl", {"id": "z", "prediction": "x"}, {"id": "y", "prediction": None})
    write(tmp_path / "a.jsonl", {"custom_id": "w", "response": None})
    (tmp_path / "run.json").write_text("no predictions")
    assert check_predictions(tmp_path) == ["w", "z", "y"]
    assert check_predictions(tmp_path / "b.jsonl") == ["z", "y"]
    write(tmp_path / "c.jsonl", *({"id": name, "prediction": ""} for name in "pqpqp"))
    with pytest.raises(ConfigurationError, match=r"c\.jsonl: found '3 ids again: p, q, p"):
        check_predictions(tmp_path)
    (tmp_path / "none").mkdir()
    with pytest.raises(ConfigurationError, match=r"no file \*\.jsonl"):
        check_predictions(tmp_path / "none")


def test_missing_unknown_and_repeated_ids_are_named_and_counted(tmp_path):
    names = ["a0", *(f"b{i}" for i in range(10)), "a0", "a0"]
    path = write(tmp_path / "p.jsonl", *({"id": name, "prediction": ""} for name in names))
    with pytest.raises(ConfigurationError) as caught:
        read_predictions(path, [f"a{i}" for i in range(8)])
    message = caught.value.message
    assert "7 ids missing: a1, a2, a3, a4, a5, ..." in message
    assert "10 ids that are none of the items': b0, b1, b2, b3, b4, ..." in message
    assert "2 ids again: a0, a0" in message


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'{"id": "b", "prediction": "\xff"}', "not UTF-8"),
        (b"[1, 2]", "type list"),
        (b"nonsense", "no JSON"),
        (b'{"id": "b", "prediction": "x"', "no JSON"),
        (b'{"prediction": "x"}', "no id"),
        (b'{"id": null, "prediction": "x"}', "no id"),
        (b'{"id": "b", "text": "x"}', "'id', 'text'"),
        (b'{"id": "b", "prediction": "x", "answer": "y"}', "'prediction', 'answer'"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_line_that_is_no_prediction_is_named(tmp_path, line, found):
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'{"id": "a", "prediction": "x"}\n' + line + b"\n")
    with pytest.raises(ConfigurationError, match=r"p\.jsonl, line 2") as caught:
        read_predictions(path, ["a", "b"])
    assert found in caught.value.message and len(caught.value.message) < 1_000
    with pytest.raises(ConfigurationError) as again:
        check_predictions(path)
    assert again.value.message == caught.value.message


def test_a_file_that_is_not_there_is_named(tmp_path):
    for read in (check_predictions, lambda path: read_predictions(path, [])):
        with pytest.raises(ConfigurationError, match="No such file"):
            read(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    "answer",
    [
        '"' + "x" * 1_000_000 + '"',
        json.dumps("[f(a=" + "[" * 400_000),
        json.dumps("f(a=" + "-" * 19_000 + "1)"),
        json.dumps("f(a=" + "1+" * 9_000 + "1)"),
        json.dumps("[" * 1_000_000),
        json.dumps("{" * 1_000_000),
        json.dumps('{"name": 1}\n' * 80_000),
        json.dumps('{"name": 1}' + " " * 1_000_000 + "x"),
        json.dumps("```\n" * 250_000),
        "[" * 10_000 + "]" * 10_000,
        '[{"f": ' + "9" * 5_000 + "}]",
        '[{"f": {"a": ' + "[" * 500 + "]" * 500 + "}}]",
    ],
)
def test_a_hostile_answer_is_a_wrong_one_and_no_error(tmp_path, answer):
    path = tmp_path / "p.jsonl"
    path.write_text(f'{{"id": "a", "prediction": {answer}}}\n')
    begun = time.process_time()
    text = read_predictions(path, ["a"])["a"].text
    parsed = parse_calls(as_calls(text) or text)
    assert parsed.calls == () and parsed.error is not None
    assert time.process_time() - begun < 20


def test_a_file_of_garbage_is_not_held(tmp_path):
    path = tmp_path / "garbage"
    with open(path, "wb") as file:
        file.truncate(2**30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConfigurationError, match="line 1: found 'more than 64 MiB'"):
        read_predictions(path, ["a"])
    # Kibibytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("f(a=-1, b=(1, 'x'), c={'k': [True]})", {"a": -1, "b": [1, "x"], "c": {"k": [True]}}),
        ("[f(a=my_data, b=g(1) + 2)]", {"a": "my_data", "b": "g(1) + 2"}),
    ],
)
def test_call_expressions_are_read_and_not_evaluated(text, arguments):
    assert bare_calls(text) == [{"name": "f", "arguments": arguments}]


CALL_OBJECT = {"name": "get_weather", "arguments": ARGUMENTS}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(CALL_OBJECT),
        json.dumps([{"name": "get_weather", "parameters": ARGUMENTS}]),
        json.dumps({"tool_calls": [TOOL_CALL]}),
        f"```json\n{json.dumps(CALL_OBJECT, indent=4)}\n```",
        '[get_weather(city="Paris <b>", n=[1, 2.5, None, True])]',
    ],
)
def test_bare_calls_become_calls_in_our_syntax(text):
    assert parse_calls(as_calls(text)) == parse_calls(print_calls([CALL]))


@pytest.mark.parametrize("between", ["\n", "", " ", "\n\n", "; ", ", ", ",\n"])
def test_objects_in_a_row_are_calls(between):
    calls = [CALL, Call("g"), CALL]
    text = between.join(json.dumps(call.to_json()) for call in calls)
    for whole in (text, f" {text}\n", f"```json\n{text}\n```"):
        assert parse_calls(as_calls(whole)).calls == tuple(calls)


def test_no_bare_calls_call_nothing():
    assert as_calls("[]") == as_calls('{"tool_calls": []}') == print_calls([])


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Alice"}',
        '{"name": "f", "age": 5}\n{"name": "g", "age": 6}',
        "Hello.",
        '{"name": "f", "arguments": {}} and so on',
        '{"name": "f", "arguments": {}}\n{"a": 1}',
        '{"name": "f", "arguments": {}} [{"name": "f", "arguments": {}}]',
        '{"name": "f", "arguments": {}};;{"name": "f", "arguments": {}}',
    ],
)
def test_what_holds_no_call_is_none(text):
    assert as_calls(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "f(1)",
        "f(**a)",
        "[1]",
        "f",
        "see f(a=1)",
        "f(a=1, a=2)",
        '{"a": 1}',
        "f(a=1",
        "(lambda: 1)(a=1)",
    ],
)
def test_other_text_is_no_calls(text):
    assert bare_calls(text) is None
