"""The grammar of a prompt admits its right answer and keeps to what the prompt offers."""

from __future__ import annotations

import itertools

import pytest

from granite_fc.data.declarations import task
from tasks.constraints import grammar
from tasks.dialects import DIALECTS
from tasks.renderers import RENDERERS, RenderingContext
from tasks.rendering_config import FUNCTION_DETAILS, RenderingConfig
from tasks.sources.simulator import generate_episodes
from tasks.subtasks import CALL_SUBTASKS, RESPONSE_GENERATION, SUBTASKS, UMBRELLA
from tests.decoding.grammars.writing import refused_at, sentencepiece

EPISODES = list(generate_episodes(5, "validation", 0, 24))


@pytest.mark.parametrize("detail", FUNCTION_DETAILS)
@pytest.mark.parametrize("subtask", [name for name in RENDERERS if name != RESPONSE_GENERATION])
def test_right_answers_are_admitted(subtask, detail):
    tried = 0
    for number, episode in enumerate(EPISODES):  # each dialect in turn
        dialect = list(DIALECTS)[number % len(DIALECTS)]
        config = RenderingConfig(dialect=dialect, function_detail=detail)
        for example in RENDERERS[subtask](episode, RenderingContext(config))[:1]:
            found = grammar(subtask)(example.inputs)
            assert refused_at(found, example.targets, sentencepiece()) is None, example.targets
            tried += 1
    assert tried >= 2


def test_calls_name_functions_of_their_own_prompt():
    examples = [
        example
        for episode in EPISODES
        for example in RENDERERS[UMBRELLA](episode, RenderingContext(RenderingConfig()))
    ]
    dialect = DIALECTS["granite"]
    refused = 0
    for one, other in itertools.pairwise(examples):
        offered = {spec.name for spec in dialect.read_prompt(one.inputs).functions}
        names = {call.name for call in dialect.parse_calls(other.targets).calls}
        if names - offered:
            found = grammar(UMBRELLA)(one.inputs)
            assert refused_at(found, other.targets, sentencepiece()) is not None
            refused += 1
    assert refused >= 3


def test_replies_and_texts_that_are_no_prompt_have_no_grammar():
    assert grammar(RESPONSE_GENERATION) is None
    for subtask in (*CALL_SUBTASKS, *SUBTASKS):
        if subtask != RESPONSE_GENERATION:
            assert grammar(subtask)("What is the weather?") is None


def test_tasks_have_the_grammar_of_their_subtask():
    example = RENDERERS[UMBRELLA](EPISODES[0], RenderingContext(RenderingConfig()))[0]
    declared = task("simulator_umbrella").grammar
    assert refused_at(declared(example.inputs), example.targets, sentencepiece()) is None
    assert task("simulator_response_generation").grammar is None
