"""Conversations too long for a row: which calls are asked for together, and what stays."""

from __future__ import annotations

import dataclasses

import pytest

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from tasks.dialects import DIALECTS
from tasks.renderers import RENDERERS, RenderingContext, TokenCounter, call_sequences
from tasks.renderers.assembly import assemble
from tasks.rendering_config import RenderingConfig
from tasks.sources.episode import STOPPED, AssistantTurn, CallTurn, Episode, UserTurn
from tests.renderers import episodes as hand
from tests.renderers.toy_vocabulary import ToyVocabulary

VOCABULARY = ToyVocabulary()
COUNT = TokenCounter(VOCABULARY)
SONGS = ("Yesterday", "Help", "Michelle", "Julia", "Girl")


def conversation(songs=SONGS):
    turns = []
    for title in songs:
        turns += [
            UserTurn(f"Play {title}" + ", please" * 30),
            CallTurn(CallGraph((Call("play_song", {"title": title}),)), ({"playing": title},)),
            AssistantTurn(f"Here is {title}."),
        ]
    return Episode("songs", "hand", (hand.SONG,), tuple(turns), (hand.TIMER,))


def render(subtask, episode, length, **settings):
    config = RenderingConfig(
        sequence_length=length,
        function_detail="signature",
        instructions="short",
        nothing_left_rate=0.0,
        **settings,
    )
    context = RenderingContext(config, COUNT)
    return RENDERERS[subtask](episode, context), context.counts


def tokens(example):
    return len(VOCABULARY.encode(example.inputs + example.targets))


def titles(text):
    return [call.arguments["title"] for call in DIALECTS["granite"].parse_calls(text).calls]


@pytest.mark.parametrize("subtask", ["function_chaining", "umbrella"])
def test_every_call_is_asked_for_once_and_those_before_are_shown(subtask):
    (whole,), counts = render(subtask, conversation(), None)
    assert titles(whole.targets) == list(SONGS) and not counts
    examples, counts = render(subtask, conversation(), tokens(whole) - 40)
    assert len(examples) == 2 and counts["split_conversation"] == 1
    first, second = examples
    assert titles(first.targets) + titles(second.targets) == list(SONGS)
    assert "<function_call>" not in first.inputs
    for example in examples:
        assert tokens(example) < tokens(whole)
        assert titles(example.inputs) == [] or set(titles(example.inputs)) <= set(
            titles(first.targets)
        )
        for title in titles(example.targets):
            assert f"USER: Play {title}" in example.inputs
            assert f'{{"playing": "{title}"}}' not in example.inputs


def test_chains_stay_chains_and_what_is_too_long_for_that_is_counted():
    (whole,), _ = render("function_chaining", conversation(), None)
    length = tokens(whole) // 3
    examples, counts = render("function_chaining", conversation(), length)
    assert all(len(titles(example.targets)) >= 2 for example in examples)
    assert len(examples) + counts["too_long"] == 2
    single, _ = render("umbrella", conversation(), length)
    assert [titles(example.targets) for example in single] == [[title] for title in SONGS]
    whole_only, counts = render("umbrella", conversation(), length, shed_order=("distractors",))
    assert whole_only == [] and counts == {"too_long": 1}


def test_a_conversation_goes_in_stretches_before_fewer_than_three_functions_are_left():
    functions = (hand.SONG, hand.TIMER, hand.WEATHER)
    episode = dataclasses.replace(conversation(), functions=functions, distractors=())
    (whole,), _ = render("function_chaining", episode, None)
    examples, counts = render("function_chaining", episode, tokens(whole) - 1)
    assert len(examples) == 2 and not counts["shed_functions"]
    assert all("set_timer" in e.inputs and "weather" in e.inputs for e in examples)
    # One that cannot go in stretches does with two.
    short = dataclasses.replace(episode, turns=conversation(SONGS[:2]).turns)
    (whole,), _ = render("function_chaining", short, None)
    examples, counts = render("function_chaining", short, tokens(whole) - 1)
    assert len(examples) == 1 and counts == {"shed_functions": 1, "few_functions": 1}


def test_what_no_stretches_cure_is_not_tried_in_all_numbers_of_them(monkeypatch):
    slots = {f"some_quite_long_name_{number}": {"type": "string"} for number in range(300)}
    large = dataclasses.replace(
        hand.WEATHER, parameters={"type": "object", "properties": slots, "required": []}
    )
    many = conversation([f"Song {number}" for number in range(12)])
    two = dataclasses.replace(many, functions=(hand.SONG, hand.TIMER), distractors=())
    (whole,), _ = render("umbrella", two, None)
    asked = []

    def counting(*args, **kwargs):
        asked.append(args)
        return assemble(*args, **kwargs)

    monkeypatch.setattr(call_sequences, "assemble", counting)
    three = dataclasses.replace(two, functions=(*two.functions, large))
    (example,), counts = render("umbrella", three, tokens(whole))
    assert len(titles(example.targets)) == 12 and counts["few_functions"] == 1
    # Whole, in two stretches, and each call for itself.
    assert len(asked) == 1 + 2 + 12


