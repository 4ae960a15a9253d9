"""The chunked loss equals the direct one."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from granite_fc.models.config import DecoderConfig
from granite_fc.models.head import TokenStatistics, logits, weighted_loss
from tests.models.families import GRANITE, LLAMA, random_params

BATCH, LENGTH = 2, 11


def direct(
    config: DecoderConfig,
    params: Any,
    hidden: jax.Array,
    targets: jax.Array,
    weights: Any,
    z: float,
) -> Any:
    scores = logits(config, params, hidden)[..., : config.vocab_size]
    logs = jax.nn.log_softmax(scores)
    statistics = TokenStatistics(
        nll=-jnp.take_along_axis(logs, targets[..., None], -1)[..., 0],
        logsumexp=jax.nn.logsumexp(scores, -1),
        correct=(scores.argmax(-1) == targets).astype(jnp.float32),
        entropy=-jnp.sum(jnp.exp(logs) * logs, -1),
    )
    return jnp.sum(weights * (statistics.nll + z * statistics.logsumexp**2)), statistics


@pytest.mark.parametrize(
    "config",
    [
        LLAMA,
        dataclasses.replace(GRANITE, vocab_multiple=16),
        dataclasses.replace(LLAMA, tie_embeddings=False),
    ],
    ids=["tied", "padded vocabulary and scaled logits", "untied"],
)
@pytest.mark.parametrize("loss_chunk", [64, 4, 1])
def test_values_and_gradients_are_exact(config: DecoderConfig, loss_chunk: int) -> None:
    config = dataclasses.replace(config, loss_chunk=loss_chunk)
    params = random_params(config)
    params = {name: params[name] for name in ("embedding", "head") if name in params}
    rng = np.random.default_rng(0)
    hidden = jnp.asarray(rng.standard_normal((BATCH, LENGTH, config.d_model)), jnp.float32)
    best = logits(config, params, hidden).argmax(-1)
    targets = jnp.where(rng.random((BATCH, LENGTH)) < 0.5, best, rng.integers(0, 61, best.shape))
    weights = jnp.asarray(rng.standard_normal((BATCH, LENGTH)), jnp.float32)

    def evaluate(function: Any) -> Any:
        def scaled(params: Any, hidden: Any) -> Any:
            loss, statistics = function(config, params, hidden, targets, weights, 0.01)
            return 3.0 * loss, statistics

        return jax.jit(jax.value_and_grad(scaled, (0, 1), has_aux=True))(params, hidden)

    ((loss, statistics), ours), ((expected_loss, expected_statistics), expected) = (
        evaluate(weighted_loss),
        evaluate(direct),
    )
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    # Without a gradient it is computed another way.
    alone, _ = jax.jit(weighted_loss, static_argnums=(0, 5))(
        config, params, hidden, targets, weights, 0.01
    )
    np.testing.assert_allclose(3.0 * alone, expected_loss, rtol=1e-5)
    assert 0 < float(statistics.correct.mean()) < 1
    for x, y in zip(
        jax.tree.leaves((statistics, ours)),
        jax.tree.leaves((expected_statistics, expected)),
        strict=True,
    ):
        assert x.dtype == jnp.float32
        np.testing.assert_allclose(x, y, atol=1e-5)
    if config.vocab_multiple > 1:
        assert (ours[0]["embedding"]["table"][config.vocab_size :] == 0).all()


def test_ids_beyond_the_vocabulary_are_never_predicted() -> None:
    config = dataclasses.replace(LLAMA, vocab_size=5, vocab_multiple=8)
    params = {"embedding": {"table": jnp.ones((8, config.d_model)).at[5:].mul(100)}}
    scores = logits(config, params, jnp.ones((1, 1, config.d_model)))
    assert scores.shape == (1, 1, 8)
    np.testing.assert_allclose(jax.nn.softmax(scores)[0, 0], [0.2] * 5 + [0.0] * 3, atol=1e-7)
    _, statistics = weighted_loss(
        config, params, jnp.ones((1, 2, config.d_model)), jnp.array([[0, 1]]), jnp.ones((1, 2))
    )
    np.testing.assert_allclose(statistics.nll, np.log(5), rtol=1e-5)
    np.testing.assert_allclose(statistics.entropy, np.log(5), rtol=1e-5)
    # In a tie the lowest id is the prediction, as in argmax.
    assert statistics.correct.tolist() == [[1.0, 0.0]]


def test_only_a_chunk_of_logits_exists_at_once() -> None:
    config = dataclasses.replace(LLAMA, vocab_size=4096)
    hidden = jax.ShapeDtypeStruct((2, 256, config.d_model), jnp.float32)
    targets = jax.ShapeDtypeStruct((2, 256), jnp.int32)
    params = {"embedding": {"table": jax.ShapeDtypeStruct((4096, config.d_model), jnp.float32)}}

    def peak_bytes(loss_chunk: int) -> int:
        chunked = dataclasses.replace(config, loss_chunk=loss_chunk)

        def loss(params: Any, hidden: Any, targets: Any) -> Any:
            return weighted_loss(chunked, params, hidden, targets, jnp.ones((2, 256)))[0]

        compiled = jax.jit(jax.grad(loss, (0, 1))).lower(params, hidden, targets).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert peak_bytes(32) < peak_bytes(512) / 3


@pytest.mark.parametrize("loss_chunk", [1, 1024])
def test_bfloat16_sums_the_tables_gradient_in_float32(loss_chunk: int) -> None:
    config = dataclasses.replace(LLAMA, compute_dtype="bfloat16", loss_chunk=loss_chunk)
    # Every position pulls at one row alike: in bfloat16 the sum would stall at 256 equal parts.
    params = {"embedding": {"table": jnp.zeros((config.vocab_size, config.d_model))}}
    hidden = jnp.ones((1, 1024, config.d_model), jnp.bfloat16)
    targets = jnp.zeros((1, 1024), jnp.int32)
    gradient = jax.jit(
        jax.grad(
            lambda params: weighted_loss(config, params, hidden, targets, jnp.ones((1, 1024)))[0]
        )
    )(params)["embedding"]["table"]
    np.testing.assert_allclose(gradient[0], -1024 * (1 - 1 / config.vocab_size), rtol=0.01)
