"""Attention on GPUs: kernels written in Pallas and compiled by Triton.

JAX offers two others. cuDNN's attention takes packed rows on Hopper and later only, in 16 bits
only, through a private module only, and wants the number of segments fixed in advance; else it
takes a `[length, length]` mask. The Pallas kernel that JAX ships has no grouped heads, no rows cut
over devices and no way to keep its result for the backward pass, and later releases deprecate it.
These kernels have all of it, run on any GPU that Triton compiles for, and can be interpreted.

Each visits, for a block of queries or of keys, the run of blocks that its segments span. The sizes
of the blocks are chosen to fit, and not tuned.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from granite_fc.models import logical, remat
from granite_fc.models.attention.blocks import needed_blocks
from granite_fc.models.attention.gpu_kernels import (
    Sizes,
    forward_kernel,
    key_value_gradient_kernel,
    query_gradient_kernel,
)
from granite_fc.models.attention.shards import attend_on_shards

# Queries and keys that a program instance holds at once, by bytes of an entry. Compiled for compute
# capabilities 8.0 and 9.0 none takes more than 108 KiB of shared memory.
_FORWARD_BLOCKS = {2: (128, 64), 4: (64, 32)}
_BACKWARD_BLOCKS = {2: (64, 64), 4: (32, 32)}


def gpu_attention(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    *,
    segment_ids: jax.Array,
    scale: float,
) -> jax.Array:
    """Attends as `reference_attention` does where rows are in the order of their positions.

    Args:
        query: `[batch, length, heads, head_dim]`.
        key: `[batch, length, kv_heads, head_dim]`.
        value: `[batch, length, kv_heads, head_dim]`.
        segment_ids: int32 `[batch, length]`; 0 is no segment. In a row, positions rise within each
            segment.
        scale: Scores are multiplied by it.

    Returns:
        `[batch, length, heads, head_dim]` of `query`'s type; zeros where there is no segment.
    """
    attend = functools.partial(_attend, scale, logical.platform() != "gpu")
    return attend_on_shards(attend, query, key, value, segment_ids)


class _Rows(NamedTuple):
    """What decides which keys a query sees.

    Attributes:
        q_ids: int32 `[batch, q_length]`.
        kv_ids: int32 `[batch, kv_length]`.
        q_places: int32 `[q_length]`, in the whole row.
    """

    q_ids: jax.Array
    kv_ids: jax.Array
    q_places: jax.Array


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _attend(
    scale: float,
    interpret: bool,
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    q_ids: jax.Array,
    kv_ids: jax.Array,
    q_places: jax.Array,
) -> jax.Array:
    return _forward(scale, interpret, query, key, value, _Rows(q_ids, kv_ids, q_places))[0]


def _attend_fwd(
    scale: float,
    interpret: bool,
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    q_ids: jax.Array,
    kv_ids: jax.Array,
    q_places: jax.Array,
) -> tuple[jax.Array, tuple[jax.Array | _Rows, ...]]:
    rows = _Rows(q_ids, kv_ids, q_places)
    out, log_sums = (
        checkpoint_name(x, remat.ATTENTION_OUTPUT)
        for x in _forward(scale, interpret, query, key, value, rows)
    )
    return out, (query, key, value, rows, out, log_sums)


def _attend_bwd(
    scale: float,
    interpret: bool,
    residuals: tuple[jax.Array, jax.Array, jax.Array, _Rows, jax.Array, jax.Array],
    gradient: jax.Array,
) -> tuple[jax.Array | None, ...]:
    return (*_backward(scale, interpret, *residuals, gradient), None, None, None)


_attend.defvjp(_attend_fwd, _attend_bwd)


def _forward(
    scale: float,
    interpret: bool,
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    rows: _Rows,
) -> tuple[jax.Array, jax.Array]:
    """Returns the result, and log2 of each query's sum of weights, `[batch, heads, q_length]`."""
    batch, q_length, heads, head_dim = query.shape
    sizes = Sizes(scale, head_dim, *_FORWARD_BLOCKS[query.dtype.itemsize])
    queries = _specs(sizes, sizes.block_q)
    keys = _specs(sizes, key.shape[1], whole=True, group=heads // key.shape[2])
    out, log_sums = pl.pallas_call(
        functools.partial(forward_kernel, sizes=sizes),
        grid=(q_length // sizes.block_q, heads, batch),
        in_specs=_in_specs(queries, keys),
        out_specs=[queries.heads, queries.sums],
        out_shape=[
            jax.ShapeDtypeStruct(query.shape, query.dtype),
            jax.ShapeDtypeStruct((batch, heads, q_length), jnp.float32),
        ],
        compiler_params=triton.CompilerParams(num_warps=4 if head_dim <= 64 else 8, num_stages=2),
        interpret=interpret,
        name="attention_forward",
    )(query, key, value, *rows, *_span(_needed(rows, sizes)))
    return out, log_sums


def _backward(
    scale: float,
    interpret: bool,
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    rows: _Rows,
    out: jax.Array,
    log_sums: jax.Array,
    gradient: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Returns the gradients of the queries, keys and values."""
    batch, q_length, heads, head_dim = query.shape
    kv_length, kv_heads = key.shape[1:3]
    group = heads // kv_heads
    sizes = Sizes(scale, head_dim, *_BACKWARD_BLOCKS[query.dtype.itemsize])
    needed = _needed(rows, sizes)
    along = jnp.einsum(
        "bqhd,bqhd->bhq", out, gradient.astype(jnp.float32), preferred_element_type=jnp.float32
    )
    arguments = (query, key, value, *rows)
    call = functools.partial(
        pl.pallas_call,
        compiler_params=triton.CompilerParams(num_warps=4, num_stages=2),
        interpret=interpret,
    )

    queries = _specs(sizes, sizes.block_q)
    keys = _specs(sizes, kv_length, whole=True, group=group)
    d_query = call(
        functools.partial(query_gradient_kernel, sizes=sizes),
        grid=(q_length // sizes.block_q, heads, batch),
        in_specs=[*_in_specs(queries, keys), queries.heads, queries.sums, queries.sums],
        out_specs=queries.heads,
        out_shape=jax.ShapeDtypeStruct(query.shape, query.dtype),
        name="attention_query_gradient",
    )(*arguments, *_span(needed), gradient, log_sums, along)

    queries = _specs(sizes, q_length, whole=True)
    keys = _specs(sizes, sizes.block_kv, group=group)
    of_query_head = _specs(sizes, sizes.block_kv).heads
    d_key, d_value = call(
        functools.partial(key_value_gradient_kernel, sizes=sizes),
        grid=(kv_length // sizes.block_kv, heads, batch),
        in_specs=[*_in_specs(queries, keys), queries.heads, queries.sums, queries.sums],
        out_specs=[of_query_head, of_query_head],
        out_shape=[jax.ShapeDtypeStruct((batch, kv_length, heads, head_dim), jnp.float32)] * 2,
        name="attention_key_value_gradient",
    )(*arguments, *_span(jnp.swapaxes(needed, 1, 2)), gradient, log_sums, along)

    def of_kv_head(x: jax.Array) -> jax.Array:
        return x.reshape(batch, kv_length, kv_heads, group, head_dim).sum(3).astype(key.dtype)

    return d_query, of_kv_head(d_key), of_kv_head(d_value)


def _needed(rows: _Rows, sizes: Sizes) -> jax.Array:
    return needed_blocks(*rows, sizes.block_q, sizes.block_kv)


def _span(needed: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns for each line of `[batch, lines, blocks]` its first True, and one after its last."""
    blocks = needed.shape[2]
    index = jnp.arange(blocks, dtype=jnp.int32)
    first = jnp.where(needed, index, blocks).min(2)
    return first, jnp.where(needed, index + 1, 0).max(2)


class _Specs(NamedTuple):
    """What a program instance sees of arrays of queries, or of keys.

    Attributes:
        heads: Of `[batch, length, heads, head_dim]`, one head.
        ids: Of `[batch, length]`.
        places: Of `[length]`.
        sums: Of `[batch, heads, length]`.
    """

    heads: pl.BlockSpec
    ids: pl.BlockSpec
    places: pl.BlockSpec
    sums: pl.BlockSpec


def _specs(sizes: Sizes, size: int, *, whole: bool = False, group: int = 1) -> _Specs:
    """Describes a block of a row, or a whole row, to a grid of blocks, heads and batch.

    Args:
        sizes: The kernel's.
        size: Length of the block, or of the row.
        whole: Whether every instance sees the row.
        group: Query heads to one head of the array.
    """

    def at(block: Any) -> Any:
        return 0 if whole else block

    return _Specs(
        heads=pl.BlockSpec(
            (None, size, None, sizes.padded_head_dim),
            lambda i, h, b: (b, at(i), jax.lax.div(h, jnp.int32(group)), 0),
        ),
        ids=pl.BlockSpec((None, size), lambda i, h, b: (b, at(i))),
        places=pl.BlockSpec((size,), lambda i, h, b: (at(i),)),
        sums=pl.BlockSpec((None, None, size), lambda i, h, b: (b, h, at(i))),
    )


def _in_specs(queries: _Specs, keys: _Specs) -> list[pl.BlockSpec]:
    """Returns the specs of what every kernel begins with."""
    span = pl.BlockSpec((None, None), lambda i, h, b: (b, i))
    return [
        queries.heads,
        keys.heads,
        keys.heads,
        queries.ids,
        keys.ids,
        queries.places,
        span,
        span,
    ]
