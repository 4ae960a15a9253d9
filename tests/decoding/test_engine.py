"""The engine writes what the uncached forward pass would choose, whatever shares its batch."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from granite_fc.decoding.engine import Engine
from granite_fc.decoding.request import Answer, Request
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.attach import join, split
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import adapt_params, hidden_states
from granite_fc.models.head import logits
from tests.decoding.numbers import Numbers
from tests.models.families import FAMILIES, GPT_BIGCODE, GRANITE, LLAMA, random_params

# More than rows, so that rows are taken again.
PROMPTS = [[5, 9, 2], [7], [3] * 11 + [8, 1], [40, 41], [0, 0, 17, 60], [31, 2]]
NEW_TOKENS = 7


@functools.partial(jax.jit, static_argnums=0)
def scores(config: DecoderConfig, params: Any, tokens: jax.Array) -> jax.Array:
    positions = jnp.arange(tokens.shape[1])[None]
    hidden = hidden_states(config, params, tokens, positions, jnp.ones_like(tokens))
    return logits(config, params, hidden)[0]


def uncached(
    config: DecoderConfig,
    params: Any,
    prompt: list[int],
    eos_id: int,
    new_tokens: int = NEW_TOKENS,
) -> list[int]:
    """One prompt, one token at a time, all computed anew (later positions change nothing)."""
    tokens = list(prompt)
    for _ in range(new_tokens):
        padded = np.zeros((1, min(128, config.max_positions)), np.int32)
        padded[0, : len(tokens)] = tokens
        token = int(np.argmax(scores(config, params, padded)[len(tokens) - 1]))
        if token == eos_id:
            break
        tokens.append(token)
    return tokens[len(prompt) :]


def greedy(
    config: DecoderConfig,
    params: Any,
    prompts: list[list[int]],
    eos_id: int = -1,
    new_tokens: int = NEW_TOKENS,
    rows: int = 2,
) -> list[Answer]:
    engine = Engine(config, params, Numbers(eos_id), most_rows=rows)
    return [answer for (answer,) in engine.answer([Request(p, new_tokens) for p in prompts])]


QUANTISED_WITH_LORA = dataclasses.replace(
    GRANITE,
    adapter=AdapterConfig(
        rank=4,
        alpha=8,
        base_dtype="nf4",
        block_size=16,
        target=["blocks/attention/(query|output)", "blocks/mlp/.*"],
    ),
)
CONFIGS = FAMILIES | {"quantised with LoRA": QUANTISED_WITH_LORA}


def params_of(config: DecoderConfig) -> Any:
    """Random ones; B of an adapter is no longer 0, as after training."""
    params = random_params(dataclasses.replace(config, adapter=None))
    if config.adapter is None:
        return params
    adapters, frozen = split(
        jax.jit(functools.partial(adapt_params, config))(params, jax.random.key(1))
    )
    rng = np.random.default_rng(2)

    def draw(x: jax.Array) -> jax.Array:
        return jnp.asarray(0.2 * rng.standard_normal(x.shape), x.dtype)

    return join(jax.tree.map(draw, adapters), frozen)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_equals_the_argmax_of_the_uncached_forward_pass(config: DecoderConfig) -> None:
    params = params_of(config)
    free = [uncached(config, params, prompt, eos_id=-1) for prompt in PROMPTS]
    assert len({tuple(answer) for answer in free}) > 2, "answers too alike to tell anything"
    # An id that some answers hold ends them early, others run on.
    eos_id = free[0][3]
    expected = [uncached(config, params, prompt, eos_id) for prompt in PROMPTS]
    assert len(expected[0]) <= 3
    answers = greedy(config, params, PROMPTS, eos_id)
    assert [list(answer.tokens) for answer in answers] == expected
    ends = ["eos" if len(tokens) < NEW_TOKENS else "length" for tokens in expected]
    assert [answer.finish for answer in answers] == ends
    assert len(set(ends)) == 2


def test_neither_rows_nor_loop_over_layers_changes_an_answer() -> None:
    params = random_params(LLAMA)
    few = greedy(LLAMA, params, PROMPTS)
    unrolled = dataclasses.replace(LLAMA, scan_layers=False)
    assert greedy(unrolled, params, PROMPTS, rows=8) == few
    assert all(len(answer.tokens) == NEW_TOKENS for answer in few)


def test_a_region_for_prompts_that_shrinks_changes_no_answer() -> None:
    params = random_params(LLAMA)
    prompts = [*PROMPTS, [9] * 100]
    answers = greedy(LLAMA, params, prompts)
    assert [list(a.tokens) for a in answers] == [uncached(LLAMA, params, p, -1) for p in prompts]


def test_one_token_and_no_requests() -> None:
    params = random_params(LLAMA)
    assert greedy(LLAMA, params, []) == []
    (first,) = uncached(LLAMA, params, [5, 9, 2], -1, 1)
    prompts = [[5, 9, 2]] * 2
    assert greedy(LLAMA, params, prompts, -1, 1) == [Answer((first,), f"{first} ", "length")] * 2
    assert greedy(LLAMA, params, prompts, first, 1) == [Answer((), "", "eos")] * 2


def test_a_long_prompt_leaves_the_others_their_room() -> None:
    # Positions have parameters, and prompts are padded beyond the last.
    config = dataclasses.replace(GPT_BIGCODE, max_positions=16)
    params = random_params(config)
    prompts = [[5, 9, 2], [7] * 14, [3] * 16]
    answers = greedy(config, params, prompts)
    # The last token written need not be read: it may stand one past the last position.
    assert [len(answer.tokens) for answer in answers] == [NEW_TOKENS, 3, 1]
    for prompt, answer in zip(prompts, answers, strict=True):
        expected = uncached(config, params, prompt, -1, len(answer.tokens))
        assert list(answer.tokens) == expected


@pytest.mark.parametrize("prompt", [[], [1] * 129], ids=["empty", "too long"])
def test_prompts_that_cannot_be_continued_are_refused(prompt: list[int]) -> None:
    engine = Engine(LLAMA, {}, Numbers())
    with pytest.raises(ConfigurationError, match=r"requests\[1\].prompt.*1 to 128 tokens"):
        engine.answer([Request([1], 3), Request(prompt, 3)])