def test_names_are_asked_for_in_stretches_too():
    (whole,), _ = render("name_detection", conversation(), None)
    examples, _ = render("name_detection", conversation(), tokens(whole) // 2)
    assert len(examples) > 1
    names = [name for example in examples for name in example.targets.split("\n")]
    assert names == ["play_song"] * len(SONGS)


def test_neither_names_nor_calls_are_asked_for_where_a_result_alone_ends_them():
    stopped = dataclasses.replace(conversation(), marks=(STOPPED,))
    (example,), counts = render("name_detection", stopped, None)
    assert example.targets.split("\n") == ["play_song"] * (len(SONGS) - 1)
    assert SONGS[-1] not in example.inputs and counts["hidden_result"] == 1
    alone = dataclasses.replace(conversation(SONGS[:1]), marks=(STOPPED,))
    assert render("name_detection", alone, None)[0] == []
    (example,), counts = render("umbrella", stopped, None)
    assert titles(example.targets) == list(SONGS[:-1])
    assert SONGS[-1] not in example.inputs and counts["hidden_result"] == 1
    examples, counts = render("umbrella", alone, None)
    assert examples == [] and counts["hidden_result"] == 1
    assert len(render("next_best_function", alone, None)[0]) == 2


def test_a_stretch_shows_the_call_that_it_refers_to():
    base = conversation()
    turns = list(base.turns)
    turns[1] = CallTurn(
        CallGraph((Call("play_song", {"title": "Yesterday"}, "$var_1"),)), ({"next": "x"},)
    )
    turns[-2] = CallTurn(
        CallGraph(
            (Call("play_song", {"title": Reference("$var_1", ("next",))}),),
            known_labels=frozenset({"$var_1"}),
        )
    )
    episode = dataclasses.replace(base, turns=tuple(turns))
    (whole,), _ = render("umbrella", episode, None)
    examples, _ = render("umbrella", episode, tokens(whole) - 1)
    for example in examples:
        if "$var_1.next$" in example.targets:
            assert '"label": "$var_1"' in example.inputs + example.targets


def test_an_exchange_that_gives_a_value_is_no_history():
    def episode(middle):
        calls = CallGraph((Call("locate", {"place": "Lyon"}), Call("locate", {"place": "x"})))
        turns = (
            UserTurn("We are in Lyon"),
            AssistantTurn("Nice."),
            UserTurn(middle),
            AssistantTurn("Good."),
            UserTurn("Find me a place here"),
            CallTurn(calls),
        )
        return Episode("lyon", "hand", (hand.LOCATE,), turns)

    (whole,), _ = render("parallel_calls", episode("I like it"), None)
    examples, counts = render("parallel_calls", episode("I like it"), tokens(whole) - 1)
    assert examples == [] and counts == {"too_long": 1}
    (example,), counts = render("parallel_calls", episode("I like Lyon"), tokens(whole) - 1)
    assert counts == {"trimmed_history": 1}
    assert "We are in Lyon" not in example.inputs and "I like Lyon" in example.inputs


def test_detail_goes_where_three_functions_are_too_long():
    functions = (hand.LOCATE, hand.WEATHER, hand.BOOK)
    episode = dataclasses.replace(hand.NESTED, functions=functions)

    def lengths(**settings):
        config = RenderingConfig(instructions="short", **settings)
        return tokens(RENDERERS["umbrella"](episode, RenderingContext(config))[0])

    full, signature = lengths(), lengths(function_detail="signature")
    for length, expected in (
        (full, {}),
        (full - 1, {"shed_functions": 1}),
        (signature, {"leaner_detail": 1}),
        (signature - 1, {"leaner_detail": 1, "shed_functions": 1}),
    ):
        config = RenderingConfig(sequence_length=length, instructions="short")
        context = RenderingContext(config, COUNT)
        (example,) = RENDERERS["umbrella"](episode, context)
        assert context.counts == expected and tokens(example) <= length
    other = RenderingConfig(
        sequence_length=full - 1, instructions="short", shed_order=("detail", "distractors")
    )
    context = RenderingContext(other, COUNT)
    RENDERERS["umbrella"](episode, context)
    assert context.counts == {"leaner_detail": 1}
    paper = RenderingConfig(sequence_length=150, instructions="short", function_detail="paper")
    for example in RENDERERS["umbrella"](episode, RenderingContext(paper, COUNT)):
        assert "string" not in example.inputs  # types stay out
