"""Judging answers from the prompt alone, for every sub-task."""

from __future__ import annotations

import json
import time

import gin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.reference import Reference
from granite_fc.data import declarations
from granite_fc.evaluation.metrics import METRICS
from granite_fc.evaluation.predictions import UNREADABLE
from tasks.completion import completion
from tasks.dialects import DIALECTS
from tasks.judging import judge, judge_answer
from tasks.rates import all_tasks, task_name
from tasks.renderers import RENDERERS, RenderingContext
from tasks.rendering_config import RenderingConfig
from tasks.sources.simulator.episodes import generate_episodes
from tasks.subtasks import (
    CALL_SUBTASKS,
    NAME_DETECTION,
    NEXT_BEST_FUNCTION,
    PARAMETER_DETECTION,
    RESPONSE_GENERATION,
)
from tasks.targets import exact_match

EPISODES = list(generate_episodes(0, "validation", 40, 60))


def examples(subtask, dialect="granite", detail="full"):
    config = RenderingConfig(dialect=dialect, function_detail=detail, negative_rates={subtask: 1.0})
    context = RenderingContext(config)
    return [made for episode in EPISODES for made in RENDERERS[subtask](episode, context)]


@pytest.fixture(autouse=True)
def configuration():
    gin.clear_config()
    yield
    gin.clear_config()


