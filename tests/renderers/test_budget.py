"""Examples fit into a row: distractors go first, then the oldest history, the request never."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from granite_fc.calls.spec import FunctionSpec
from granite_fc.errors import ConfigurationError
from tasks.renderers import RENDERERS, RenderingContext, TokenCounter
from tasks.rendering_config import RenderingConfig
from tasks.sources.episode import AssistantTurn, CallTurn, Episode, UserTurn
from tests.renderers import episodes as hand
from tests.renderers.toy_vocabulary import ToyVocabulary

VOCABULARY = ToyVocabulary()
COUNT = TokenCounter(VOCABULARY)


def context(length, **options):
    options = {"shed_order": ("distractors", "history"), "nothing_left_rate": 0.0, **options}
    config = RenderingConfig(
        sequence_length=length, function_detail="signature", instructions="short", **options
    )
    return RenderingContext(config, COUNT)


def tokens(example):
    return len(VOCABULARY.encode(example.inputs + example.targets))


def library(example):
    if "<|function_call_library|>\n" not in example.inputs:
        return set()
    lines = example.inputs.split("<|function_call_library|>\n")[1].split("\n\n")[0].split("\n")
    return {line.split("(")[0].split(" - ")[0] for line in lines}


WORDS = st.text("abcdefgh é\n", min_size=1, max_size=60).filter(lambda text: text.strip())
FUNCTIONS = st.lists(
    st.tuples(st.from_regex(r"f[a-z]{1,12}", fullmatch=True), WORDS),
    min_size=1,
    max_size=12,
    unique_by=lambda pair: pair[0],
)


@st.composite
def random_episodes(draw):
    functions = tuple(FunctionSpec(name, text) for name, text in draw(FUNCTIONS))
    own = draw(st.integers(1, len(functions)))
    turns = []
    for _ in range(draw(st.integers(1, 5))):
        turns.append(UserTurn(draw(WORDS)))
        if draw(st.booleans()):
            calls = [Call(f.name, {"x": draw(WORDS)}) for f in functions[:own]]
            results = tuple(draw(WORDS) for _ in calls) if draw(st.booleans()) else ()
            turns.append(CallTurn(CallGraph(tuple(calls)), results))
        turns.append(AssistantTurn(draw(WORDS)))
    turns.append(UserTurn(draw(WORDS)))
    calls = tuple(Call(f.name, {"x": draw(WORDS)}) for f in functions[:own])
    turns.append(CallTurn(CallGraph(calls), tuple(range(own))))
    turns.append(AssistantTurn(draw(WORDS)))
    return Episode(
        draw(st.text("abc", max_size=5)), "hand", functions[:own], tuple(turns), functions[own:]
    )


def is_part(example, whole):
    remaining = iter(whole.inputs.split("\n"))
    return example.targets == whole.targets and all(
        line in remaining for line in example.inputs.split("\n")
    )


@settings(max_examples=150, deadline=None)
@given(random_episodes(), st.integers(2, 700), st.sampled_from(sorted(RENDERERS)))
def test_what_is_given_fits_and_keeps_request_and_needed_functions(episode, length, subtask):
    unlimited = RENDERERS[subtask](episode, RenderingContext(context(None).config))
    limited = context(length)
    given_examples = RENDERERS[subtask](episode, limited)
    assert len(given_examples) + limited.counts["too_long"] == len(unlimited)
    remaining = iter(unlimited)
    for example in given_examples:
        # No line is new or moved; the instruction stays.
        whole = next(e for e in remaining if is_part(example, e))
        assert tokens(example) <= length
        assert example.inputs.split("\n", 1)[0] == whole.inputs.split("\n", 1)[0]
        start = whole.inputs.rindex("USER: ")
        assert example.inputs.endswith(whole.inputs[start:])
        if subtask != "response_generation":
            needed = {f.name for f in episode.functions if f'"{f.name}"' in example.targets}
            assert needed <= library(example)
        if tokens(whole) <= length:
            assert example == whole


@settings(max_examples=60, deadline=None)
@given(random_episodes(), st.sampled_from(sorted(RENDERERS)))
def test_no_more_is_left_out_than_has_to_be(episode, subtask):
    """One position less costs one function or, without distractors, one exchange."""
    whole = RENDERERS[subtask](episode, RenderingContext(context(None).config))
    for example in whole:
        limited = context(tokens(example) - 1)
        for shorter in RENDERERS[subtask](episode, limited):
            if shorter.targets == example.targets and len(whole) == 1:
                fewer = len(library(example)) - len(library(shorter))
                exchanges = example.inputs.count("\nUSER: ") - shorter.inputs.count("\nUSER: ")
                assert (fewer, exchanges) in ((1, 0), (0, 1))


def shed_steps(detail):
    """What the library and the number of exchanges are in ever shorter rows."""
    functions = (hand.BOOK, hand.WEATHER, hand.LOCATE)
    episode = dataclasses.replace(
        hand.DIALOGUE, functions=functions, distractors=(hand.SONG, hand.TIMER)
    )
    options = {"function_details": {"next_best_function": detail}}
    render = RENDERERS["next_best_function"]
    whole = render(episode, context(None, **options))[1]
    steps = []
    for length in range(tokens(whole), 0, -1):
        examples = render(episode, context(length, **options))
        same = [e for e in examples if e.targets == "book_table"]
        if not same:
            break
        step = (library(same[0]), same[0].inputs.count("USER: "))
        if step not in steps:
            steps.append(step)
    return steps


FULL = {"locate", "book_table", "weather", "play_song", "set_timer"}


def test_distractors_go_before_history_and_the_least_related_first():
    # Three functions stay until no more history can go, then one gives way to it; two stay in any
    # case, as does the exchange whose result the next call refers to.
    assert shed_steps("signature") == [
        (FULL, 3),
        (FULL - {"set_timer"}, 3),
        ({"locate", "book_table", "weather"}, 3),
        ({"locate", "book_table", "weather"}, 2),
        ({"locate", "book_table"}, 3),
        ({"locate", "book_table"}, 2),
    ]


def test_history_goes_first_where_a_function_takes_a_line():
    steps = shed_steps("description")
    assert steps[0] == (FULL, 3)
    assert [exchanges for names, exchanges in steps if names == FULL][-1] == 2
    assert all(exchanges == 2 for names, exchanges in steps if names != FULL)
    assert steps[-1] == ({"locate", "book_table"}, 2)


def test_distractors_go_before_detail_which_brings_them_back():
    functions = (hand.BOOK, hand.WEATHER, hand.LOCATE)
    distractors = (hand.SONG, hand.TIMER)
    turns = hand.DIALOGUE.turns[2:4]
    episode = dataclasses.replace(
        hand.DIALOGUE, functions=functions, distractors=distractors, turns=turns
    )
    config = RenderingConfig(instructions="short")
    whole = RENDERERS["umbrella"](episode, RenderingContext(config))[0]
    steps = []
    for length in range(tokens(whole), 1, -1):
        limited = RenderingContext(dataclasses.replace(config, sequence_length=length), COUNT)
        for example in RENDERERS["umbrella"](episode, limited):
            step = (
                '"parameters": ' in example.inputs,
                sum(
                    f"{f.name}(" in example.inputs or f'"name": "{f.name}", "desc' in example.inputs
                    for f in (*functions, *distractors)
                ),
            )
            if step not in steps:
                steps.append(step)
    # Three in full take more than five in a line each.
    assert steps == [
        (True, 5),
        (True, 4),
        (True, 3),
        (False, 5),
        (False, 4),
        (False, 3),
        (False, 2),
    ]


def test_history_keeps_the_call_that_a_later_call_of_it_refers_to():
    turns = (*hand.DIALOGUE.turns, UserTurn("Now play Help"))
    play = CallTurn(CallGraph((Call("play_song", {"title": "Help"}),)))
    episode = dataclasses.replace(
        hand.DIALOGUE, functions=(*hand.DIALOGUE.functions, hand.SONG), turns=(*turns, play)
    )
    render = RENDERERS["next_best_function"]
    whole = next(e for e in render(episode, context(None)) if e.targets == "play_song")
    exchanges = []
    for length in range(tokens(whole), 1, -1):
        for example in render(episode, context(length)):
            if example.targets == "play_song":
                assert "$var_1.name$" not in example.inputs or '"$var_1"' in example.inputs
                exchanges.append(example.inputs.count("USER: "))
    # "Find the Blue Cat" goes only together with the booking that refers to it.
    assert sorted(set(exchanges)) == [1, 3, 4]


def test_what_the_target_refers_to_is_part_of_the_request():
    whole = RENDERERS["nested_calls"](hand.DIALOGUE, context(None))[0]
    shortest = None
    for length in range(tokens(whole), 0, -1):
        examples = RENDERERS["nested_calls"](hand.DIALOGUE, context(length))
        if not examples:
            break
        shortest = examples[0]
    assert '"label": "$var_1"' in shortest.inputs
    assert "USER: Hello" not in shortest.inputs


def test_policies():
    render = RENDERERS["umbrella"]
    length = tokens(render(hand.NESTED, context(None))[0])
    for policy in ("shed", "drop", "error"):
        assert len(render(hand.NESTED, context(length, too_long=policy))) == 1
    shed = context(length - 1)
    assert len(render(hand.NESTED, shed)) == 1
    assert shed.counts == {"shed_functions": 1, "few_functions": 1}
    drop = context(length - 1, too_long="drop")
    assert render(hand.NESTED, drop) == []
    assert drop.counts == {"too_long": 1}
    with pytest.raises(ConfigurationError, match=f"{length} tokens in episode nested"):
        render(hand.NESTED, context(length - 1, too_long="error"))


def test_a_whole_conversation_is_never_cut():
    whole = RENDERERS["function_chaining"](hand.DIALOGUE, context(None))[0]
    limited = context(tokens(whole) - 1)
    assert RENDERERS["function_chaining"](hand.DIALOGUE, limited) == []
    assert limited.counts == {"too_long": 1}


@given(st.text("ab \n\té:U", max_size=80))
def test_tokens_are_counted_as_the_vocabulary_does(text):
    assert TokenCounter(VOCABULARY, max_lines=3)(text) == len(VOCABULARY.encode(text))


def test_functions_that_the_history_calls_stay_as_long_as_it_does():
    episode = dataclasses.replace(
        hand.DIALOGUE,
        functions=(hand.BOOK, hand.WEATHER, hand.LOCATE),
        distractors=(hand.SONG, hand.TIMER),
    )
    turns = (
        UserTurn("Play Waterloo."),
        CallTurn(CallGraph((Call("play_song", {"title": "Waterloo"}),)), ("playing",)),
        UserTurn("A timer for tea."),
        CallTurn(CallGraph((Call("set_timer", {"minutes": 3}),)), ("set",)),
        *episode.turns,
    )
    functions = (hand.SONG, hand.TIMER, *episode.functions)
    episode = dataclasses.replace(episode, functions=functions, distractors=(), turns=turns)
    render = RENDERERS["next_best_function"]
    options = {"num_functions": 1}
    whole = render(episode, context(None, **options))[-1]
    shown = set()
    for length in range(tokens(whole), 1, -1):
        for example in render(episode, context(length, **options)):
            called = {name for name in FULL if f'"name": "{name}"' in example.inputs}
            assert called <= library(example)
            shown.add((len(called), example.inputs.count("USER: ")))
    assert len(shown) > 3


def test_the_day_that_a_source_tells_stays_when_the_first_turn_goes():
    told = "(It is Friday, 2019-03-01.)"
    first, *others = hand.DIALOGUE.turns
    episode = dataclasses.replace(hand.DIALOGUE, turns=(UserTurn(f"{told} {first.text}"), *others))
    for dialect in ("granite", "granite3", "hermes", "openai"):
        options = {"dialect": dialect}
        render = RENDERERS["next_best_function"]
        (*_, whole) = render(episode, context(None, **options))
        trimmed = set()
        for length in range(tokens(whole), 1, -1):
            for example in render(episode, context(length, **options)):
                assert example.inputs.count(told) == 1
                trimmed.add(first.text in example.inputs)
        assert trimmed == {True, False}


def test_history_comes_back_where_a_large_function_went_after_it():
    large = FunctionSpec("describe", "Describes " + "many things at great length " * 30)
    functions = (hand.BOOK, hand.LOCATE, large)
    episode = dataclasses.replace(hand.DIALOGUE, functions=functions, distractors=())
    render = RENDERERS["next_best_function"]
    options = {"function_details": {"next_best_function": "signature"}}
    whole = render(episode, context(None, **options))[1]
    assert whole.inputs.count("USER: ") == 3
    length = tokens(whole) - len(VOCABULARY.encode(large.description)) // 2
    (shorter,) = (
        e for e in render(episode, context(length, **options)) if e.targets == whole.targets
    )
    assert library(shorter) == {"book_table", "locate"}
    assert shorter.inputs.count("USER: ") == 3


@pytest.mark.parametrize("subtask", ["next_best_function", "name_detection"])
def test_what_a_named_function_refers_to_stays(subtask):
    found = Call("locate", {"place": "Oslo"}, "$var_1")
    lat, lon = Reference("$var_1", ("lat",)), Reference("$var_1", ("lon",))
    episode = dataclasses.replace(
        hand.NESTED,
        turns=(
            UserTurn("Hello, how are you today?" + " I am well." * 20),
            AssistantTurn("Thank you, well. What can I do for you?"),
            UserTurn("Where is Oslo?"),
            CallTurn(CallGraph((found,)), ({"lat": 59.9, "lon": 10.7},)),
            AssistantTurn("In Norway."),
            UserTurn("Oh, fine."),
            AssistantTurn("Anything else?"),
            UserTurn("And the weather?"),
            CallTurn(
                CallGraph(
                    (Call("weather", {"lat": lat, "lon": lon}),),
                    known_labels=frozenset({"$var_1"}),
                )
            ),
        ),
    )
    options = {"shed_order": ("distractors", "history", "conversation")}
    render = RENDERERS[subtask]
    (whole,) = (e for e in render(episode, context(None)) if e.targets.endswith("weather"))
    trimmed = 0
    for length in range(tokens(whole), 1, -1):
        for example in render(episode, context(length, **options)):
            if example.targets == "weather":
                assert "Where is Oslo?" in example.inputs
                trimmed += "Hello" not in example.inputs
    assert trimmed
