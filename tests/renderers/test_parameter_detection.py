"""Which values the text gives, and whose functions are asked about."""

from __future__ import annotations

import dataclasses

import pytest

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from granite_fc.calls.spec import FunctionSpec
from tasks.renderers import RENDERERS, RenderingContext
from tasks.renderers.mentioned import mentions
from tasks.rendering_config import RenderingConfig
from tasks.sources.episode import AssistantTurn, CallTurn, Episode, UserTurn
from tests.renderers import episodes as hand


def render(episode, nothing_left_rate=1.0):
    config = RenderingConfig(
        instructions="short", function_detail="signature", nothing_left_rate=nothing_left_rate
    )
    return RENDERERS["parameter_detection"](episode, RenderingContext(config))


def targets(episode, **settings):
    return [example.targets for example in render(episode, **settings)]


def function(function_name, **properties):
    return FunctionSpec(function_name, "", {"type": "object", "properties": properties})


def test_only_functions_of_calls_with_a_value_are_shown():
    (example,) = render(hand.NESTED)
    assert example.targets == '{"place": "Oslo"}'
    assert "locate(" in example.inputs and "weather(" not in example.inputs
    assert "each call that" in example.inputs and "{} only if none" in example.inputs


@pytest.mark.parametrize(
    ("value", "text", "is_said"),
    [
        ("2019-03-01", "From March 1st on", True),
        ("2019-03-01", "From March 2nd on", False),
        ("17:30", "At 5:30 pm", True),
        ("1", "One cappuccino and a bagel", True),
        (1, "A table for one, please", True),
        ("1", "Make that one-way", False),
        ("1", "With one stop", False),
        ("1", "I like that one", False),
        ("1", "Another one in Rome", False),
        ("1", "On March 1", False),
        ("1", "At 1 pm", False),
        ("2", "There will be 2 of us", True),
        ("2", "Two tickets", True),
        ("2", "A 2-stop flight", False),
        ("latte-4545", "A latte is on the list", False),
        ("latte-4545", "It is latte 4545.", True),
        ("Museum of Modern Art", "The modern museum, with art", False),
        (["a b", 4], "A b for four people", True),
        ([], "Nothing", False),
    ],
)
def test_a_value_is_mentioned_as_it_is(value, text, is_said):
    assert mentions((UserTurn(text),), value) is is_said


def test_what_a_reference_leads_to_is_said_with_all_its_words():
    functions = (function("find", kind={"type": "string"}), function("buy", id={"type": "string"}))
    find = CallGraph((Call("find", {"kind": "coffee"}, "$var_1"),))
    buy = Call("buy", {"id": Reference("$var_1", ("id",))})

    def episode(answer):
        turns = (
            UserTurn("Any coffee?"),
            CallTurn(find, ({"id": "latte-4545"},)),
            AssistantTurn(answer),
            UserTurn("Yes"),
            CallTurn(CallGraph((buy,), known_labels=frozenset({"$var_1"}))),
        )
        return Episode("e", "hand", functions, turns)

    assert targets(episode("A latte?")) == ['{"kind": "coffee"}', "{}"]
    assert targets(episode("Is latte-4545 fine?"))[1] == '{"id": "latte-4545"}'


def ordered(number, request, *calls, results):
    """An episode that orders in a first turn and confirms with an identifier in a second."""
    chosen = {"type": "array", "items": {"type": "object"}}
    functions = (
        function("find", kind={"type": "string"}),
        function("order", id={"type": "string"}, chosen=chosen, notes={"type": "string"}),
        function("send", id={"type": "string"}),
    )
    first = CallTurn(CallGraph(calls), results)
    known = frozenset(first.calls.labels)
    send = CallGraph((Call("send", {"id": Reference("$var_2", ("id",))}),), known_labels=known)
    turns = (UserTurn(request), first, AssistantTurn("Right?"), UserTurn("Yes"), CallTurn(send))
    return Episode(f"e-{number}", "hand", functions, turns)


def test_a_function_with_an_object_from_results_in_part_is_not_asked_about():
    find = Call("find", {"kind": "milk"}, "$var_1")
    chosen = [{"of": Reference("$var_1", ("id",)), "option": "oat milk"}]
    order = Call("order", {"chosen": chosen, "notes": "hot"}, "$var_2")
    results = ({"id": "milk-7"}, {"id": "4545"})
    example, *_ = render(ordered(1, "A latte with oat milk, hot", find, order, results=results))
    assert example.targets == '{"kind": "milk"}' and "order(" not in example.inputs
    plain = Call("order", {"notes": "hot"}, "$var_2")
    find = Call("find", {"kind": "milk"})
    found = targets(ordered(1, "A latte with oat milk, hot", find, plain, results=results))
    assert found[0] == '{"kind": "milk"}\n{"notes": "hot"}'


def test_of_turns_without_a_value_a_share_is_asked_about():
    order = Call("order", {"notes": "hot"}, "$var_2")
    episodes = [ordered(n, "A hot latte", order, results=({"id": "4545"},)) for n in range(400)]
    found = [text for episode in episodes for text in targets(episode, nothing_left_rate=0.25)]
    assert found.count('{"notes": "hot"}') == 400
    assert 60 < found.count("{}") < 140
    assert len(targets(episodes[0], nothing_left_rate=1.0)) == 2
    assert len(targets(episodes[0], nothing_left_rate=0.0)) == 1


def test_a_default_of_few_words_counts_after_the_last_call_alone():
    kinds = {"type": "string", "enum": ["Check", "Book"], "default": "Check"}
    room = function("room", type=kinds, name={"type": "string"})

    def episode(second):
        turns = (
            UserTurn("Check the Ritz"),
            CallTurn(CallGraph((Call("room", {"type": "Check", "name": "Ritz"}),)), ({},)),
            AssistantTurn("It is full."),
            UserTurn(second),
            CallTurn(CallGraph((Call("room", {"type": "Check", "name": "Hilton"}),))),
        )
        return Episode("e", "hand", (room,), turns)

    first = '{"type": "Check", "name": "Ritz"}'
    assert targets(episode("Then the Hilton")) == [first, '{"name": "Hilton"}']
    assert targets(episode("Check the Hilton"))[1] == '{"type": "Check", "name": "Hilton"}'


def test_a_negative_asks_about_a_function_that_is_not_called():
    turns = (*hand.DIALOGUE.turns, UserTurn("And a taxi"))
    negative = dataclasses.replace(
        hand.DIALOGUE,
        functions=(*hand.DIALOGUE.functions, hand.SONG),
        turns=turns,
        no_call_reason="no_function",
    )
    (example,) = render(negative)
    assert example.targets == "{}" and "play_song(" in example.inputs
    assert render(dataclasses.replace(negative, functions=hand.DIALOGUE.functions)) == []
