"""From hidden states to logits, and to a loss without holding all logits at once."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from granite_fc.models.config import DecoderConfig
from granite_fc.models.logical import constrain, gathered, platform, ways

# What ids beyond the vocabulary score: finite, and of no weight beside any real logit.
_PADDED_LOGIT = -1e30
_TRANSPOSED_TABLE = ("embed", "vocab")
# One table of sums for each part of the batch and of the length.
_PARTS = ("activation_batch", "activation_length", None, "activation_vocab")


class TokenStatistics(NamedTuple):
    """What the predictions say of the targets, each float32 `[batch, length]`.

    Attributes:
        nll: Negative log-likelihood of the target, in nats.
        logsumexp: Logarithm of the softmax's denominator (for a z-loss).
        correct: 1 where the target is the most likely id (the lowest such id in a tie), else 0.
        entropy: Entropy of the prediction, in nats.

    All are measures, without a gradient; that is `weighted_loss`'s.
    """

    nll: jax.Array
    logsumexp: jax.Array
    correct: jax.Array
    entropy: jax.Array


def output_embedding(config: DecoderConfig, params: dict[str, Any]) -> jax.Array:
    """Returns the table that logits are computed with, `[padded vocabulary, d_model]`."""
    return params["embedding" if config.tie_embeddings else "head"]["table"]


def logits(config: DecoderConfig, params: dict[str, Any], hidden: jax.Array) -> jax.Array:
    """Scores every id.

    Args:
        config: The decoder's shape.
        params: The decoder's parameters.
        hidden: `[batch, length, d_model]`, after the final norm.

    Returns:
        float32 `[batch, length, padded vocabulary]`; ids beyond `config.vocab_size` score -1e30.
    """
    return _logits(config, _compute_table(config, output_embedding(config, params)), hidden)


def num_loss_chunks(config: DecoderConfig, rows: int, length: int) -> int:
    """Returns in how many parts a device computes its logits.

    Args:
        config: The decoder's shape; a part is of `loss_chunk` positions at most, or of one in each
            row where there are more rows than that.
        rows: Rows on the device.
        length: Positions of a row on the device.
    """
    return -(-length // max(config.loss_chunk // rows, 1))


def weighted_loss(
    config: DecoderConfig,
    params: dict[str, Any],
    hidden: jax.Array,
    targets: jax.Array,
    weights: jax.Array,
    z_loss: float = 0.0,
) -> tuple[jax.Array, TokenStatistics]:
    """Compares predictions with targets, a few positions at a time.

    The logits of `config.loss_chunk` positions exist at once on a device. Where a gradient is asked
    for, it is computed from them at once, so that the backward pass does not need them again.
    Gradients are exact; the table's is summed in float32 over the chunks.

    Args:
        config: The decoder's shape.
        params: The decoder's parameters.
        hidden: `[batch, length, d_model]`, after the final norm.
        targets: int32 `[batch, length]`; every one a real id, also where no loss is wanted.
        weights: float32 `[batch, length]`, of the positions in the loss; they have no gradient.
        z_loss: Weight of the squared log-partition function (Chowdhery et al., 2022), which keeps
            logits from drifting.

    Returns:
        The float32 scalar sum of weight * (nll + z_loss * logsumexp^2), and statistics of every
        position.
    """
    batch, length, _ = hidden.shape
    num_chunks = num_loss_chunks(
        config,
        rows=batch // ways("activation_batch", batch),
        length=length // ways("activation_length", length),
    )
    rows = -(-length // num_chunks)

    def split(x: jax.Array) -> jax.Array:
        # A chunk takes every num_chunks-th position, so that a length spread over devices stays
        # spread in each chunk.
        x = jnp.pad(x, [(0, 0), (0, num_chunks * rows - length)] + [(0, 0)] * (x.ndim - 2))
        return jnp.moveaxis(x.reshape(batch, rows, num_chunks, *x.shape[2:]), 2, 0)

    loss, statistics = _chunked_loss(
        config,
        z_loss,
        output_embedding(config, params),
        split(hidden),
        split(targets),
        split(weights.astype(jnp.float32)),
    )
    return loss, TokenStatistics(
        *(jnp.moveaxis(x, 0, 2).reshape(batch, rows * num_chunks)[:, :length] for x in statistics)
    )


def _compute_table(config: DecoderConfig, table: jax.Array) -> jax.Array:
    """Returns the table as `[d_model, padded vocabulary]`, gathered once for all chunks.

    What is spread over devices, its width, comes first: gathered parts then lie one after the other
    and need not be copied into each other, nor need those of the gradient.
    """
    return gathered(table.astype(config.compute_dtype).T, _TRANSPOSED_TABLE)


def _logits(config: DecoderConfig, table: jax.Array, hidden: jax.Array) -> jax.Array:
    scores = jnp.einsum(
        "bld,dv->blv", hidden.astype(table.dtype), table, preferred_element_type=jnp.float32
    )
    if config.logits_scaling != 1.0:
        scores = scores / config.logits_scaling
    if config.padded_vocab_size != config.vocab_size:
        ids = jax.lax.broadcasted_iota(jnp.int32, scores.shape, 2)
        scores = jnp.where(ids < config.vocab_size, scores, _PADDED_LOGIT)
    return constrain(scores, "activation_batch", "activation_length", "activation_vocab")


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _chunked_loss(
    config: DecoderConfig,
    z_loss: float,
    table: jax.Array,
    hidden: jax.Array,
    targets: jax.Array,
    weights: jax.Array,
) -> tuple[jax.Array, TokenStatistics]:
    compute_table = _compute_table(config, table)

    def body(_: None, chunk: tuple[jax.Array, jax.Array]) -> tuple[None, TokenStatistics]:
        chunk_hidden, chunk_targets = chunk
        scores = _logits(config, compute_table, chunk_hidden)
        return None, _statistics(scores, chunk_targets)

    _, statistics = jax.lax.scan(body, None, (hidden, targets))
    return _loss(statistics, weights, z_loss), statistics


def _chunked_loss_forward(
    config: DecoderConfig,
    z_loss: float,
    table: jax.Array,
    hidden: jax.Array,
    targets: jax.Array,
    weights: jax.Array,
) -> tuple[tuple[jax.Array, TokenStatistics], tuple[jax.Array, jax.Array]]:
    compute_table = _compute_table(config, table)

    def body(
        table_gradient: jax.Array, chunk: tuple[jax.Array, jax.Array, jax.Array]
    ) -> tuple[jax.Array, tuple[TokenStatistics, jax.Array]]:
        x, target, weight = chunk
        scores = _logits(config, compute_table, x)
        statistics = _statistics(scores, target)
        probabilities = jnp.exp(scores - statistics.logsumexp[..., None])
        # With p the softmax: d nll = p - [target], d logsumexp = p.
        factor = weight * (1.0 + 2.0 * z_loss * statistics.logsumexp)
        ids = jax.lax.broadcasted_iota(jnp.int32, scores.shape, 2)
        at_target = jnp.where(ids == target[..., None], weight[..., None], 0.0)
        scores_gradient = (probabilities * factor[..., None] - at_target) / config.logits_scaling
        scores_gradient = constrain(
            scores_gradient.astype(compute_table.dtype),
            "activation_batch",
            "activation_length",
            "activation_vocab",
        )
        # Computed once for both products, and not inside each.
        scores_gradient = jax.lax.optimization_barrier(scores_gradient)
        hidden_gradient = jnp.einsum(
            "blv,dv->bld", scores_gradient, compute_table, preferred_element_type=x.dtype
        )
        # Each part of the batch keeps a sum of its own, so that nothing travels chunk by chunk.
        table_gradient += jnp.einsum(
            "sbtld,sbtlv->stdv",
            _in_parts(x.astype(compute_table.dtype)),
            _in_parts(scores_gradient),
            preferred_element_type=jnp.float32,
        )
        return constrain(table_gradient, *_PARTS), (statistics, hidden_gradient)

    parts = ways("activation_batch", hidden.shape[1]), ways("activation_length", hidden.shape[2])
    table_gradient, (statistics, hidden_gradient) = jax.lax.scan(
        body,
        constrain(jnp.zeros((*parts, *compute_table.shape), jnp.float32), *_PARTS),
        (hidden, targets, weights),
    )
    table_gradient = constrain(table_gradient.sum((0, 1)), *_TRANSPOSED_TABLE)
    if platform() == "cpu":
        # Of a single chunk XLA would compute the transpose itself: a product of bfloat16 in float32
        # that CPUs with instructions for bfloat16 do not have.
        table_gradient = jax.lax.optimization_barrier(table_gradient)
    table_gradient = table_gradient.T
    loss = _loss(statistics, weights, z_loss)
    return (loss, statistics), (table_gradient.astype(table.dtype), hidden_gradient)


def _chunked_loss_backward(
    config: DecoderConfig,
    z_loss: float,
    gradients: tuple[jax.Array, jax.Array],
    of_results: tuple[jax.Array, TokenStatistics],
) -> tuple[jax.Array, jax.Array, None, None]:
    of_loss, _ = of_results
    table_gradient, hidden_gradient = (x * of_loss.astype(x.dtype) for x in gradients)
    return table_gradient, hidden_gradient, None, None


_chunked_loss.defvjp(_chunked_loss_forward, _chunked_loss_backward)


def _loss(statistics: TokenStatistics, weights: jax.Array, z_loss: float) -> jax.Array:
    return jnp.sum(weights * (statistics.nll + z_loss * jnp.square(statistics.logsumexp)))


def _in_parts(x: jax.Array) -> jax.Array:
    """Splits `[batch, length, *rest]` into `[parts, rows, parts, positions, *rest]`, as cut."""
    batch, length, *rest = x.shape
    s, t = ways("activation_batch", batch), ways("activation_length", length)
    return x.reshape(s, batch // s, t, length // t, *rest)


def _statistics(scores: jax.Array, targets: jax.Array) -> TokenStatistics:
    ids = jax.lax.broadcasted_iota(jnp.int32, scores.shape, 2)
    largest = scores.max(-1, keepdims=True)
    weights = jnp.exp(scores - largest)
    total = weights.sum(-1)
    logsumexp = jnp.log(total) + largest[..., 0]
    mean = (weights * scores).sum(-1) / total
    # A comparison and a sum instead of a gather: both stay local where the vocabulary is spread
    # over devices.
    target_score = jnp.where(ids == targets[..., None], scores, 0.0).sum(-1)
    most_likely = jnp.where(scores == largest, ids, scores.shape[-1]).min(-1)
    return TokenStatistics(
        nll=logsumexp - target_score,
        logsumexp=logsumexp,
        correct=(most_likely == targets).astype(jnp.float32),
        entropy=logsumexp - mean,
    )
