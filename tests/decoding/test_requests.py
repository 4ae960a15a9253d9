"""What a request may ask for, in batches whose rows are taken again and again."""

from __future__ import annotations

import dataclasses
from typing import Any

import gin
import jax
import numpy as np
import pytest

from granite_fc.decoding import batch as batch_module
from granite_fc.decoding.engine import Engine
from granite_fc.decoding.request import Answer, Request
from granite_fc.decoding.sampling import SamplingConfig
from granite_fc.errors import ConfigurationError
from tests.decoding.numbers import Numbers
from tests.decoding.stubs import EvenIds, NoRoom
from tests.models.families import LLAMA, random_params

WARM = SamplingConfig(temperature=1.5)
PARAMS = random_params(LLAMA)


def answers(requests: list[Request], rows: int = 2, **vocabulary: Any) -> list[list[Answer]]:
    return Engine(LLAMA, PARAMS, Numbers(**vocabulary), most_rows=rows).answer(requests)


def test_samples_depend_on_seed_and_number_alone() -> None:
    asked = [
        Request([5, 9, 2], 6, samples=3, sampling=WARM, seed=3),
        Request([7] * 9, 4),
        Request([8, 8], 9, samples=2, sampling=WARM, seed=2**63),
    ]
    together = answers(asked, rows=4)
    assert [len(each) for each in together] == [3, 1, 2]
    assert len({answer.tokens for answer in together[0]}) == 3
    assert answers(asked[::-1], rows=2)[::-1] == together
    assert answers([dataclasses.replace(asked[0], samples=2)]) == [together[0][:2]]
    other = dataclasses.replace(asked[0], seed=2**32 + 3)
    assert answers([other], rows=4) != [together[0]], "the high word of the seed counts"


def test_samples_share_the_reading_of_their_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    original = batch_module.PromptReader._read_some

    def count(reader: Any, waiting: Any, length: int) -> Any:
        found = original(reader, waiting, length)
        read.extend(found.place)
        return found

    monkeypatch.setattr(batch_module.PromptReader, "_read_some", count)
    answers([Request([i, 2, 3], 3, samples=4, sampling=WARM) for i in range(5)])
    assert sorted(read) == list(range(5))


def test_a_long_answer_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    original = batch_module.write

    def count(*arguments: Any) -> Any:
        found = original(*arguments)
        steps.append(int(np.max(found[2])))
        return found

    monkeypatch.setattr(batch_module, "write", count)
    requests = [Request([1, 2], 40), *(Request([i], 4) for i in range(10))]
    found = answers(requests, rows=2)
    assert [len(answer.tokens) for (answer,) in found] == [40, *[4] * 10]
    # One row writes 40 tokens, the other ten times 4; one batch after the other takes 60 steps.
    assert sum(steps) == 40


def test_what_is_streamed_adds_up_to_the_answers() -> None:
    requests = [Request([i + 1], 5 + i, samples=2, sampling=WARM) for i in range(4)]
    engine = Engine(LLAMA, PARAMS, Numbers(), most_rows=2)
    parts: dict[tuple[int, int], list[int]] = {}
    ended: dict[tuple[int, int], Answer] = {}
    for written in engine.stream(requests, steps=2):
        key = written.request, written.sample
        assert key not in ended
        assert len(written.tokens) <= 2
        parts.setdefault(key, []).extend(written.tokens)
        if written.answer is not None:
            ended[key] = written.answer
    expected = engine.answer(requests)
    assert ended == {(i, j): expected[i][j] for i in range(4) for j in range(2)}
    assert {key: tuple(tokens) for key, tokens in parts.items()} == {
        key: answer.tokens for key, answer in ended.items()
    }


def test_a_complete_answer_ends_where_it_is_complete() -> None:
    prompts = [[5, 9, 2], [7], [40, 41], [60, 3]]
    texts = [answer.text for (answer,) in answers([Request(prompt, 30) for prompt in prompts])]

    def fourth_number(text: str) -> int | None:
        words = text.split(" ")
        return None if len(words) < 5 else len(" ".join(words[:4]))

    requests = [Request(prompt, 30, complete=fourth_number) for prompt in prompts]
    requests.append(Request([7], 3, complete=fourth_number))
    *found, (short,) = answers(requests)
    for (answer,), text in zip(found, texts, strict=True):
        assert answer.text == " ".join(text.split(" ")[:4])
        assert len(answer.tokens) == 4
        assert answer.finish == "complete"
    assert short.finish == "length"


