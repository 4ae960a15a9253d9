"""Episodes as JSON, and what is remembered from one to the next."""

from __future__ import annotations

import dataclasses
import json

import pytest

from granite_fc.calls.spec import FunctionSpec
from tasks.sources.episode import AssistantTurn, Episode, UserTurn
from tests.renderers import episodes as hand


@pytest.mark.parametrize("name", ["NESTED", "PARALLEL", "CHAINED", "DIALOGUE", "MISSING"])
def test_json_gives_an_equal_episode(name):
    episode = getattr(hand, name)
    assert Episode.from_json(episode.to_json()) == episode
    assert Episode.from_json(episode.to_json().encode()) == episode
    assert Episode.from_json(episode.to_json()).to_json() == episode.to_json()


def test_replies_that_state_what_nobody_knows_stay_so():
    turns = (UserTurn("Hi"), AssistantTurn("Hello."), AssistantTurn("It is 5.", grounded=False))
    episode = dataclasses.replace(hand.DIALOGUE, turns=turns)
    assert Episode.from_json(episode.to_json()).turns == turns


def test_a_function_of_many_episodes_is_read_once():
    first, second = (
        Episode.from_json(dataclasses.replace(hand.NESTED, episode_id=name).to_json())
        for name in ("a", "b")
    )
    assert first.functions[0] is second.functions[0]
    assert first.distractors[0] is second.distractors[0]


def _episode(schema) -> Episode:
    parameters = {"type": "object", "properties": {"x": schema}}
    return Episode("e", "hand", (FunctionSpec("f", "F", parameters),), (UserTurn("Hi"),))


def test_functions_that_differ_in_little_stay_apart():
    schemas = [{"default": 1}, {"default": True}, {"default": 1.0}, {"default": "1"}]
    schemas += [{"type": "number", "default": 1}, {"default": 1, "type": "number"}]
    texts = [_episode(schema).to_json() for schema in schemas]
    assert len(set(texts)) == len(texts)
    assert [Episode.from_json(text).to_json() for text in (*texts, *texts)] == [*texts, *texts]


def test_a_malformed_function_is_refused_every_time():
    record = json.loads(hand.NESTED.to_json())
    record["functions"][0]["parameters"] = {"type": "string"}
    for _ in range(2):
        with pytest.raises(ValueError, match=r"locate: parameters\.type"):
            Episode.from_json(json.dumps(record))
