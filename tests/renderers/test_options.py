"""What the settings of rendering change, and what they leave as it is."""

from __future__ import annotations

import collections
import dataclasses

import pytest

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from granite_fc.calls.spec import FunctionSpec
from tasks.dialects import DIALECTS
from tasks.renderers import RENDERERS, RenderingContext
from tasks.rendering_config import RenderingConfig
from tasks.sources.episode import ArgumentPlace, AssistantTurn, CallTurn, Episode, UserTurn
from tasks.subtasks import CALL_SUBTASKS
from tests.renderers import episodes as hand


def render(subtask, episode, **settings):
    context = RenderingContext(RenderingConfig(**settings))
    return RENDERERS[subtask](episode, context), context.counts


def many(episode, number=200):
    return [dataclasses.replace(episode, episode_id=f"e{i}") for i in range(number)]


def first_line(example):
    return example.inputs.split("\n", 1)[0]


@pytest.mark.parametrize("subtask", RENDERERS)
def test_there_are_at_least_six_phrasings_and_three_short_ones(subtask):
    episode = hand.PARALLEL if subtask == "parallel_calls" else hand.NESTED

    def phrasings(**settings):
        return {first_line(render(subtask, e, **settings)[0][0]) for e in many(episode)}

    varied, short = phrasings(), phrasings(instructions="short")
    assert len(varied) >= 6 and len(short) == 3 and short < varied
    assert max(map(len, short)) < 100
    assert len(phrasings(instructions="released")) == 1


def test_released_prompts_are_word_for_word():
    (example,), _ = render("umbrella", hand.PARALLEL, instructions="released")
    head, tail = example.inputs.split("<|function_call_library|>\n")
    assert head == (
        "SYSTEM: You are a helpful assistant with access to the following function calls. Your "
        "task is to produce a sequence of function calls necessary to generate response to the "
        "user utterance. Use the following function calls as required.\n"
    )
    assert tail.split("\n", 2)[2] == (
        "If none of the functions are relevant or the given question lacks the parameters required "
        'by the function, please output "<function_call> {"name": "no_function", "arguments": '
        '{}}".\n\nUSER: Play Yesterday and Help!, and set a timer for 5 minutes\nASSISTANT:\n'
    )
    (example,), _ = render("response_generation", hand.NESTED, instructions="released")
    assert first_line(example) == (
        "SYSTEM: You are a helpful assistant with access to the following function calls. Your "
        "task is to understand the given conversation with function calls and responses and "
        "generate natural language response as the ASSISTANT to continue the conversation. You "
        "may use the following function calls to understand how to respond to the user query."
    )


def test_dialects_are_drawn_by_their_shares():
    shares = {"granite": 2, "hermes": 1, "openai": 1.0, "granite3": 0}
    drawn = collections.Counter()
    for episode in many(hand.NESTED, 800):
        (example,), _ = render("umbrella", episode, dialect_shares=shares)
        drawn[next(n for n, d in DIALECTS.items() if d.call_marker in example.targets)] += 1
    assert drawn.keys() == {"granite", "hermes", "openai"}
    assert 340 < drawn["granite"] < 460 and 150 < drawn["openai"] < 250
    # Another sub-task draws anew; the same one always draws the same.
    context = RenderingContext(RenderingConfig(dialect_shares=shares))
    ids = [episode.episode_id for episode in many(hand.NESTED)]
    chosen = [[context.dialect(i, subtask) for i in ids] for subtask in ("umbrella", "nested")]
    assert chosen[0] != chosen[1]
    assert chosen[0] == [context.dialect(i, "umbrella") for i in ids]


def test_libraries_vary_within_a_range():
    others = tuple(FunctionSpec(f"other{i}") for i in range(9))
    episode = dataclasses.replace(hand.PARALLEL, distractors=others)
    sizes = collections.Counter()
    for one in many(episode):
        (example,), _ = render("umbrella", one, num_functions=(1, 5), function_detail="signature")
        lines = example.inputs.split("<|function_call_library|>\n")[1].split("\n")
        sizes[sum("(" in line.split(" ")[0] for line in lines)] += 1
    # Two are needed; sizes 1 and 2 come to the same.
    assert sizes.keys() == {2, 3, 4, 5} and sizes[2] > sizes[3] > 20


