"""The decoder with keys and values kept: of a prompt, and of a few more tokens at a time."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from granite_fc.models.attention.cached import Kept
from granite_fc.models.block import Place
from granite_fc.models.cache import KEPT_AXES, Cache
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import (
    Params,
    abstract_block,
    embed,
    final_norm,
    layer_of,
    place_of,
)
from granite_fc.models.logical import constrain


def read(
    config: DecoderConfig,
    params: Params,
    tokens: jax.Array,
    positions: jax.Array,
    segment_ids: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Computes the keys and values of tokens that nothing comes before.

    Args:
        config: The decoder's shape.
        params: Its parameters.
        tokens: int32 `[batch, length]`.
        positions: int32 `[batch, length]`, counted from 0 within each segment.
        segment_ids: int32 `[batch, length]`; 0 is no segment.

    Returns:
        Two arrays `[layers, batch, kv_heads, length, head_dim]` of the compute type.
    """
    if config.attention != "reference":
        # Prompts come in lengths that a kernel need not have blocks for.
        config = dataclasses.replace(config, attention="auto")
    place = place_of(config, positions, segment_ids)
    x = embed(config, params, tokens, positions)
    _, new = _through_blocks(config, params["blocks"], x, place, None)
    return new


def extend(
    config: DecoderConfig,
    params: Params,
    tokens: jax.Array,
    positions: jax.Array,
    segment_ids: jax.Array,
    cache: Cache,
) -> tuple[jax.Array, Cache]:
    """Runs `granite_fc.models.decoder.hidden_states` on tokens that come after others.

    Args:
        config: The decoder's shape.
        params: Its parameters.
        tokens: int32 `[batch, length]`.
        positions: int32 `[batch, length]`, counted from 0 within each segment.
        segment_ids: int32 `[batch, length]`; 0 is no segment.
        cache: Keys and values of earlier calls, to attend to as well.

    Returns:
        `[batch, length, d_model]` of the compute type, and the cache extended by this call.
    """
    place = place_of(config, positions, segment_ids)
    x = embed(config, params, tokens, positions)
    x, new = _through_blocks(config, params["blocks"], x, place, cache)

    def put(kept: jax.Array, new: jax.Array, *start: int | jax.Array) -> jax.Array:
        return jax.lax.dynamic_update_slice(kept, new.astype(kept.dtype), start)

    extended = Cache(
        keys=put(cache.keys, new[0], 0, 0, 0, cache.slot, 0),
        values=put(cache.values, new[1], 0, 0, 0, cache.slot, 0),
        positions=put(cache.positions, place.positions, 0, cache.slot),
        segment_ids=put(cache.segment_ids, place.segment_ids, 0, cache.slot),
        slot=cache.slot + tokens.shape[1],
    )
    return final_norm(config, params, x), extended


def _through_blocks(
    config: DecoderConfig, blocks: Params, x: jax.Array, place: Place, cache: Cache | None
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    """Runs all blocks; returns their keys and values, laid out as those of a cache.

    The blocks only read the cache. What is new is written once for all layers, in place; a loop
    over layers that wrote it would make the compiler copy the cache, to read and write it at once.
    """
    graph = nnx.graphdef(abstract_block(config))

    def body(x: jax.Array, inputs: Any) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        block_params, of_layer = inputs
        kept = None
        if cache is not None:
            keys, values = (constrain(part, *KEPT_AXES[1:]) for part in of_layer)
            kept = Kept(keys, values, cache.positions, cache.segment_ids)
        x, new = nnx.merge(graph, block_params)(x, place, kept, None)
        return x, (new.keys.transpose(0, 2, 1, 3), new.values.transpose(0, 2, 1, 3))

    inputs: Any = (blocks, None if cache is None else (cache.keys, cache.values))
    if config.scan_layers:
        x, (keys, values) = jax.lax.scan(body, x, inputs)
    else:
        of_layers = []
        for layer in range(config.num_layers):
            x, of_layer = body(x, layer_of(inputs, layer))
            of_layers.append(of_layer)
        keys, values = (jnp.stack(parts) for parts in zip(*of_layers, strict=True))
    return x, (constrain(keys, *KEPT_AXES), constrain(values, *KEPT_AXES))
