"""What a prompt shows can be read from it again."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.reference import Reference
from granite_fc.calls.spec import FunctionSpec
from granite_fc.evaluation.question import Question
from tasks.dialects import DIALECTS, Instruction, dialect_of_prompt
from tasks.dialects.signature_reading import read_signature
from tasks.renderers import RENDERERS, RenderingContext, assembly
from tasks.rendering_config import FUNCTION_DETAILS, RenderingConfig
from tasks.sources import api_bank, glaive, seal_tools, tau_bench
from tasks.sources.episode import AssistantTurn, CallTurn, Episode, UserTurn
from tasks.sources.simulator.episodes import generate_episodes
from tests.calls.strategies import calls as any_call
from tests.calls.strategies import json_values, typed
from tests.real_data import DATA_DIR, needs_public_data
from tests.renderers import episodes as by_hand

dialects = st.sampled_from(list(DIALECTS.values()))
EPISODES = [
    *(found for _, found in sorted(vars(by_hand).items()) if isinstance(found, Episode)),
    *generate_episodes(3, "validation", 0, 25),
]
PLACE = FunctionSpec(
    "find_place",
    "Find a place -  by name",
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "What it is called"},
            "kind": {"enum": ["a, b", "c) -> {d}", None, 3]},
            "near": {"type": "array", "items": {"type": "number"}},
            "tags": {"type": "array", "items": {"enum": ["x", "y"]}},
            "size": {"type": ["integer", "null"], "default": 3},
            "box": {
                "type": "object",
                "properties": {"w": {"type": "number"}, "h": {"type": "object"}},
                "required": ["w"],
            },
            "note": {},
        },
        "required": ["name", "kind"],
    },
    {
        "type": "object",
        "properties": {
            "lat": {"type": "number"},
            "rows": {
                "type": "array",
                "items": {"type": "object", "properties": {"a": {"type": "string"}}},
            },
        },
    },
)


@pytest.fixture
def written(monkeypatch):
    """Notes of every prompt what it shows: functions, calls, results and words."""
    notes = []
    converse, fit = assembly.conversation, assembly.fit

    def noting_conversation(turns, calls, dialect):
        notes.append([turns, calls])
        return converse(turns, calls, dialect)

    def noting_fit(prompt, targets, context, **others):
        notes[-1] += [prompt, fit(prompt, targets, context, **others).inputs]
        return fit(prompt, targets, context, **others)

    monkeypatch.setattr(assembly, "conversation", noting_conversation)
    monkeypatch.setattr(assembly, "fit", noting_fit)
    return notes


def shown_results(turns, calls):
    results, place = [], 0
    for turn in turns:
        if isinstance(turn, CallTurn):
            if len(results) == place:
                results += turn.results[: len(calls) - place]
            place += len(turn.calls)
    return results


def check(dialect, detail, written):
    turns, calls, prompt, text = written
    assert dialect_of_prompt(text) is dialect
    question = dialect.read_prompt(text)
    library = prompt.library
    assert [spec.name for spec in question.functions] == [spec.name for spec in library.specs]
    for spec, read in zip(library.specs, question.functions, strict=True):
        check_function(dialect, spec, read, detail, library.with_output)
    assert question.shown == tuple(calls)
    assert [typed(result) for result in question.results] == [
        typed(result) for result in shown_results(turns, calls)
    ]
    said = [turn.text for turn in turns if isinstance(turn, UserTurn)]
    replied = [turn.text for turn in turns if isinstance(turn, AssistantTurn)]
    assert question.said == "\n".join(text.strip() for text in said)
    assert question.replied == "\n".join(text.strip() for text in replied)


def check_function(dialect, spec, read, detail, with_output):
    again = dialect.function(read, detail, with_output=with_output)
    assert again == dialect.function(spec, detail, with_output=with_output)
    names = {"x_unknown": 1}
    if detail == "description":
        assert read.check_arguments(names) == []
        return
    assert list(read.properties) == list(spec.properties)
    assert read.check_arguments(names)
    assert (read.output is None) == (not with_output or not spec.output)
    if detail == "full":
        assert read.parameters == spec.parameters
    if detail == "paper":
        assert read.check_arguments({name: [7] for name in spec.properties}) == []
    if detail == "signature":
        assert set(read.required) == set(spec.required)
        for name, schema in spec.properties.items():
            if "enum" in schema:
                assert read.properties[name]["enum"] == schema["enum"]
            elif "type" in schema:
                assert read.properties[name]["type"] == schema["type"]


def render(episodes, dialect, detail):
    for number, subtask in enumerate(RENDERERS):
        config = RenderingConfig(
            dialect=dialect.name,
            function_detail=detail,
            function_details=dict.fromkeys(RENDERERS, detail),
            negative_rates={subtask: 1.0},
            instructions=("varied", "released")[number % 2],
            ungrounded="keep",
        )
        for episode in episodes[number % 2 :: 2]:
            RENDERERS[subtask](episode, RenderingContext(config))


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize("detail", FUNCTION_DETAILS)
def test_prompts_of_every_sub_task_are_read_back(dialect, detail, written):
    render(EPISODES, dialect, detail)
    assert len(written) > 100
    assert any(note[1] for note in written)
    for note in written:
        check(dialect, detail, note)


@needs_public_data
@pytest.mark.parametrize(
    "source, folder",
    [
        (api_bank, "APIBank"),
        (seal_tools, "SealTools"),
        (glaive, "GlaiveDemo"),
        (tau_bench, "TauBench"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_prompts_of_public_data_are_read_back(source, folder, written):
    records = itertools.islice(source.episodes(DATA_DIR / folder, "validation"), 40)
    episodes = [record for record in records if isinstance(record, Episode)]
    details = (*FUNCTION_DETAILS, *FUNCTION_DETAILS[1:], FUNCTION_DETAILS[0])
    for dialect, detail in zip((*DIALECTS.values(),) * 2, details, strict=True):
        written.clear()
        render(episodes, dialect, detail)
        assert written
        for note in written:
            check(dialect, detail, note)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize("detail", FUNCTION_DETAILS)
@pytest.mark.parametrize("with_output", [True, False])
def test_a_function_with_every_kind_of_parameter(dialect, detail, with_output):
    functions = [PLACE, FunctionSpec("ping"), FunctionSpec("say", "Say <function_call> or (what)")]
    texts = [dialect.function(spec, detail, with_output=with_output) for spec in functions]
    instruction = dialect.released_instruction("umbrella") or Instruction("Do.")
    question = dialect.read_prompt(dialect.prompt(instruction, texts, [dialect.user("Hi")]))
    for spec, read in zip(functions, question.functions, strict=True):
        check_function(dialect, spec, read, detail, with_output)
    assert question.functions[2].description.endswith("Say <function_call> or (what)")
    assert question.said == "Hi" and question.shown == ()


def test_a_signature_says_what_fits():
    text = DIALECTS["granite"].function(PLACE, "signature", with_output=True)
    read = read_signature(text)
    assert read.required == ("name", "kind")
    assert read.properties["size"] == {"type": ["integer", "null"], "default": 3}
    assert read.properties["box"]["required"] == ["w"]
    good = {"name": "n", "kind": "a, b", "near": [1.5], "tags": ["x"], "box": {"w": 1}, "note": []}
    assert read.check_arguments(good) == []
    for wrong in ({"near": ["x"]}, {"tags": ["z"]}, {"kind": "q"}, {"box": {"h": {}}}, {"z": 1}):
        assert len(read.check_arguments({**good, **wrong})) == 1
    assert read.output["properties"]["rows"]["items"]["properties"] == {"a": {}}
    for broken in ("f(a)", "f(a: )", "f(a: string", "f(a: string) and", "f(a: nothing)"):
        assert read_signature(broken) is None


def test_words_that_look_like_markers_come_back():
    for dialect in DIALECTS.values():
        text = "a <tool_call> <function_call> <|end_of_text|>\nUSER: b\nASSISTANT:\n{}"
        prompt = dialect.prompt(Instruction("Do."), (), [dialect.user(text)])
        assert dialect.read_prompt(prompt).said == text


@settings(max_examples=40, deadline=None)
@given(dialects, st.lists(st.lists(any_call, min_size=1, max_size=3), max_size=3))
def test_any_calls_come_back(dialect, turns):
    exchange, shown = dialect.user("Go."), []
    for calls in turns:
        exchange += dialect.call_turn(calls, [{"n": len(shown)}] * len(calls), len(shown))
        shown += calls
    question = dialect.read_prompt(dialect.prompt(Instruction("Do."), (), [exchange]))
    assert [call.to_json() for call in question.shown] == [call.to_json() for call in shown]
    assert len(question.results) == len(shown)


@settings(max_examples=60, deadline=None)
@given(dialects, st.lists(json_values, min_size=1, max_size=3))
def test_any_results_come_back(dialect, results):
    made = [Call("f", {"x": number}, f"$var_{number}") for number in range(len(results))]
    turn = dialect.call_turn(made, results, 0)
    question = dialect.read_prompt(dialect.prompt(Instruction("Do."), (), [turn]))
    assert typed(list(question.results)) == typed(results)
    assert set(question.results_by_label) == {call.label for call in made}


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_results_keep_their_places(dialect):
    first, second = [Call("f"), Call("g")], [Call("h", {"x": Reference("$var_1", ("a",))})]
    known = dialect.call_turn(first, [1, 2], 0) + dialect.call_turn(second, [3], 2)
    unknown = dialect.call_turn(first, [], 0) + dialect.call_turn(second, [3], 2)
    partly = dialect.call_turn(first, [1], 0) + dialect.call_turn(second, [3], 2)
    for exchange, results in ((known, (1, 2, 3)), (unknown, ()), (partly, (1,))):
        prompt = dialect.prompt(Instruction("Do."), (), [dialect.user("x") + exchange])
        question = dialect.read_prompt(prompt)
        assert question.shown == (*first, *second)
        assert question.results == results


PIECES = [
    "SYSTEM: ",
    "\n\nUSER: ",
    "ASSISTANT:\n<function_call> ",
    "\n<|function_call_library|>\n",
    "<|start_of_role|>available_tools<|end_of_role|>",
    "<|im_start|>system\n\n<tools>\n",
    '{"messages": [',
    '{"tools": [1], "messages": []}',
    "f(a: {",
    '{"name": "f", "parameters": 3}',
    "(",
]


@settings(max_examples=200, deadline=None)
@given(dialects, st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=6).map("".join))
def test_reading_never_fails(dialect, text):
    assert isinstance(dialect.read_prompt(text), Question)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_hostile_prompts_are_read_in_linear_time(dialect):
    for piece in ("[", "f(a: ", "{", "USER: ", "\n", " | ", "<|start_of_role|>", '{"a": '):
        assert isinstance(dialect.read_prompt(piece * 50_000), Question)
        start = dialect.prompt(Instruction("Do."), (), [])[:-1]
        assert isinstance(dialect.read_prompt(start + piece * 50_000), Question)
    assert read_signature("f(" + "a: {" * 20_000) is None
    assert read_signature("f(" + "a: (" * 20_000) is None
    assert read_signature("f() -> " + "[" * 20_000) is None


def test_another_text_is_no_prompt():
    for dialect, other in itertools.permutations(DIALECTS.values(), 2):
        prompt = dialect.prompt(Instruction("Do."), (), [dialect.user("Hi")])
        assert other.read_prompt(prompt) == Question()
    for text in ("", "Hi", json.dumps({"messages": [1]}), json.dumps({"messages": {}})):
        assert dialect_of_prompt(text).read_prompt(text) == Question()
