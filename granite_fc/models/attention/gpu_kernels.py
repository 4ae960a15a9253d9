"""The bodies of the GPU's attention kernels.

One program instance works for one head of one row of the batch, and for one block of its queries
(forwards, and the queries' gradient) or of its keys (the keys' and values' gradient). Refs hold
that head's part of each array. A head's width is padded to a power of two, as Triton demands; what
is beyond the array is neither read nor written.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

# Softmax is computed with powers of two, which GPUs have an instruction for.
LOG2_E = math.log2(math.e)
_MASKED = -0.7 * float(jnp.finfo(jnp.float32).max)


class Sizes(NamedTuple):
    """What a kernel is specialised for.

    Attributes:
        scale: Scores are multiplied by it.
        head_dim: Width of a head.
        block_q: Queries that are held at once; a power of two.
        block_kv: Keys that are held at once; a power of two.
    """

    scale: float
    head_dim: int
    block_q: int
    block_kv: int

    @property
    def padded_head_dim(self) -> int:
        """The power of two that a head's width is padded to; products need at least 16."""
        return max(16, pl.next_power_of_2(self.head_dim))


def forward_kernel(
    query: Any,
    key: Any,
    value: Any,
    q_ids: Any,
    kv_ids: Any,
    q_places: Any,
    first: Any,
    end: Any,
    out: Any,
    log_sums: Any,
    *,
    sizes: Sizes,
) -> None:
    """Computes a block of the result, and log2 of the sum of each of its queries' weights.

    Args:
        query: Ref `[block_q, padded_head_dim]`.
        key: Ref `[kv_length, padded_head_dim]`.
        value: Ref `[kv_length, padded_head_dim]`.
        q_ids: Ref `[block_q]`.
        kv_ids: Ref `[kv_length]`.
        q_places: Ref `[block_q]`.
        first: Ref `[]`, the first block of keys to visit.
        end: Ref `[]`, the one after the last.
        out: Ref like `query`, written.
        log_sums: Ref `[block_q]`, written.
        sizes: See there.
    """
    q, ids, places = _load(query, sizes), q_ids[...], q_places[...]

    def visit(block: jax.Array, carry: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        mixed, sums, largest = carry
        at = pl.ds(block * sizes.block_kv, sizes.block_kv)
        k, v = _load(key.at[at, :], sizes), _load(value.at[at, :], sizes)
        scores = _scores(q, k, ids, kv_ids[at], places, _places(block, sizes), sizes)
        larger = jnp.maximum(largest, scores.max(1))
        weights = jnp.exp2(scores - larger[:, None])
        shrink = jnp.exp2(largest - larger)
        mixed = mixed * shrink[:, None] + _dot(weights.astype(v.dtype), v)
        return mixed, sums * shrink + weights.sum(1), larger

    start = (
        jnp.zeros((sizes.block_q, sizes.padded_head_dim), jnp.float32),
        jnp.zeros((sizes.block_q,), jnp.float32),
        jnp.full((sizes.block_q,), _MASKED, jnp.float32),
    )
    mixed, sums, largest = jax.lax.fori_loop(first[...], end[...], visit, start)
    _store(out, mixed / sums[:, None], sizes)
    log_sums[...] = largest + jnp.log2(sums)


def query_gradient_kernel(
    query: Any,
    key: Any,
    value: Any,
    q_ids: Any,
    kv_ids: Any,
    q_places: Any,
    first: Any,
    end: Any,
    gradient: Any,
    log_sums: Any,
    along: Any,
    d_query: Any,
    *,
    sizes: Sizes,
) -> None:
    """Computes a block of the queries' gradient.

    Args:
        query: Ref `[block_q, padded_head_dim]`.
        key: Ref `[kv_length, padded_head_dim]`.
        value: Ref `[kv_length, padded_head_dim]`.
        q_ids: Ref `[block_q]`.
        kv_ids: Ref `[kv_length]`.
        q_places: Ref `[block_q]`.
        first: Ref `[]`, the first block of keys to visit.
        end: Ref `[]`, the one after the last.
        gradient: Ref like `query`, the result's gradient.
        log_sums: Ref `[block_q]`, as the forward kernel left it.
        along: Ref `[block_q]`, the product of each query's result with its gradient.
        d_query: Ref like `query`, written.
        sizes: See there.
    """
    q, d_out, ids, places = _load(query, sizes), _load(gradient, sizes), q_ids[...], q_places[...]
    sums, products = log_sums[...], along[...]

    def visit(block: jax.Array, d_q: jax.Array) -> jax.Array:
        at = pl.ds(block * sizes.block_kv, sizes.block_kv)
        k, v = _load(key.at[at, :], sizes), _load(value.at[at, :], sizes)
        scores = _scores(q, k, ids, kv_ids[at], places, _places(block, sizes), sizes)
        weights = jnp.exp2(scores - sums[:, None])
        d_scores = weights * (_dot(d_out, v.T) - products[:, None]) * sizes.scale
        return d_q + _dot(d_scores.astype(k.dtype), k)

    start = jnp.zeros((sizes.block_q, sizes.padded_head_dim), jnp.float32)
    _store(d_query, jax.lax.fori_loop(first[...], end[...], visit, start), sizes)


def key_value_gradient_kernel(
    query: Any,
    key: Any,
    value: Any,
    q_ids: Any,
    kv_ids: Any,
    q_places: Any,
    first: Any,
    end: Any,
    gradient: Any,
    log_sums: Any,
    along: Any,
    d_key: Any,
    d_value: Any,
    *,
    sizes: Sizes,
) -> None:
    """Computes one query head's part of a block of the keys' and values' gradients.

    Args:
        query: Ref `[q_length, padded_head_dim]`.
        key: Ref `[block_kv, padded_head_dim]`.
        value: Ref `[block_kv, padded_head_dim]`.
        q_ids: Ref `[q_length]`.
        kv_ids: Ref `[block_kv]`.
        q_places: Ref `[q_length]`.
        first: Ref `[]`, the first block of queries to visit.
        end: Ref `[]`, the one after the last.
        gradient: Ref like `query`, the result's gradient.
        log_sums: Ref `[q_length]`, as the forward kernel left it.
        along: Ref `[q_length]`, the product of each query's result with its gradient.
        d_key: Ref like `key`, written.
        d_value: Ref like `value`, written.
        sizes: See there.
    """
    k, v, ids = _load(key, sizes), _load(value, sizes), kv_ids[...]
    places = _places(pl.program_id(0), sizes)

    def visit(block: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        d_k, d_v = carry
        at = pl.ds(block * sizes.block_q, sizes.block_q)
        q, d_out = _load(query.at[at, :], sizes), _load(gradient.at[at, :], sizes)
        scores = _scores(q, k, q_ids[at], ids, q_places[at], places, sizes)
        weights = jnp.exp2(scores - log_sums[at][:, None])
        d_v = d_v + _dot(weights.astype(d_out.dtype).T, d_out)
        d_scores = weights * (_dot(d_out, v.T) - along[at][:, None]) * sizes.scale
        return d_k + _dot(d_scores.astype(q.dtype).T, q), d_v

    zeros = jnp.zeros((sizes.block_kv, sizes.padded_head_dim), jnp.float32)
    d_k, d_v = jax.lax.fori_loop(first[...], end[...], visit, (zeros, zeros))
    _store(d_key, d_k, sizes)
    _store(d_value, d_v, sizes)


def _places(block: jax.Array, sizes: Sizes) -> jax.Array:
    return block * sizes.block_kv + jnp.arange(sizes.block_kv, dtype=jnp.int32)


def _scores(
    q: jax.Array,
    k: jax.Array,
    q_ids: jax.Array,
    kv_ids: jax.Array,
    q_places: jax.Array,
    kv_places: jax.Array,
    sizes: Sizes,
) -> jax.Array:
    """Returns `[block_q, block_kv]` scores to the base two."""
    visible = (q_ids[:, None] == kv_ids[None, :]) & (q_places[:, None] >= kv_places[None, :])
    return jnp.where(visible, _dot(q, k.T) * (sizes.scale * LOG2_E), _MASKED)


def _dot(a: jax.Array, b: jax.Array) -> jax.Array:
    # Else Triton rounds float32 operands to fewer bits.
    exact = jax.lax.Precision.HIGHEST if a.dtype == jnp.float32 else None
    return triton.dot(a, b, precision=exact)


def _load(ref: Any, sizes: Sizes) -> jax.Array:
    return triton.load(ref, mask=_in_head(sizes), other=0.0)


def _store(ref: Any, x: jax.Array, sizes: Sizes) -> None:
    triton.store(ref, x.astype(ref.dtype), mask=_in_head(sizes))


def _in_head(sizes: Sizes) -> jax.Array:
    return (jnp.arange(sizes.padded_head_dim) < sizes.head_dim)[None, :]
