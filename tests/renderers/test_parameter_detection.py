"""Which values the text gives, and whose functions are asked about."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from granite_fc.calls.spec import FunctionSpec
from tasks.renderers import RENDERERS, RenderingContext, mentioned
from tasks.renderers.mentioned import Heard
from tasks.renderers.values import EarlierCalls, depends_on_results, said_in
from tasks.rendering_config import RenderingConfig
from tasks.sources.episode import AssistantTurn, CallTurn, Episode, Turn, UserTurn
from tests.renderers import episodes as hand

# Values of which some are said, some listed and some equal.
SOME = st.sampled_from([None, True, 1, 7, "7", "Elm Street", "Oak", "Ada", ["Ada", "Oak"]])


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
    assert Heard((UserTurn(text),)).mentions(value) is is_said


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


SUBTITLES = {"type": "string", "enum": ["True", "False"], "default": "False"}


@pytest.mark.parametrize(
    ("asked", "is_said"),
    [("Without subtitles?", True), ("Shall I?", False), ("Is this false?", True)],
)
def test_a_truth_value_is_said_with_what_it_is_about(asked, is_said):
    movie = function("play", movie={"type": "string"}, with_subtitles=SUBTITLES)
    call = Call("play", {"movie": "Heat", "with_subtitles": "False"})
    turns = (UserTurn("Play Heat"), AssistantTurn(asked), UserTurn("Yes"))
    episode = Episode("e", "hand", (movie,), (*turns, CallTurn(CallGraph((call,)))))
    rest = ', "with_subtitles": "False"' if is_said else ""
    assert targets(episode) == [f'{{"movie": "Heat"{rest}}}']


@pytest.mark.parametrize(
    ("services", "artist", "is_asked"),
    [
        ({"find": "Music", "play": "Music"}, {}, False),
        ({"find": "Music", "play": "Music"}, {"artist": "Ada Lund"}, True),
        ({"find": "Music", "play": "Films"}, {}, True),
    ],
)
def test_a_call_that_leaves_out_what_was_offered_is_not_asked_about(services, artist, is_asked):
    found = {"results": [{"song": "Elm Street", "artist": "Ada Lund"}]}
    text = {"type": "string"}
    turns = (
        UserTurn("A song"),
        CallTurn(CallGraph((Call("find", {}),)), (found,)),
        AssistantTurn("Elm Street by Ada Lund?"),
        UserTurn("Yes"),
        CallTurn(CallGraph((Call("play", {"song": "Elm Street", **artist}),))),
    )
    functions = (function("find"), function("play", song=text, artist=text))
    episode = Episode("e", "hand", functions, turns, services=services)
    assert bool(targets(episode)) is is_asked


@pytest.mark.parametrize(
    ("text", "required", "found"),
    [
        ("Question 2, please", ["number"], ['{"topic": "art", "number": 2}']),
        ("The next, please", ["number"], []),
        ("The next, please", [], ['{"topic": "art"}']),
        ("The next at 2 pm", [], []),
    ],
)
def test_whole_numbers_have_to_be_said(text, required, found):
    number, topic = {"type": "integer"}, {"type": "string"}
    schema = {"type": "object", "properties": {"topic": topic, "number": number}}
    quiz = FunctionSpec("quiz", "", {**schema, "required": required})
    call = Call("quiz", {"topic": "art", "number": 2})
    turns = (UserTurn(f"On art. {text}"), CallTurn(CallGraph((call,))))
    assert targets(Episode("e", "hand", (quiz,), turns)) == found


def test_the_figures_of_a_large_number_are_enough():
    loan = function("loan", amount={"type": "integer"})
    turns = (UserTurn("$200,000"), CallTurn(CallGraph((Call("loan", {"amount": 200000}),))))
    assert targets(Episode("e", "hand", (loan,), turns)) == ['{"amount": 200000}']


def test_what_may_be_told_of_either_of_two_calls_is_not_asked_for():
    text = {"type": "string"}
    functions = (function("place", at=text), function("route", to=text, by=text))
    route = Call("route", {"to": Reference("$var_1", ("at",)), "by": "car"})

    def found(place):
        turn = CallTurn(CallGraph((place, route)))
        return targets(Episode("e", "hand", functions, (UserTurn("Home by car to Oak"), turn)))

    assert found(Call("place", {"at": "Oak"}, "$var_1")) == ['{"at": "Oak"}\n{"by": "car"}']
    assert found(Call("place", {}, "$var_1")) == []
    assert found(Call("route", {"by": "Oak"}, "$var_1")) == []


@pytest.mark.parametrize(
    ("properties", "is_asked"),
    [
        ({"artist": {"type": "string"}}, True),
        ({"order_id": {"type": "string"}}, False),
        ({"kind": {"type": "string", "enum": ["iced", "hot"]}}, False),
        ({"event_date": {"type": "string"}}, False),
        ({"city": {"type": "string"}}, False),
        ({"lattes": {"type": "integer"}}, False),
    ],
)
def test_a_negative_asks_about_no_function_that_the_text_might_give_a_value(properties, is_asked):
    request = UserTurn("For #W1234 a hot latte on Monday, in Bonn")
    functions = (function("other", **properties),)
    negative = Episode("e", "hand", functions, (request,), no_call_reason="no_function")
    assert targets(negative) == ["{}"] * is_asked


@pytest.mark.parametrize(
    ("text", "properties", "is_asked"),
    [
        ("My name is mark. Play a song", {"UserName": {"type": "string"}}, False),
        ("I'm Ann Lee. Play a song", {"patient_name": {"type": "string"}}, False),
        ("This is Ann", {"who": {"type": "string", "description": "Name of whoever asks"}}, False),
        ("I'm looking for a song", {"UserName": {"type": "string"}}, True),
        ("My name is Mark. Play a song", {"hotel_name": {"type": "string"}}, True),
        ("My name is Mark. Play a song", {"user": {"type": "string"}}, True),
    ],
)
def test_a_negative_asks_about_no_person_where_one_is_introduced(text, properties, is_asked):
    functions = (function("other", **properties),)
    negative = Episode("e", "hand", functions, (UserTurn(text),), no_call_reason="no_function")
    assert targets(negative) == ["{}"] * is_asked


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


@given(
    st.lists(st.tuples(SOME, SOME), max_size=3),
    SOME,
    st.sampled_from(["Go", "Elm Street", "7 of them"]),
)
def test_what_results_alone_give_is_as_where_each_value_is_asked_for(earlier, value, text):
    calls = [
        CallTurn(CallGraph((Call("find", {"query": passed}),)), ({"row": returned},))
        for passed, returned in earlier
    ]
    turns: tuple[Turn, ...] = (UserTurn(text), *calls)
    spec = function("play", song={"type": "string", "enum": ["Oak"]})
    asked = CallTurn(CallGraph((Call("play", {"song": value}),)))
    expected = depends_on_results([asked], (*turns, asked), [spec], calls)
    heard = Heard(turns)
    assert EarlierCalls(turns).alone_give(value, spec, lambda: heard.said) is expected


def test_what_is_said_is_read_once_for_all_values_of_a_turn(monkeypatch):
    read = []

    def counting(turns):
        read.append(turns)
        return said_in(turns)

    monkeypatch.setattr(mentioned, "said_in", counting)
    number = {"type": "integer"}
    spec = function("add", **dict.fromkeys("abc", number))
    call = Call("add", {"a": 1200, "b": 3400, "c": 5600})
    turns = (UserTurn("$1,200, $3,400 and $5,600"), CallTurn(CallGraph((call,))))
    episode = Episode("e", "hand", (spec,), turns)
    assert targets(episode) == ['{"a": 1200, "b": 3400, "c": 5600}']
    assert len(read) == 1
