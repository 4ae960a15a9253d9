"""Attention against a loop over queries."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from granite_fc.models.attention import attention

SCALE = 0.3


@dataclasses.dataclass
class Case:
    query: np.ndarray
    key: np.ndarray
    value: np.ndarray
    segment_ids: np.ndarray
    positions: np.ndarray

    def run(self, query: Any = None, key: Any = None, value: Any = None, **options: Any) -> Any:
        return attention(
            self.query if query is None else query,
            self.key if key is None else key,
            self.value if value is None else value,
            q_segment_ids=self.segment_ids,
            kv_segment_ids=self.segment_ids,
            q_positions=self.positions,
            kv_positions=self.positions,
            scale=SCALE,
            **options,
        )


def make_case(kv_heads: int, seed: int = 0) -> Case:
    """Two rows of eleven: three segments with padding at the end, and padding between segments."""
    rng = np.random.default_rng(seed)
    segment_ids = np.array([[1] * 4 + [2] * 3 + [3] * 2 + [0] * 2, [1] * 3 + [0] * 2 + [2] * 6])
    positions = np.array([[0, 1, 2, 3, 0, 1, 2, 0, 1, 0, 0], [0, 1, 2, 0, 0, 0, 1, 2, 3, 4, 5]])
    shapes = ((2, 11, 4, 6), (2, 11, kv_heads, 6), (2, 11, kv_heads, 6))
    arrays = (jnp.asarray(rng.standard_normal(shape), jnp.float32) for shape in shapes)
    return Case(*arrays, segment_ids, positions)


def brute_force(case: Case) -> np.ndarray:
    query, key, value = (np.asarray(x, np.float64) for x in (case.query, case.key, case.value))
    batch, length, heads, _ = query.shape
    group = heads // key.shape[2]
    out = np.zeros_like(query)
    for b in range(batch):
        for i in range(length):
            if case.segment_ids[b, i] == 0:
                continue
            seen = [j for j in range(i + 1) if case.segment_ids[b, j] == case.segment_ids[b, i]]
            for h in range(heads):
                scores = np.exp(SCALE * key[b, seen, h // group] @ query[b, i, h])
                out[b, i, h] = scores @ value[b, seen, h // group] / scores.sum()
    return out


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
@pytest.mark.parametrize("block", [64, 4])
def test_equals_a_loop_over_queries(kv_heads: int, block: int) -> None:
    case = make_case(kv_heads)
    np.testing.assert_allclose(case.run(block=block), brute_force(case), atol=2e-6)


def test_gradients_do_not_depend_on_the_block_and_ignore_padding() -> None:
    case = make_case(2)

    def gradients(block: int) -> Any:
        def loss(query: jax.Array, key: jax.Array, value: jax.Array) -> jax.Array:
            return jnp.sum(jnp.sin(case.run(query, key, value, block=block)))

        return jax.jit(jax.grad(loss, (0, 1, 2)))(case.query, case.key, case.value)

    for whole, blocked in zip(gradients(64), gradients(3), strict=True):
        assert np.isfinite(whole).all()
        np.testing.assert_allclose(whole, blocked, atol=2e-6)
        assert (np.asarray(whole)[case.segment_ids == 0] == 0).all()
        assert (np.asarray(whole)[case.segment_ids > 0] != 0).any()


def test_rows_of_padding_alone_give_zeros_and_finite_gradients() -> None:
    case = make_case(2)
    case.segment_ids = np.zeros_like(case.segment_ids)
    out, gradient = jax.value_and_grad(lambda query: case.run(query).sum())(case.query)
    assert out == 0
    assert (np.asarray(gradient) == 0).all()


def test_huge_scores_stay_finite() -> None:
    case = make_case(2)
    case.query = case.query * 1e4
    gradient = jax.grad(lambda key: case.run(key=key).sum())(case.key)
    assert np.isfinite(case.run()).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("block", [64, 4])
def test_dropout_is_unbiased(block: int) -> None:
    case = make_case(2)
    run = jax.jit(jax.vmap(lambda key: case.run(dropout_rate=0.4, dropout_key=key, block=block)))
    samples = np.asarray(run(jax.random.split(jax.random.key(0), 2000)))
    standard_error = samples.std(0) / np.sqrt(len(samples))
    expected = brute_force(case)
    assert (np.abs(samples.mean(0) - expected) <= 5 * standard_error + 1e-6).all()
    assert samples.std(0).max() > 0.1