def test_functions_of_the_same_service_come_first():
    near, far, unknown = (FunctionSpec(name) for name in ("near", "far", "unknown"))
    episode = dataclasses.replace(
        hand.NESTED,
        functions=(*hand.NESTED.functions, far),
        distractors=(unknown, near),
        services={"locate": "maps", "weather": "sky", "near": "maps", "far": "bank"},
    )
    for number, expected in ((3, {"near"}), (4, {"near", "far"}), (5, {"near", "far", "unknown"})):
        (example,), _ = render("umbrella", episode, num_functions=number)
        assert {n for n in ("near", "far", "unknown") if f'"{n}"' in example.inputs} == expected


def test_values_from_nowhere_are_not_asked_for():
    episode = dataclasses.replace(hand.DIALOGUE, ungrounded=(ArgumentPlace(6, 0, "people"),))
    for subtask in ("nested_calls", "function_chaining"):
        assert render(subtask, episode) == ([], {"ungrounded": 1})
        examples, counts = render(subtask, episode, ungrounded="keep")
        assert len(examples) == 1 and "ungrounded" not in counts
    # What is before can be asked for, and it can be shown.
    (umbrella,), counts = render("umbrella", episode)
    assert '"locate"' in umbrella.targets and '"book_table"' not in umbrella.targets
    assert counts["ungrounded"] == 1
    examples, counts = render("parameter_detection", episode)
    assert [e.targets for e in examples] == ['{"place": "Blue Cat"}'] and counts["ungrounded"] == 1
    for subtask in ("name_detection", "next_best_function", "response_generation"):
        assert render(subtask, episode)[0] == render(subtask, hand.DIALOGUE)[0]


def test_a_reply_that_states_what_nobody_knows_is_not_asked_for():
    *before, reply = hand.DIALOGUE.turns
    turns = (*before, dataclasses.replace(reply, grounded=False))
    episode = dataclasses.replace(hand.DIALOGUE, turns=turns)
    (first,), counts = render("response_generation", episode)
    assert first.targets == "Found it. Shall I book?" and counts == {"ungrounded": 1}
    examples, counts = render("response_generation", episode, ungrounded="keep")
    assert len(examples) == 2 and "ungrounded" not in counts


def test_a_function_is_not_named_where_an_assistant_would_ask():
    def episode(name):
        call = Call("book_table", {"name": name, "people": 3})
        turns = (*hand.DIALOGUE.turns[:6], CallTurn(CallGraph((call,))), hand.DIALOGUE.turns[7])
        place = ArgumentPlace(6, 0, "name")
        return dataclasses.replace(hand.DIALOGUE, turns=turns, ungrounded=(place,))

    examples, counts = render("next_best_function", episode("Angela"))
    assert [e.targets for e in examples] == ["locate", "no_function"]
    assert counts["ungrounded"] == 1 and '"Angela"' in examples[1].inputs
    (names,), counts = render("name_detection", episode("Angela"))
    assert names.targets == "locate" and counts["ungrounded"] == 1
    # A date, a time or a number may be a matter of convention.
    for name, policy in (("2026-03-01", "skip"), ("5 pm", "skip"), ("7", "skip"), ("Ann", "keep")):
        examples, counts = render("next_best_function", episode(name), ungrounded=policy)
        assert [e.targets for e in examples] == ["locate", "book_table", "no_function"]
        (names,), _ = render("name_detection", episode(name), ungrounded=policy)
        assert names.targets == "locate\nbook_table" and not counts


def test_functions_that_the_conversation_calls_are_in_the_library_first():
    functions = (hand.BOOK, hand.SONG, hand.LOCATE)
    services = {"book_table": "dining", "play_song": "dining", "locate": "maps"}
    episode = dataclasses.replace(hand.DIALOGUE, functions=functions, services=services)
    examples, _ = render("next_best_function", episode, num_functions=2)
    (booking,) = (e for e in examples if e.targets == "book_table")
    assert "\nlocate - " in booking.inputs and "\nplay_song - " not in booking.inputs


