"""Which implementation of attention serves a call."""

from __future__ import annotations

import jax

from granite_fc.errors import ConfigurationError
from granite_fc.models import logical
from granite_fc.models.attention.gpu import gpu_attention
from granite_fc.models.attention.reference import reference_attention
from granite_fc.models.attention.shards import SMALLEST_BLOCK, servable
from granite_fc.models.attention.splash import splash_attention

IMPLEMENTATIONS = ("auto", "reference", "splash", "gpu")
_KERNELS = {"splash": splash_attention, "gpu": gpu_attention}
_KERNEL_OF_PLATFORM = {"tpu": "splash", "gpu": "gpu"}
# What each kernel has blocks for.
WIDEST_HEAD = {"splash": 256, "gpu": 128}


def attention(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    *,
    q_segment_ids: jax.Array,
    kv_segment_ids: jax.Array,
    q_positions: jax.Array,
    kv_positions: jax.Array,
    scale: float,
    dropout_rate: float = 0.0,
    dropout_key: jax.Array | None = None,
    block: int = 1024,
    implementation: str = "auto",
) -> jax.Array:
    """Attends from every query to the keys of its segment that do not lie after it.

    Kernels need rows whose positions rise within each segment, as those of a batch do, and compare
    places in the row; a caller whose rows are otherwise, such as a cache, asks for "reference".

    Args:
        query: `[batch, q_length, heads, head_dim]`.
        key: `[batch, kv_length, kv_heads, head_dim]`; `kv_heads` divides `heads`.
        value: `[batch, kv_length, kv_heads, head_dim]`.
        q_segment_ids: int32 `[batch, q_length]`; 0 is no segment.
        kv_segment_ids: int32 `[batch, kv_length]`; a query sees the keys of its own number only,
            and 0 sees nothing.
        q_positions: int32 `[batch, q_length]`, counted within the segment.
        kv_positions: int32 `[batch, kv_length]`; a query sees positions up to its own.
        scale: Scores are multiplied by it.
        dropout_rate: Share of the attention weights to drop.
        dropout_key: A PRNG key; None switches dropout off.
        block: Most queries per row that the reference scores at once.
        implementation: "reference"; "splash", the TPU's kernel; "gpu", the GPU's (either is
            interpreted elsewhere, slowly); or "auto": the kernel of the platform where there is one
            that can serve the call.

    Returns:
        `[batch, q_length, heads, head_dim]` of `query`'s type; zeros where a query sees nothing.

    Raises:
        ConfigurationError: If the implementation asked for cannot serve the call.
    """
    drops = dropout_rate > 0.0 and dropout_key is not None
    if implementation == "auto":
        kernel = _KERNEL_OF_PLATFORM.get(logical.platform(), "reference")
        implementation = "reference" if drops or _obstacle(kernel, query, key) else kernel
    if implementation == "reference":
        return reference_attention(
            query,
            key,
            value,
            q_segment_ids=q_segment_ids,
            kv_segment_ids=kv_segment_ids,
            q_positions=q_positions,
            kv_positions=kv_positions,
            scale=scale,
            dropout_rate=dropout_rate,
            dropout_key=dropout_key,
            block=block,
        )
    obstacle = "dropout of attention weights" if drops else _obstacle(implementation, query, key)
    if obstacle:
        raise ConfigurationError(
            "DecoderConfig.attention",
            found=f"{implementation}, with {obstacle}",
            expected="'auto' or 'reference' there",
        )
    return _KERNELS[implementation](query, key, value, segment_ids=q_segment_ids, scale=scale)


def _obstacle(implementation: str, query: jax.Array, key: jax.Array) -> str | None:
    """Returns what an implementation cannot do of a call; None where it can do all."""
    if implementation == "reference":
        return None
    length, kv_length, width = query.shape[1], key.shape[1], query.shape[3]
    if width > WIDEST_HEAD[implementation]:
        return f"heads of {width}, and it takes at most {WIDEST_HEAD[implementation]}"
    if not servable(length, kv_length):
        return (
            f"{length} queries and {kv_length} keys, and it takes as many of one as of the other, "
            f"in blocks of {SMALLEST_BLOCK}"
        )
    return None
