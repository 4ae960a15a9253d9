"""The decoder with keys and values kept: of a prompt, and of a few more tokens at a time."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

from granite_fc.models.block import KeysAndValues, LayerCache
from granite_fc.models.cache import Cache
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
        Two arrays `[layers, batch, length, kv_heads, head_dim]` of the compute type.
    """
    place = place_of(config, positions, segment_ids)
    x = embed(config, params, tokens, positions)
    graph = nnx.graphdef(abstract_block(config))

    def body(x: jax.Array, block_params: Params) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        x, kept = nnx.merge(graph, block_params)(x, place, KeysAndValues(), None)
        return x, (kept.keys, kept.values)

    if config.scan_layers:
        _, (keys, values) = jax.lax.scan(body, x, params["blocks"])
    else:
        of_layers = []
        for layer in range(config.num_layers):
            x, kept = body(x, layer_of(params["blocks"], layer))
            of_layers.append(kept)
        keys, values = (jnp.stack(parts) for parts in zip(*of_layers, strict=True))
    names = (None, "activation_batch", "activation_kv_length", "activation_kv_heads", None)
    return constrain(keys, *names), constrain(values, *names)


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
    graph = nnx.graphdef(abstract_block(config))
    at = (0, cache.slot)
    all_positions = jax.lax.dynamic_update_slice(cache.positions, place.positions, at)
    all_segment_ids = jax.lax.dynamic_update_slice(cache.segment_ids, place.segment_ids, at)

    # The keys and values of all layers travel in the carry, where the compiler updates them in
    # place; as inputs and outputs of the scan they would be copied whole for each token.
    def body(
        carry: tuple[jax.Array, jax.Array, jax.Array], inputs: tuple[Params, jax.Array | int]
    ) -> tuple[tuple[jax.Array, jax.Array, jax.Array], None]:
        x, keys, values = carry
        block_params, layer = inputs
        layer_cache = LayerCache(
            keys, values, jnp.asarray(layer), cache.slot, all_positions, all_segment_ids
        )
        x, layer_cache = nnx.merge(graph, block_params)(x, place, layer_cache, None)
        return (x, layer_cache.keys, layer_cache.values), None

    carry = (x, cache.keys, cache.values)
    if config.scan_layers:
        carry, _ = jax.lax.scan(body, carry, (params["blocks"], jnp.arange(config.num_layers)))
    else:
        for layer in range(config.num_layers):
            carry, _ = body(carry, (layer_of(params["blocks"], layer), layer))
    x, keys, values = carry
    extended = Cache(keys, values, all_positions, all_segment_ids, cache.slot + tokens.shape[1])
    return final_norm(config, params, x), extended