def test_what_only_a_hidden_result_gives_is_not_asked_for():
    locate, book = hand.DIALOGUE.turns[3], hand.DIALOGUE.turns[6]
    locate = dataclasses.replace(locate, results=({"lat": 1, "name": "Chez Paul"},))
    book = CallTurn(CallGraph((Call("book_table", {"name": "Chez Paul", "people": 3}),)))
    turns = (*hand.DIALOGUE.turns[:3], locate, *hand.DIALOGUE.turns[4:6], book)
    episode = dataclasses.replace(hand.DIALOGUE, turns=turns)
    assert render("function_chaining", episode) == ([], {"hidden_result": 1})
    pairs, _ = render("parameter_detection", episode)
    assert [example.targets for example in pairs] == ['{"place": "Blue Cat"}', '{"people": 3}']
    said = dataclasses.replace(
        episode, turns=(*turns[:4], AssistantTurn("Chez Paul it is. Shall I book?"), *turns[5:])
    )
    (chain,), counts = render("function_chaining", said)
    assert '"Chez Paul"' in chain.targets and not counts
    pairs, _ = render("parameter_detection", said)
    assert pairs[1].targets == '{"name": "Chez Paul", "people": 3}'


def test_a_value_that_a_reference_leads_to_counts_where_it_is_said():
    locate = dataclasses.replace(hand.DIALOGUE.turns[3], results=({"name": "Chez Paul"},))
    turns = (*hand.DIALOGUE.turns[:3], locate, *hand.DIALOGUE.turns[4:])
    unsaid, _ = render("parameter_detection", dataclasses.replace(hand.DIALOGUE, turns=turns))
    assert [example.targets for example in unsaid] == ['{"place": "Blue Cat"}', '{"people": 3}']
    turns = (*turns[:4], AssistantTurn("There is Chez Paul. Shall I book?"), *turns[5:])
    said, _ = render("parameter_detection", dataclasses.replace(hand.DIALOGUE, turns=turns))
    assert said[1].targets == '{"name": "Chez Paul", "people": 3}'


def test_calls_that_could_go_on_are_not_asked_for_as_if_they_ended():
    user, nested, said = hand.NESTED.turns
    song = CallTurn(CallGraph((Call("play_song", {"title": "Oslo"}),)), (True,))
    functions = (*hand.NESTED.functions, hand.SONG)

    def episode(*turns):
        return dataclasses.replace(hand.NESTED, functions=functions, turns=turns)

    examples, counts = render("nested_calls", episode(user, nested, song, said))
    assert examples == [] and counts["hidden_result"] == 1
    cloudy = CallTurn(CallGraph((Call("play_song", {"title": "4 degrees"}),)), (True,))
    for turns in ((user, nested, said, user, song), (user, nested, cloudy), (user, song, nested)):
        assert len(render("nested_calls", episode(*turns))[0]) == 1


def test_a_row_beyond_the_first_is_not_known_before_its_result_is_seen():
    def episode(row):
        calls = (
            Call("find", {}, "$var_1"),
            Call("locate", {"place": Reference("$var_1", ("rows", row, "name"))}),
        )
        rows = [{"name": "a"}, {"name": "b"}]
        one = CallTurn(CallGraph(calls), ({"rows": rows}, {}))
        first = CallTurn(CallGraph(calls[:1]), ({"rows": rows},))
        second = CallTurn(CallGraph(calls[1:], known_labels=frozenset({"$var_1"})), ({},))
        functions = (FunctionSpec("find"), hand.LOCATE)
        within = Episode("w", "hand", functions, (UserTurn("Go"), one))
        turns = (UserTurn("Go"), first, AssistantTurn("Which?"), UserTurn("That one"), second)
        return within, Episode("a", "hand", functions, turns)

    for row, number in ((0, 1), (1, 0)):
        within, across = episode(row)
        for subtask in ("nested_calls", "function_chaining", "umbrella"):
            assert len(render(subtask, within)[0]) == number
            assert render(subtask, within)[1]["hidden_result"] == 1 - number
        # Across turns the result can be shown.
        assert len(render("nested_calls", across)[0]) == 1
        assert len(render("function_chaining", across)[0]) == number
        examples, _ = render("umbrella", across)
        assert len(examples) == 2 - number
        assert ('"rows": [{"name": "a"}' in examples[-1].inputs) == (not number)


