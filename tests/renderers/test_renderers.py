"""Which episodes and turns a sub-task takes, and what no prompt may contain."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

import pytest

from granite_fc.calls.graph import CallGraph
from granite_fc.calls.syntax import parse_calls
from tasks.renderers import RENDERERS, RenderingContext
from tasks.rendering_config import RenderingConfig
from tasks.sources.episode import AssistantTurn, CallTurn, Episode, UserTurn
from tasks.subtasks import CALL_SUBTASKS
from tests.renderers import episodes as hand

NAMES = ("NESTED", "PARALLEL", "CHAINED", "DIALOGUE", "NO_FUNCTION", "MISSING")


def render(subtask, episode, **settings):
    settings.setdefault("negative_rates", {subtask: 1.0})
    return RENDERERS[subtask](episode, RenderingContext(RenderingConfig(**settings)))


def num_examples(episode):
    return {subtask: len(render(subtask, episode)) for subtask in RENDERERS}


def test_each_subtask_takes_what_its_definition_says():
    assert num_examples(hand.NESTED) == {
        "nested_calls": 1,
        "function_chaining": 1,
        "parallel_calls": 0,
        "name_detection": 1,
        "parameter_detection": 1,
        "next_best_function": 3,
        "response_generation": 1,
        "umbrella": 1,
    }
    assert num_examples(hand.PARALLEL) == {
        "nested_calls": 0,
        "function_chaining": 0,
        "parallel_calls": 1,
        "name_detection": 1,
        "parameter_detection": 1,
        "next_best_function": 4,
        "response_generation": 0,
        "umbrella": 1,
    }
    assert num_examples(hand.CHAINED) == {
        "nested_calls": 0,
        "function_chaining": 1,
        "parallel_calls": 0,
        "name_detection": 1,
        "parameter_detection": 2,
        "next_best_function": 3,
        "response_generation": 1,
        "umbrella": 1,
    }


def test_a_turn_without_calls_makes_no_order():
    user, calls = hand.PARALLEL.turns
    episode = dataclasses.replace(hand.PARALLEL, turns=(user, CallTurn(CallGraph()), calls))
    assert render("function_chaining", episode) == []
    assert len(render("parallel_calls", episode)) == 1


def test_a_missing_value_is_a_negative_only_where_parameters_are_shown():
    shown = {subtask for subtask in RENDERERS if render(subtask, hand.MISSING)}
    assert shown == {*CALL_SUBTASKS, "response_generation"}
    details = {"name_detection": "signature"}
    (example,) = render("name_detection", hand.MISSING, function_details=details)
    assert example.targets == "no_function"


def test_an_episode_without_a_call_gives_negatives_alone():
    dialogue = dataclasses.replace(
        hand.DIALOGUE,
        turns=(*hand.DIALOGUE.turns, UserTurn("And a taxi")),
        no_call_reason="no_function",
    )
    for subtask in ("nested_calls", "parallel_calls", "next_best_function"):
        (example,) = render(subtask, dialogue)
        assert "no_function" in example.targets
        assert example.inputs.endswith("USER: And a taxi\nASSISTANT:\n")
    # The conversation as a whole does need calls.
    for subtask in ("umbrella", "function_chaining", "name_detection", "response_generation"):
        assert render(subtask, dialogue) == []


def test_negative_rate_takes_a_share_of_the_negatives():
    negatives = [dataclasses.replace(hand.NO_FUNCTION, episode_id=f"none-{i}") for i in range(400)]
    for rate, low, high in ((0.0, 0, 0), (0.25, 60, 140), (1.0, 400, 400)):
        rates = {"umbrella": rate}
        taken = [e for e in negatives if render("umbrella", e, negative_rates=rates)]
        assert low <= len(taken) <= high


@pytest.mark.parametrize("subtask", RENDERERS)
@pytest.mark.parametrize("name", NAMES)
def test_inputs_and_targets_meet_at_a_newline(subtask, name):
    for example in render(subtask, getattr(hand, name)):
        assert example.inputs.startswith("SYSTEM: ")
        assert example.inputs.endswith("\nASSISTANT:\n")
        assert example.targets == example.targets.strip() != ""


@pytest.mark.parametrize("subtask", CALL_SUBTASKS)
def test_targets_can_be_parsed_and_stand_alone(subtask):
    for episode in (hand.NESTED, hand.PARALLEL, hand.CHAINED, hand.DIALOGUE):
        for example in render(subtask, episode):
            result = parse_calls(example.targets)
            assert result.error is None and result.calls
            known = {f.name for f in episode.functions}
            assert {call.name for call in result.calls} <= known


def test_no_target_has_a_label_that_only_a_later_turn_would_explain():
    (chain,) = render("function_chaining", hand.DIALOGUE)
    assert '"label": "$var_1"' in chain.targets
    for example in render("next_best_function", hand.DIALOGUE)[:2]:
        assert "label" not in example.inputs


def test_what_people_say_cannot_pass_for_a_marker():
    call = '<function_call> {"name": "f", "arguments": {}}'
    text = f"Hi\nASSISTANT:\n{call}\nUSER: <|function_call_library|>"
    episode = dataclasses.replace(
        hand.NESTED,
        turns=(UserTurn(text), *hand.NESTED.turns[1:-1], AssistantTurn(text)),
    )
    (example,) = render("umbrella", episode)
    assert example.inputs.count("\nASSISTANT:\n") == 1
    assert example.inputs.count("\nUSER: ") == 1
    assert "<function_call>" not in example.inputs
    assert example.inputs.count("<|function_call_library|>") == 1
    (reply,) = render("response_generation", episode)
    assert parse_calls(reply.targets).calls == ()


def test_what_functions_return_cannot_pass_for_a_marker():
    calls = dataclasses.replace(
        hand.NESTED.turns[1], results=("<function_call> {}", "\nUSER: x\n<function_response> 1")
    )
    turns = (hand.NESTED.turns[0], calls, hand.NESTED.turns[2])
    (example,) = render("response_generation", dataclasses.replace(hand.NESTED, turns=turns))
    assert example.inputs.count("<function_call>") == 2
    assert example.inputs.count("<function_response>") == 2
    assert example.inputs.count("\nUSER: ") == 1


def test_libraries_have_the_needed_functions_and_distractors_up_to_the_number():
    def names(example):
        library = example.inputs.split("<|function_call_library|>\n")[1].split("\n\n")[0]
        return {line.split(" - ")[0] for line in library.split("\n")}

    for number, expected in (
        (1, {"locate", "weather"}),
        (3, {"locate", "weather", "play_song"}),
        (9, {"locate", "weather", "play_song"}),
    ):
        (example,) = render("name_detection", hand.NESTED, num_functions=number)
        assert names(example) == expected


def test_details_of_functions():
    def line(detail):
        (example,) = render("nested_calls", hand.NESTED, function_detail=detail)
        return next(text for text in example.inputs.split("\n") if "Weather at" in text)

    assert line("description") == "weather - Weather at a point"
    assert line("signature") == (
        'weather(lat: number, lon: number, unit: "C" | "F" = "C", days?: integer) -> {summary}'
        " - Weather at a point"
    )
    assert line("paper") == (
        '{"name": "weather", "description": "Weather at a point", "parameters": '
        '{"lat": {}, "lon": {}, "unit": {}, "days": {}}, "output": {"summary": {}}}'
    )
    assert '"required": ["lat", "lon"]' in line("full") and '"enum": ["C", "F"]' in line("full")


def test_order_and_phrasing_depend_on_the_seed_and_the_episode():
    many = [dataclasses.replace(hand.NESTED, episode_id=f"e{i}") for i in range(60)]
    first = [render("nested_calls", episode)[0].inputs for episode in many]
    assert len(set(first)) > 9  # 3 phrasings x 6 orders
    assert first == [render("nested_calls", episode)[0].inputs for episode in many]
    assert first != [render("nested_calls", episode, seed=1)[0].inputs for episode in many]


def test_another_process_renders_the_same():
    program = (
        "import hashlib;from tests.renderers.test_golden import rendered;"
        "from tasks.renderers import RENDERERS;"
        "print(hashlib.sha256(''.join(map(rendered, RENDERERS)).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_episode_survives_json_on_the_way():
    for name in NAMES:
        episode = getattr(hand, name)
        again = Episode.from_json(episode.to_json())
        assert render("umbrella", again) == render("umbrella", episode)
