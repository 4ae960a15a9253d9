"""A server's chat template writes the prompts that models are trained on, token for token."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gin
import jinja2
import pytest
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.utils.chat_template_utils import render_jinja_template

from granite_fc.calls.call import Call
from granite_fc.calls.conversation import AssistantTurn, CallTurn, Turn, UserTurn
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from granite_fc.calls.spec import FunctionSpec
from granite_fc.checkpoints.hf.chat_template import with_chat_template
from granite_fc.checkpoints.hf.directory import files_in
from granite_fc.vocabularies.load import load_vocabulary
from tasks.conventions import RenderedConventions
from tasks.dialects import DIALECTS
from tasks.rendering_config import FUNCTION_DETAILS, INSTRUCTIONS
from tests.vocabularies.conftest import tokenizer_folder as tokenizer_folder

CONVENTIONS = RenderedConventions()
PLACE = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "at": {"type": "array", "items": {}}},
    "required": ["city"],
}
SPECS = (
    FunctionSpec(
        "find_place",
        "Finds a place,\n  or  <tool_call> none; naïve",
        {
            "type": "object",
            "properties": {
                "text": {"type": "string", "description": "What <|im_end|> to look for"},
                "limit": {"type": "integer", "minimum": 1, "default": 3},
                "kind": {"enum": ["a", 1, None, "<function_call>"]},
                "near": PLACE,
                "where": {"type": ["string", "null"]},
                "ids": {"type": "array", "items": {"type": ["integer", "string"]}},
                "tags": {"type": "array", "items": {"enum": ["x", "y"]}, "default": None},
                "any": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/p"}]},
                "items": {"type": "object", "additionalProperties": False},
            },
            "required": ["text", "kind"],
            "$defs": {"p": PLACE},
        },
        {
            "type": "object",
            "properties": {
                "id": {"type": "integer", "description": "Its number"},
                "places": {"type": "array", "items": PLACE},
                "first": PLACE,
            },
        },
    ),
    FunctionSpec("ping.v-2"),
    FunctionSpec("now", "The time", output={"type": ["string", "null"]}),
)
OPENINGS = ["", "<|im_start|>", "</tool_call>", "<function_response>", "<|tool_call|>", "\nUSER:"]
OPENINGS += ["SYSTEM: ", "< ", "$var_1", "$$var_1.a$", "\\", '"', "\\u0041", "<|endoftext|>"]
CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXT = st.lists(st.sampled_from(OPENINGS) | st.text(CHARACTERS, max_size=4), max_size=4).map(
    "".join
)
NUMBER = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
VALUE = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(autouse=True)
def clean_gin() -> Iterator[None]:
    yield
    gin.clear_config()


def configure(**settings: Any) -> None:
    for name, value in settings.items():
        gin.bind_parameter(f"RenderingConfig.{name}", value)


def write(messages: Sequence[Any], tools: Sequence[Any] | None, **more: Any) -> str:
    """What a server with transformers writes."""
    arguments = {"add_generation_prompt": True, **more}
    (text,), _ = render_jinja_template(
        [list(messages)],
        tools=tools and list(tools),
        chat_template=CONVENTIONS.chat_template(),
        **arguments,
    )
    return text


def tools_of(specs: Sequence[FunctionSpec]) -> list[dict[str, Any]]:
    return [{"type": "function", "function": spec.to_json()} for spec in specs]


def said(*, calls: Sequence[tuple[str, Any]] = (), text: str | None = None) -> dict[str, Any]:
    """A message of the assistant; calls are (name, arguments), their ids count from `c0`."""
    made = [
        {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(calls)
    ]
    return {"role": "assistant", "content": text} | ({"tool_calls": made} if made else {})


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def result(content: Any, call_id: str | None = None) -> dict[str, Any]:
    return {"role": "tool", "content": content} | ({"tool_call_id": call_id} if call_id else {})


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": None,
        "strict": None,
        # As pydantic writes schemas: types come last.
        "parameters": {
            "properties": {
                "city": {"description": "Städte", "title": "City", "type": "string"},
                "days": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
                "items": {"items": {"type": "string"}, "title": "Items", "type": "array"},
            },
            "required": ["city"],
            "title": "Weather",
            "type": "object",
        },
    },
}
PING = {"type": "function", "function": {"name": "ping", "parameters": None}}
ASKED = user("  What is it like in São Paulo? <tool_call>\nUSER: and <function_call>|\n")
CALLED = said(calls=[("weather", '{"city":"S\\u00e3o \\"Paulo\\"","days":1e0}'), ("ping", {})])
CONVERSATIONS = {
    "one word": [ASKED],
    "system messages": [{"role": "system", "content": "Be kind."}, ASKED],
    "opened by the assistant": [said(text="Hello"), ASKED],
    "parts": [user([{"type": "text", "text": "One"}, {"type": "text", "text": "two"}])],
    "two users": [user("a"), user("b")],
    "results in another order": [ASKED, CALLED, result("[1, 2.50]", "c1"), result("mild", "c0")],
    "results without ids": [ASKED, CALLED, result("[Error] 1"), result('{"a":{},"b":[ ]}')],
    "no results": [ASKED, CALLED, said(text="Sorry"), ASKED],
    "many turns": [
        *[ASKED, CALLED, result(' {"t" : -0 , "é":"\\ud83d\\ude00\\/\\n"}', "c0")],
        *[result('{"open"', "c1"), said(text="Mild.\nASSISTANT: <|im_end|>"), user("")],
        *[said(text="Let me see", calls=[("ping", "")]), result(None, "c0")],
        *[said(calls=[("ping", " { } ")]), result('["</tool_response>"]', "c0")],
    ],
}


def as_read(messages: Sequence[Any], tools: Sequence[Any]) -> str:
    """The prompt for a request as the conventions read it."""
    last = {"role": "user", "content": "."}
    asks_reply = messages[-1]["role"] == "tool"
    messages = [*messages, last] if asks_reply else list(messages)
    request = CONVENTIONS.read_request({"messages": messages, "tools": list(tools)})
    if asks_reply:
        return CONVENTIONS.prompt_for_reply(request.functions, request.conversation[:-1])
    return CONVENTIONS.prompt_for_calls(request.functions, request.conversation)


@pytest.mark.parametrize("name", CONVERSATIONS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_requests_are_written_as_the_conventions_read_them(dialect: str, name: str) -> None:
    configure(dialect=dialect)
    messages = CONVERSATIONS[name]
    assert write(messages, [WEATHER, PING]) == as_read(messages, [WEATHER, PING])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_settings_of_the_run_decide(dialect: str) -> None:
    for number, detail in enumerate(FUNCTION_DETAILS):
        details = {"umbrella": detail, "response_generation": detail}
        instructions = INSTRUCTIONS[number % len(INSTRUCTIONS)]
        configure(dialect=dialect, instructions=instructions, function_details=details)
        for specs in (SPECS, ()):
            turns: list[Turn] = [UserTurn("Go")]
            expected = CONVENTIONS.prompt_for_calls(specs, turns)
            assert write([user("Go")], tools_of(specs) or None) == expected
            turns.append(CallTurn(CallGraph((Call("ping.v-2"),)), ({},)))
            messages = [user("Go"), said(calls=[("ping.v-2", {})]), result({})]
            assert write(messages, tools_of(specs)) == CONVENTIONS.prompt_for_reply(specs, turns)


def test_the_dialect_of_most_examples_is_written() -> None:
    configure(dialect_shares={"granite": 1.0, "openai": 2.0})
    assert write([user("x")], None) == CONVENTIONS.prompt_for_calls((), [UserTurn("x")])
    assert write([user("x")], None).startswith("{")


@st.composite
def conversations(draw: st.DrawFn) -> list[Turn]:
    """Turns that end with the user, or with calls and their results."""
    turns: list[Turn] = [UserTurn(draw(TEXT))]
    labels: list[str] = []
    kinds = st.lists(st.sampled_from(["user", "calls", "reply"]), max_size=3)
    for kind in [*draw(kinds), "end"]:
        if kind == "reply":
            turns.append(AssistantTurn(draw(TEXT.filter(str.strip))))
        elif kind == "user" or draw(st.booleans()):
            turns.append(UserTurn(draw(TEXT)))
        else:
            known = frozenset(labels)
            calls: list[Call] = []
            for _ in range(draw(st.integers(1, 3))):
                arguments = draw(st.dictionaries(TEXT, VALUE, max_size=2))
                if labels and draw(st.booleans()):
                    path = draw(st.lists(st.sampled_from(["a.b", "0", "~$"]), max_size=2))
                    arguments["r"] = [Reference(draw(st.sampled_from(labels)), tuple(path))]
                number = draw(st.sampled_from([None, *range(1, 20)]))
                label = None if f"$var_{number}" in labels or number is None else f"$var_{number}"
                calls.append(Call(draw(st.sampled_from(["f", "g é"])), arguments, label))
                labels += [label] if label else []
            results = draw(st.lists(VALUE, min_size=len(calls), max_size=len(calls)))
            has_results = kind == "end" or draw(st.booleans())
            graph = CallGraph(tuple(calls), known_labels=known)
            turns.append(CallTurn(graph, tuple(results) if has_results else ()))
    if isinstance(turns[-1], AssistantTurn):
        turns.append(UserTurn(draw(TEXT)))
    return turns


def messages_of(turns: Sequence[Turn], draw: st.DrawFn) -> list[dict[str, Any]]:
    """What a client sends: JSON as values or as texts of any style."""

    def as_text(value: Any) -> str:
        return json.dumps(
            value,
            ensure_ascii=draw(st.booleans()),
            indent=draw(st.sampled_from([None, 1])),
            separators=draw(st.sampled_from([None, (",", ":")])),
        )

    messages: list[dict[str, Any]] = []
    for turn in turns:
        match turn:
            case UserTurn(text):
                messages.append(user(text))
            case AssistantTurn(text):
                messages.append(said(text=text))
            case CallTurn(calls, results):
                written = [call.to_json() for call in calls]
                for call in written:
                    if draw(st.booleans()):
                        call["arguments"] = as_text(call["arguments"])
                made = [{"id": f"c{n}", "function": call} for n, call in enumerate(written)]
                messages.append({"role": "assistant", "tool_calls": made})
                answers = []
                for number, value in enumerate(results):
                    if isinstance(value, dict | list) and (
                        isinstance(value, list) or draw(st.booleans())
                    ):
                        value = as_text(value)
                    answers.append(result(value, f"c{number}"))
                messages += draw(st.permutations(answers))
    return messages


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=12, deadline=None)
@given(turns=conversations(), data=st.data())
def test_any_conversation_is_written_as_trained(
    dialect: str, turns: list[Turn], data: st.DataObject
) -> None:
    configure(dialect=dialect)
    asks_reply = isinstance(turns[-1], CallTurn)
    prompt = CONVENTIONS.prompt_for_reply if asks_reply else CONVENTIONS.prompt_for_calls
    assert write(messages_of(turns, data.draw), tools_of(SPECS)) == prompt(SPECS, turns)


def test_labels_are_those_that_prompts_show() -> None:
    made = {"name": "f", "label": "$var_7", "arguments": "{}"}
    uses = {"name": "g", "arguments": '{"x": {"y": ["$var_7.a.0$", "$$var_7"]}}'}
    calls = [{"function": call} for call in ({"name": "e", "arguments": {}}, made, uses)]
    messages = [user("x"), {"role": "assistant", "tool_calls": calls}]
    arguments = {"x": {"y": [Reference("$var_7", ("a", 0)), "$var_7"]}}
    graph = CallGraph((Call("e"), Call("f", {}, "$var_7"), Call("g", arguments)))
    turns: list[Turn] = [UserTurn("x"), CallTurn(graph, (1, 2, 3))]
    messages += [result(1), result(2), result(3)]
    reply = write(messages, None)
    assert reply == CONVENTIONS.prompt_for_reply((), turns)
    assert '"label": "$var_1"' in reply and '"$var_1.a.0$"' in reply and "$var_3" not in reply
    asked = write([*messages, user("y")], None)
    assert asked == CONVENTIONS.prompt_for_calls((), [*turns, UserTurn("y")])
    assert '"label": "$var_3"' in asked and '"$var_2.a.0$"' in asked


def test_a_model_that_calls_nothing_is_asked_for_a_reply() -> None:
    messages = [user("x"), said(calls=[("no_function", "{}")]), result("", "c0")]
    assert write(messages, None) == CONVENTIONS.prompt_for_reply((), [UserTurn("x")])
    assert write([*messages, said(text="Sorry"), user("y")], None) == CONVENTIONS.prompt_for_calls(
        (), [UserTurn("x"), AssistantTurn("Sorry"), UserTurn("y")]
    )


def typed(**schema: Any) -> dict[str, Any]:
    return {"name": "f", "parameters": {"type": "object", "properties": {"a": schema}}}


@pytest.mark.parametrize(
    ("messages", "tools", "reason"),
    [
        ([user("x"), said(text="y")], [], "last message"),
        ([], [], "last message"),
        ([user("x"), said(calls=[("no_function", {})])], [], "last message"),
        ([user("x"), said(calls=[("f", {}), ("g", {})]), result(1, "c0")], [], "no result"),
        ([user("x"), said(calls=[("f", {})]), result(1, "c1")], [], "no call of its own"),
        ([user("x"), result(1)], [], "no call of its own"),
        ([said(calls=[("f", {})]), result(1)], [], "before the user"),
        ([user("x"), said(calls=[("f", "{'a': 1}")]), result(1)], [], "no JSON object"),
        ([user("x"), said(calls=[("f", '{"a": 01}')]), result(1)], [], "no JSON object"),
        ([user("x"), said(calls=[("f", '{"a": 1,}')]), result(1)], [], "no JSON object"),
        ([user("x"), said(calls=[("f", '{"a": "\\ud800"}')]), result(1)], [], "no JSON object"),
        ([user("x"), said(calls=[("f", "[1]")]), result(1)], [], "no JSON object"),
        ([user("x"), said(calls=[("f", '{"a": NaN}')]), result(1)], [], "no JSON value"),
        ([user("x"), said(calls=[("f", '{"a": 1e999}')]), result(1)], [], "too large"),
        ([user("x"), said(calls=[("f", {"a": "$var_1.b$"})]), result(1)], [], "earlier call"),
        ([user("x"), said(calls=[("f", {})]), result("{'a': 1}")], [], "brackets"),
        ([user([{"type": "image_url"}])], [], "no text"),
        ([{"role": "critic", "content": "x"}], [], "no role"),
        ([user("x")], [typed(type="dict")], "no type of JSON Schema: dict"),
        ([user("x")], [typed(type="integer", default="3")], "default"),
        ([user("x")], [typed(type="string", required=True)], "required"),
        ([user("x")], [{"name": "f", "parameters": {"a": {"type": "string"}}}], "JSON Schema"),
        ([user("x")], [{"name": "no way"}], "no name"),
        ([user("x")], [{"name": "no_function"}], "no name"),
        ([user("x")], [{"name": "f"}, {"name": "f", "description": "g"}], "two functions"),
    ],
)
def test_what_cannot_be_written_is_refused(messages: Any, tools: Any, reason: str) -> None:
    with pytest.raises(jinja2.TemplateError, match=reason):
        write(messages, tools)


def test_only_prompts_are_written() -> None:
    with pytest.raises(jinja2.TemplateError, match="add_generation_prompt"):
        write([user("x")], None, add_generation_prompt=False)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_tokens_are_those_of_the_vocabulary(
    dialect: str, tmp_path: Path, tokenizer_folder: Path
) -> None:
    configure(dialect=dialect)
    stale = json.dumps(
        json.loads((tokenizer_folder / "tokenizer_config.json").read_text())
        | {"chat_template": "stale"}
    ).encode()
    files = files_in(tokenizer_folder) | {"tokenizer_config.json": stale}
    for name, data in with_chat_template(files, CONVENTIONS.chat_template()).items():
        (tmp_path / name).write_bytes(data)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    entry = json.loads((tmp_path / "tokenizer_config.json").read_text())["chat_template"]
    assert entry == (tmp_path / "chat_template.jinja").read_text() == tokenizer.chat_template
    vocabulary = load_vocabulary(str(tokenizer_folder))
    for messages in (CONVERSATIONS["one word"], CONVERSATIONS["many turns"]):
        ids = tokenizer.apply_chat_template(
            messages, tools=[WEATHER, PING], add_generation_prompt=True, return_dict=False
        )
        assert ids == vocabulary.encode(as_read(messages, [WEATHER, PING]))