def test_references_within_a_turn_and_across_turns_are_told_apart():
    assert render("nested_calls", hand.NESTED)[1] == {"references_within_turn": 1}
    assert render("nested_calls", hand.DIALOGUE)[1] == {"references_across_turns": 1}


def test_nothing_is_left_to_call_at_the_end():
    episode = dataclasses.replace(
        hand.DIALOGUE, turns=(*hand.DIALOGUE.turns, UserTurn("Thanks"), AssistantTurn("Bye."))
    )
    for subtask in ("nested_calls", "function_chaining"):
        (_, end), _ = render(subtask, episode, nothing_left_rate=1.0)
        assert "no_function" in end.targets
        assert end.inputs.endswith("\nUSER: Thanks\nASSISTANT:\n")
        # Both calls are to be seen, so that nothing is left.
        assert end.inputs.count("<function_call>") - first_line(end).count("<function_call>") >= 2
        assert len(render(subtask, episode, nothing_left_rate=0.0)[0]) == 1
        assert len(render(subtask, hand.DIALOGUE, nothing_left_rate=1.0)[0]) == 1
    taken = [render("nested_calls", e, nothing_left_rate=0.25)[0] for e in many(episode, 400)]
    assert 460 < sum(map(len, taken)) < 540


def test_a_call_without_any_value_of_the_text_has_no_pairs():
    locate, weather = hand.NESTED.turns[1].calls
    weather = dataclasses.replace(weather, arguments={**weather.arguments, "unit": "C"})
    turns = (
        UserTurn("Where is Oslo?"),
        CallTurn(CallGraph((locate,)), ({"lat": 59.9, "lon": 10.7},)),
        AssistantTurn("In Norway."),
        UserTurn("And the weather?"),
        CallTurn(CallGraph((weather,), known_labels=frozenset({"$var_7"}))),
    )
    episode = dataclasses.replace(hand.NESTED, turns=turns)
    examples, _ = render("parameter_detection", episode, nothing_left_rate=1.0)
    assert [example.targets for example in examples] == ['{"place": "Oslo"}', "{}"]


def test_every_dialect_asks_for_the_same():
    for subtask in RENDERERS:
        for name in ("NESTED", "PARALLEL", "CHAINED", "DIALOGUE", "NO_FUNCTION", "MISSING"):
            episode = getattr(hand, name)
            rates = {"negative_rates": {subtask: 1.0}}
            granite = render(subtask, episode, **rates)[0]
            for dialect in DIALECTS.values():
                examples, _ = render(subtask, episode, dialect=dialect.name, **rates)
                assert len(examples) == len(granite)
                for one, other in zip(examples, granite, strict=True):
                    if subtask in CALL_SUBTASKS:
                        read = DIALECTS["granite"].parse_calls(other.targets)
                        assert dialect.parse_calls(one.targets) == read
                    else:
                        assert one.targets == other.targets


def test_a_negative_labels_the_calls_it_shows_as_the_other_examples_do():
    turns = (*hand.DIALOGUE.turns, UserTurn("And a taxi"), AssistantTurn("I cannot."))
    negative = dataclasses.replace(hand.DIALOGUE, turns=turns, no_call_reason="no_function")
    (example,), _ = render("nested_calls", negative, negative_rates={"nested_calls": 1.0})
    ended = dataclasses.replace(hand.DIALOGUE, turns=turns)
    (_, end), _ = render("nested_calls", ended, nothing_left_rate=1.0)
    for inputs in (example.inputs, end.inputs):
        assert '"label": "$var_1"' in inputs and '"label": "$var_2"' in inputs


def test_an_end_without_calls_offers_what_was_called():
    functions = tuple(FunctionSpec(f"other{i}") for i in range(9))
    episode = dataclasses.replace(
        hand.DIALOGUE,
        functions=(*functions, *hand.DIALOGUE.functions),
        turns=(*hand.DIALOGUE.turns, UserTurn("Thanks")),
    )
    (_, end), _ = render("nested_calls", episode, nothing_left_rate=1.0, num_functions=1)
    assert '"name": "locate", "desc' in end.inputs and '"name": "book_table", "desc' in end.inputs
