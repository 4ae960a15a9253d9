"""Where an answer ends that is still being written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.completion import completion
from tasks.dialects import DIALECTS
from tasks.renderers import RENDERERS, RenderingContext
from tasks.rendering_config import RenderingConfig
from tasks.sources.simulator.episodes import generate_episodes
from tasks.subtasks import RESPONSE_GENERATION
from tasks.targets import exact_match, parse_target
from tests.calls.strategies import calls as any_call

EPISODES = list(generate_episodes(5, "validation", 0, 40))
SUBTASKS = [subtask for subtask in RENDERERS if subtask != RESPONSE_GENERATION]


@pytest.mark.parametrize("subtask", SUBTASKS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_right_answer_is_never_cut(subtask, dialect):
    complete = completion(subtask)
    config = RenderingConfig(dialect=dialect, negative_rates={subtask: 1.0})
    context = RenderingContext(config)
    targets = {
        made.targets for episode in EPISODES for made in RENDERERS[subtask](episode, context)
    }
    assert targets
    for target in targets:
        for length in range(len(target) + 1):
            assert complete(target[:length]) in (None, len(target))
        assert complete(f"{target}\n") in (None, len(target))


@pytest.mark.parametrize("subtask", SUBTASKS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_follows_an_answer_is_cut(subtask, dialect):
    complete = completion(subtask)
    context = RenderingContext(RenderingConfig(dialect=dialect))
    for episode in EPISODES:
        for made in RENDERERS[subtask](episode, context):
            for rest in ("\n\nThat is all.", "\n\nUSER: More?"):
                written = made.targets + rest
                end = complete(written)
                assert end is not None
                assert exact_match(subtask)(made.targets, written[:end])


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(DIALECTS.values())),
    st.lists(any_call, max_size=3),
    st.sampled_from(["", " ", "\n", " x", "\n<function", "\nfunction", "<tool", "]"]),
)
def test_any_calls_are_cut_right_behind_them(dialect, calls, rest):
    text = dialect.print_calls(calls)
    end = completion("umbrella")(text + rest)
    assert end in (None, len(text))
    if parse_target("umbrella", text + rest, dialect) is None and "<" not in rest:
        assert end == len(text)


@pytest.mark.parametrize(
    ("subtask", "text", "end"),
    [
        ("umbrella", '<function_call> {"name": "f", "arguments": {}} <function', None),
        ("umbrella", '<function_call> {"name": "f", "arguments": {}} <functional', 46),
        ("umbrella", '<function_call> {"name": "no_function", "arguments": {}}', 56),
        ("umbrella", "I would say that", None),
        ("name_detection", "f\ng", None),
        ("name_detection", "f\ng\n", None),
        ("name_detection", "f\ng\n\n", 3),
        ("name_detection", "no_function\n", 11),
        ("name_detection", "\nf\nno_function\n", None),
        ("next_best_function", "get", None),
        ("next_best_function", "get_it\n", 6),
        ("next_best_function", "\n get_it\nx", 8),
        ("parameter_detection", '{"a": 1}', None),
        ("parameter_detection", '{"a": 1}\n{"b"', None),
        ("parameter_detection", '{"a": 1}\n{"b": 2} and', 17),
        ("parameter_detection", "{}", 2),
        ("parameter_detection", "None", None),
    ],
)
def test_ends(subtask, text, end):
    assert completion(subtask)(text) == end


@given(st.sampled_from(SUBTASKS), st.text(max_size=40) | st.text('{}"<>\n :a', max_size=40))
def test_any_text_may_be_asked_about(subtask, text):
    end = completion(subtask)(text)
    assert end is None or 0 < end <= len(text)
