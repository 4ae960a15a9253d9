"""The check of labels passes what renderers write and finds what is wrong with others."""

from __future__ import annotations

import dataclasses
import sys

import pytest

from benchmarks import round_trips
from granite_fc.calls.graph import CallGraph
from tasks.renderers import RENDERERS, RenderingContext
from tasks.rendering_config import RenderingConfig
from tasks.sources.episode import CallTurn, UserTurn
from tasks.subtasks import CALL_SUBTASKS, UMBRELLA
from tests.renderers import episodes


@pytest.fixture
def nested():
    context = RenderingContext(RenderingConfig())
    (made,) = RENDERERS[UMBRELLA](episodes.NESTED, context)
    return made


def test_a_label_of_the_episode_passes(nested):
    assert "$var_1" in nested.targets
    assert round_trips.problem(episodes.NESTED, UMBRELLA, *nested) is None


def test_what_is_wrong_is_found(nested):
    inputs, targets = nested
    name = episodes.NESTED.functions[0].name
    first, *_ = targets.splitlines()
    nothing = '<function_call> {"name": "no_function", "arguments": {}}'
    for changed, expected in [
        (nothing, "calls nothing"),
        (first.replace(', "label": "$var_1"', ""), "no calls of the episode"),
        (targets + " and so on", "does not parse"),
        (targets.replace(name, "another"), "no calls of the episode"),
        (f"{first}\n{first}", "no calls of the episode"),
        (targets.replace('"$var_1"', '"$var_7"'), "no calls of the episode"),
    ]:
        assert changed != targets
        assert expected in (round_trips.problem(episodes.NESTED, UMBRELLA, inputs, changed) or "")


def test_a_reference_needs_its_call_in_the_prompt():
    first, second = episodes.NESTED.turns[1].calls
    turns = (
        UserTurn("Where is Oslo?"),
        CallTurn(CallGraph((first,))),
        UserTurn("And the weather there?"),
        CallTurn(CallGraph((second,), known_labels=frozenset({first.label}))),
    )
    episode = dataclasses.replace(episodes.NESTED, turns=turns)
    *_, made = RENDERERS["nested_calls"](episode, RenderingContext(RenderingConfig()))
    assert round_trips.problem(episode, "nested_calls", *made) is None
    hidden = made.inputs.replace('"$var_1"', "")
    found = round_trips.problem(episode, "nested_calls", hidden, made.targets)
    assert "leads to no call" in (found or "")


def test_the_table_counts_examples(monkeypatch, capsys, tmp_path):
    arguments = [
        *("--sources", "simulator", "--episodes=20", "--num_workers=1"),
        *("--gin_file=runs/quickstart.gin", f"--gin.MODEL_DIR={tmp_path}"),
    ]
    monkeypatch.setattr(sys, "argv", ["round_trips", *arguments])
    with pytest.raises(SystemExit) as ended:
        round_trips.main()
    assert ended.value.code == 0
    header, line = capsys.readouterr().out.splitlines()
    assert header.split() == ["source", *CALL_SUBTASKS, "wrong"]
    name, *counts, wrong = line.split()
    assert name == "simulator" and wrong == "0"
    assert all(int(count.replace(",", "")) > 0 for count in counts)