@pytest.mark.parametrize("subtask", RENDERERS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_gold_is_right_in_everything(subtask, dialect):
    detail = ("full", "signature", "paper", "description")[list(DIALECTS).index(dialect)]
    seen = set()
    for made in examples(subtask, dialect, detail):
        found = judge(subtask, "simulator")(made.inputs, made.targets, f" {made.targets}\n")
        assert found.exact and not found.wrong
        for name, (numerator, denominator) in found.counts.items():
            best = METRICS[name].higher_is_better
            assert best is not False or numerator == 0
            if best is not False and name != "rouge_l":
                assert numerator == pytest.approx(denominator), name
        seen |= found.counts.keys()
    if subtask in CALL_SUBTASKS:
        assert {"win_rate", "hallucination_rate", "parameter_f1"} <= seen
        assert ("type_errors" in seen) == (detail != "description")
    if subtask == RESPONSE_GENERATION:
        assert {"rouge_l", "bleu", "grounded_values", "invented_values"} <= seen


@pytest.mark.parametrize("subtask", RENDERERS)
def test_exact_is_exact_match(subtask):
    made = examples(subtask)
    texts = [example.targets for example in made]
    for example, answer in zip(made, texts[1:] + texts[:1], strict=True):
        broken = answer[: len(answer) // 2]
        for given_text in (answer, broken, f"Sure. {example.targets}", ""):
            found = judge(subtask, "other")(example.inputs, example.targets, given_text)
            assert found.exact == exact_match(subtask)(example.targets, given_text)
            assert found.exact == (not found.wrong)
            assert "win_rate" not in found.counts


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(sorted(RENDERERS)),
    st.sampled_from(sorted(DIALECTS)),
    st.lists(
        st.sampled_from(["<function_call> ", '{"name": "f", "arguments": {', '"a": 1', "}}", "\n"])
        | st.text(max_size=4),
        max_size=6,
    ).map("".join),
)
def test_any_text_is_judged(subtask, name, answer):
    calls = [Call("f", {"a": 1}), Call("g")]
    target = {
        NAME_DETECTION: "f\ng",
        NEXT_BEST_FUNCTION: "f",
        PARAMETER_DETECTION: '{"a": 1}',
        RESPONSE_GENERATION: "It is 1.",
    }.get(subtask, DIALECTS[name].print_calls(calls))
    found = judge(subtask, "simulator")("no prompt", target, answer)
    assert found.exact == exact_match(subtask)(target, answer) == (not found.wrong)


def test_the_prompt_tells_what_was_on_offer():
    config = RenderingConfig(num_functions=2, function_detail="signature")
    made = [m for e in EPISODES for m in RENDERERS["umbrella"](e, RenderingContext(config))]
    first = next(m for m in made if '"arguments": {}' not in m.targets)
    call = DIALECTS["granite"].parse_calls(first.targets).calls[0]
    wrong = Call("made_up", call.arguments), Call(call.name, {**call.arguments, "made_up": 1})
    answer = DIALECTS["granite"].print_calls(wrong)
    found = judge("umbrella", "simulator")(first.inputs, first.targets, answer)
    assert found.counts["hallucinated_names"] == (1, 2)
    assert found.counts["hallucinated_parameters"][0] == 1
    assert found.counts["win_rate"] == (0, 1)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_reply_has_words_alone(name):
    marker = DIALECTS[name].call_marker
    answers = {
        UNREADABLE: "parse",
        f"It is {marker} [": "parse",
        DIALECTS[name].print_calls([]): "parse",
        DIALECTS[name].print_calls([Call("f", {})]): "needless_call",
    }
    for answer, kind in answers.items():
        found = judge_answer(RESPONSE_GENERATION, "It is 4.", answer)
        assert found.counts["parse_rate"] == (0, 1)
        assert [part.kind for part in found.wrong] == [kind]
    quoted = f"Calls begin with {marker}."
    assert judge_answer(RESPONSE_GENERATION, quoted, quoted).counts["parse_rate"] == (1, 1)


def test_win_rate_follows_the_seed_of_the_simulator():
    subtask = "nested_calls"
    made = [m for m in examples(subtask) if "\n<function_response>" in m.inputs]

    def num_told():
        judged = [judge(subtask, "simulator")(m.inputs, m.targets, m.targets) for m in made]
        return sum("win_rate" in judgement.counts for judgement in judged)

    assert made and num_told() == len(made)
    gin.parse_config("SimulatorConfig.seed = 7")
    # In another world the shown calls return something else, so nothing is said.
    assert num_told() < len(made)


def test_every_task_is_declared_with_its_judge():
    for source, subtask in all_tasks():
        task = declarations.task(task_name(source, subtask))
        assert task.judge("", "f", "f").counts
        assert (task.complete is None) == (subtask == RESPONSE_GENERATION)


def test_an_encoder_that_is_not_there_is_a_configuration_error(tmp_path):
    from granite_fc.errors import ConfigurationError

    gin.parse_config(f"bert_scorer.directory = {str(tmp_path)!r}")
    with pytest.raises(ConfigurationError):
        judge_answer(RESPONSE_GENERATION, "Yes.", "No.")


HOSTILE = {
    "calls": "\n".join(
        f'<function_call> {{"name": "f", "arguments": {{"a": {n}}}}}' for n in range(3000)
    ),
    "linked calls": DIALECTS["granite"].print_calls(
        [Call("f", {"a": Reference(f"$var_{n}")}, f"$var_{n + 1}") for n in range(3000)]
    ),
    "long string": "<function_call> " + json.dumps({"name": "f", "arguments": {"a": "x" * 10**6}}),
    "long list": "<function_call> "
    + json.dumps({"name": "f", "arguments": {"l": [{"n": n} for n in range(12_000)]}}),
    "costly pattern": "<function_call> "
    + json.dumps({"name": "f", "arguments": {"p": "a" * 40 + "b"}}),
    "many arguments": "<function_call> "
    + json.dumps({"name": "f", "arguments": {f"a{n}": n for n in range(8_000)}}),
    "deep": '<function_call> {"name": "f", "arguments": {"a": ' + "[" * 10_000,
    "markers": "<function_call> " * 30_000,
    "lines": "f\n" * 100_000,
    "pairs": '{"a": 1}' * 8_000,
    "numbers": "1,2/3 " * 30_000,
    "controls": "\x00\x1b[31m" * 40_000,
}
FUNCTION = (
    '{"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"},'
    ' "l": {"type": "array", "uniqueItems": true}, "p": {"type": "string", "pattern": "^(a+)+$"}}},'
    ' "output": {"type": "object", "properties": {"x": {}}}}'
)
PROMPT = f"SYSTEM: Do.\n<|function_call_library|>\n{FUNCTION}\n\nUSER: Go.\nASSISTANT:\n"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_take_little_time(name):
    calls = [Call("f", {"a": n}, f"$var_{n}") for n in range(4)]
    for subtask, target in (
        ("function_chaining", DIALECTS["granite"].print_calls(calls)),
        (NAME_DETECTION, "f\ng"),
        (PARAMETER_DETECTION, '{"a": 1}\n{"a": 2}'),
        (RESPONSE_GENERATION, "It is 1."),
    ):
        start = time.process_time()
        found = judge(subtask, "simulator")(PROMPT, target, HOSTILE[name])
        assert not found.exact and 0 < len(found.wrong) <= 40
        assert all(len(part.detail) < 400 for part in found.wrong)
        complete = completion(subtask)
        assert complete is None or isinstance(complete(HOSTILE[name]), int | None)
        assert time.process_time() - start < 20
