"""Tokens are drawn as the definitions say, and never otherwise for what runs beside them."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.decoding.sampling import Choice, Draw, SamplingConfig, choose, kept, needed
from granite_fc.errors import ConfigurationError

chosen = jax.jit(choose, static_argnums=0)
# Few distinct values, so that ties and whole groups of them occur.
LOGITS = st.lists(st.integers(-4, 4).map(float), min_size=7, max_size=7)


def draw_of(seeds: Any, temperature: float, top_k: int = 0, top_p: float = 1.0) -> Draw:
    rows = len(seeds)
    return Draw(
        jnp.stack([jnp.zeros(rows, jnp.uint32), jnp.asarray(seeds, jnp.uint32)], 1),
        jnp.full(rows, temperature, jnp.float32),
        jnp.full(rows, top_k, jnp.int32),
        jnp.full(rows, top_p, jnp.float32),
    )


def shares(choice: Choice, logits: list[float], **limits: Any) -> np.ndarray:
    """How often each id is drawn in 20,000 rows."""
    rows = 20_000
    tokens = chosen(
        choice,
        jnp.broadcast_to(jnp.asarray(logits), (rows, len(logits))),
        draw_of(range(rows), **limits),
        jnp.zeros(rows, jnp.int32),
    )
    return np.bincount(tokens, minlength=len(logits)) / rows


def brute_force_kept(logits: list[float], top_k: int, top_p: float) -> list[bool]:
    """Token by token: few enough are likelier, and these have less than the share of the mass."""
    by_count = [top_k == 0 or sum(y > x for y in logits) < top_k for x in logits]
    masses = [math.exp(x) if stays else 0.0 for x, stays in zip(logits, by_count, strict=True)]
    return [
        stays
        and (
            top_p == 1
            or sum(m for m, y in zip(masses, logits, strict=True) if y > x) < top_p * sum(masses)
        )
        for x, stays in zip(logits, by_count, strict=True)
    ]


@settings(max_examples=150, deadline=None)
@given(st.lists(LOGITS, min_size=2, max_size=2), st.integers(0, 8), st.floats(0.01, 1.0))
def test_limits_keep_what_a_count_of_the_likelier_says(
    logits: list[list[float]], top_k: int, top_p: float
) -> None:
    found = jax.jit(kept)(jnp.asarray(logits), jnp.asarray([top_k, 0]), jnp.asarray([top_p, 1.0]))
    for row, (k, p) in enumerate([(top_k, top_p), (0, 1.0)]):
        expected = brute_force_kept(logits[row], k, p)
        if found[row].tolist() != expected:  # a mass that is the share, but for rounding
            near = [brute_force_kept(logits[row], k, p * factor) for factor in (0.99999, 1.00001)]
            assert found[row].tolist() in near


def test_likelihoods_are_those_of_the_softmax() -> None:
    logits = [1.0, -0.5, 0.3, -1e30, 2.0]
    for temperature in (0.5, 1.0, 2.0):
        weights = np.exp(np.asarray(logits) / temperature)
        expected = weights / weights.sum()
        found = shares(Choice.SAMPLE, logits, temperature=temperature)
        # Five standard errors.
        assert np.all(np.abs(found - expected) <= 5 * np.sqrt(expected * (1 - expected) / 20_000))
        assert found[3] == 0


def test_what_is_kept_is_drawn_by_its_likelihood() -> None:
    logits = np.log([0.4, 0.3, 0.2, 0.1]).tolist()
    found = shares(Choice.FILTER, logits, temperature=1.0, top_k=3, top_p=0.7)
    # Of the first three, with 0.9 of the mass, the first two have more than 0.7.
    np.testing.assert_allclose(found, [4 / 7, 3 / 7, 0, 0], atol=5 * 0.5 / math.sqrt(20_000))


def test_a_mixed_batch_draws_each_row_its_own_way() -> None:
    logits = jnp.broadcast_to(jnp.asarray([0.0, 3.0, 3.0, 1.0]), (4, 4))
    alone = [chosen(Choice.SAMPLE, logits[:1], draw_of([s], 1.0), jnp.ones(1, int)) for s in (7, 8)]
    draws = [draw_of([9], 0.0), draw_of([7], 1.0), draw_of([8], 1.0), draw_of([5], 1.0, top_k=1)]
    together = jax.tree.map(lambda *rows: jnp.concatenate(rows), *draws)
    tokens = chosen(Choice.FILTER, logits, together, jnp.ones(4, int)).tolist()
    assert tokens[0] == 1, "the lowest id of the likeliest"
    assert tokens[1:3] == [int(token[0]) for token in alone]
    assert tokens[3] in (1, 2), "equally likely ones stay together"


def test_the_least_program_that_serves_is_taken() -> None:
    greedy, plain = SamplingConfig(top_k=3), SamplingConfig(temperature=1.0)
    assert needed([]) == needed([greedy]) == Choice.GREEDY
    assert needed([greedy, plain]) == Choice.SAMPLE
    assert needed([plain, SamplingConfig(temperature=1.0, top_p=0.5)]) == Choice.FILTER


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("temperature", value) for value in (-1.0, float("nan"), float("inf"))),
        *(("top_k", value) for value in (-1, 2.5)),
        *(("top_p", value) for value in (0.0, 1.1)),
    ],
)
def test_values_out_of_range_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"SamplingConfig.{name}"):
        SamplingConfig(**{name: value})
