"""The grammar of a prompt admits its right answer and keeps to what the prompt offers."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from granite_fc.data.declarations import task
from granite_fc.decoding.grammars.calls import CallsGrammar
from granite_fc.evaluation.suites.nestful.suite import Nestful
from tasks.constraints import grammar
from tasks.dialects import DIALECTS
from tasks.renderers import RENDERERS, RenderingContext
from tasks.rendering_config import FUNCTION_DETAILS, RenderingConfig
from tasks.sources.simulator import generate_episodes
from tasks.subtasks import CALL_SUBTASKS, RESPONSE_GENERATION, SUBTASKS, UMBRELLA
from tests.decoding.grammars.writing import refused_at, sentencepiece
from tests.real_data import DATA_DIR, needs_public_data

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


def _admitted(suite, every):
    """How many gold answers that fit their functions are tried, and which are not admitted."""
    tried, refused = 0, []
    for item in suite.items[::every]:
        specs = {spec.name: spec for spec in item.functions}
        calls = [
            dataclasses.replace(call, arguments=_in_order(specs[call.name], call.arguments))
            for call in item.gold
            if call.name in specs and not specs[call.name].check_arguments(call.arguments)
        ]
        if not calls or len(calls) < len(item.gold):
            continue
        found = CallsGrammar(item.functions, DIALECTS["granite"].call_frame(0))
        text = DIALECTS["granite"].print_calls(calls)
        tried += 1
        if refused_at(found, text, sentencepiece()) is not None:
            refused.append(text)
    return tried, refused


def _in_order(spec, arguments):
    order = list(spec.properties)
    return dict(sorted(arguments.items(), key=lambda pair: order.index(pair[0])))


@needs_public_data
def test_gold_of_nestful_is_admitted_but_for_fields_that_no_schema_names_and_lists_for_texts():
    tried, refused = _admitted(Nestful.load(DATA_DIR / "NESTFUL"), 9)
    assert tried >= 20
    assert len(refused) <= 2