@pytest.mark.parametrize("sampling", [SamplingConfig(), WARM], ids=["greedy", "sampled"])
def test_grammars_are_kept_beside_free_answers(sampling: SamplingConfig) -> None:
    free = [Request([i], 12, sampling=sampling, seed=i) for i in (7, 9, 11)]
    bound = [
        Request([i, 4], 8, samples=2, sampling=sampling, seed=i, grammar=EvenIds(length))
        for i, length in enumerate([None, 3, 1, None])
    ]
    found = answers([*bound, *free])
    assert found[4:] == answers(free)
    for request, of_request, length in zip(bound, found, [8, 3, 1, 8], strict=False):
        for answer in of_request:
            assert len(answer.tokens) == length
            assert all(token % 2 == 0 for token in answer.tokens)
            assert answer.finish == ("complete" if length < 8 else "length")
        assert answers([request]) == [of_request]
    assert any(token % 2 for (answer,) in found[4:] for token in answer.tokens)


def test_an_answer_without_room_leaves_the_others_theirs() -> None:
    asked = [Request([i, 4], 8, grammar=EvenIds(3)) for i in range(5)]
    none = Request([9, 9, 9], 2, samples=3, grammar=NoRoom())
    empty = [Answer((), "", "no_room")] * 3
    found = answers([none, *asked[:3], none, *asked[3:], Request([7], 4), none])
    assert [found[i] for i in (0, 4, 8)] == [empty] * 3
    assert [*found[1:4], *found[5:7]] == answers(asked)
    assert len(found[7][0].tokens) == 4
    assert answers([none]) == [empty]
    assert answers([none, none]) == [empty] * 2


def test_an_answer_under_a_grammar_is_complete_when_the_grammar_says_so() -> None:
    request = Request([7], 6, samples=2, grammar=EvenIds(3), complete=lambda text: 0)
    for answer in answers([request])[0]:
        assert len(answer.tokens) == 3 and answer.text != ""


@pytest.mark.parametrize("limits", [{"most_rows": 0}, {"cache_gib": 0.0}], ids=str)
def test_an_engine_without_room_is_refused(limits: dict[str, Any]) -> None:
    (name,) = limits
    with pytest.raises(ConfigurationError, match=f"Engine.{name}"):
        Engine(LLAMA, PARAMS, Numbers(), **limits)


def test_gin_says_what_the_cache_may_take() -> None:
    try:
        gin.parse_config("granite_fc.decoding.Engine.cache_gib = 0.0")
        with pytest.raises(ConfigurationError, match=r"Engine\.cache_gib"):
            Engine(LLAMA, PARAMS, Numbers())
    finally:
        gin.clear_config()


def test_ids_that_the_vocabulary_lacks_are_never_chosen() -> None:
    hot = SamplingConfig(temperature=100.0)
    engine = Engine(LLAMA, PARAMS, Numbers(size=40), most_rows=2)
    requests = [Request([1], 40, samples=8, sampling=hot), Request([2], 40, grammar=EvenIds())]
    free, (bound,) = engine.answer(requests)
    ids = {token for answer in free for token in answer.tokens}
    assert max(ids) < 40 and len(ids) == 40
    assert max(bound.tokens) < 40


def test_a_model_that_has_diverged_still_answers() -> None:
    diverged = jax.tree.map(lambda x: np.full_like(x, np.nan), PARAMS)
    requests = [Request([3], 4), Request([3], 4, grammar=EvenIds(2))]
    (free,), (bound,) = Engine(LLAMA, diverged, Numbers()).answer(requests)
    assert max(free.tokens) < LLAMA.vocab_size
    assert all(token % 2 == 0 for token in bound.tokens)


def test_parameters_are_used_in_place() -> None:
    params, requests = random_params(LLAMA), [Request([3], 3), Request([4], 3)]
    answers_before = Engine(LLAMA, params, Numbers()).answer(requests)
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(params))
    assert Engine(LLAMA, params, Numbers()).answer(requests) == answers_before


@pytest.mark.parametrize(
    "changes", [{"max_new_tokens": 0}, {"samples": 0}, {"seed": -1}, {"seed": 2**64}], ids=str
)
def test_requests_that_cannot_be_answered_are_refused(changes: dict[str, int]) -> None:
    (name,) = changes
    with pytest.raises(ConfigurationError, match=rf"requests\[0\].{name}"):
        answers([dataclasses.replace(Request([1], 3), **changes)])


def test_a_vocabulary_larger_than_the_model_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="62 ids in numbers"):
        answers([], size=62)
