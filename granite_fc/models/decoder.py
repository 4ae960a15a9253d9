"""The decoder as functions of a nested dictionary of parameters.

The blocks are Flax NNX modules. Their parameters are stacked along a leading `layers` axis and
merged into a block inside the loop over layers, so that a model of 88 layers compiles as fast as
one of 8.

Parameters, with D = d_model, H = num_heads, K = num_kv_heads, h = head_dim, F = d_ff, N = layers,
V = vocabulary (padded), P = max_positions::

    embedding/table                                [V, D]
    positions/table                                [P, D]        where positions are learned
    blocks/attention_norm, blocks/mlp_norm         scale [N, D]; bias [N, D] in LayerNorm
    blocks/attention/query                         kernel [N, D, H, h]; bias [N, H, h]
    blocks/attention/key, blocks/attention/value   kernel [N, D, K, h]; bias [N, K, h]
    blocks/attention/output                        kernel [N, H, h, D]; bias [N, D]
    blocks/mlp/gate, blocks/mlp/up                 kernel [N, D, F]; bias [N, F]; gate where gated
    blocks/mlp/down                                kernel [N, F, D]; bias [N, D]
    final_norm                                     scale [D]; bias [D] in LayerNorm
    head/table                                     [V, D]        where embeddings are not tied

With adapters (`DecoderConfig.adapter`), of rank R, a kernel [N, *inputs, *outputs] becomes::

    .../kernel/values                              as the kernel, of the base's type
    .../kernel/scales                              one a block, where the base is quantised
    .../adapter/lora_a, .../adapter/lora_b         [N, *inputs, R], [N, R, *outputs] for targets
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from granite_fc.models.adapters.attach import (
    attach,
    draw_adapters,
    freeze,
    freeze_in_turn,
    join,
    split,
)
from granite_fc.models.bias import WIDE, in_parts
from granite_fc.models.block import Block, Place
from granite_fc.models.config import DecoderConfig
from granite_fc.models.dropout import dropout
from granite_fc.models.initialization import normal
from granite_fc.models.layers import Norm
from granite_fc.models.logical import constrain
from granite_fc.models.lookup import look_up
from granite_fc.models.remat import rematerialize
from granite_fc.models.rope import rope_frequencies, rope_tables

Params = dict[str, Any]

# What the adapters' key folds in.
_ADAPTERS = 1


def init_params(config: DecoderConfig, key: jax.Array) -> Params:
    """Draws a model's parameters (see `granite_fc.models.initialization`).

    Args:
        config: The decoder's shape.
        key: A PRNG key.

    Returns:
        A nested dictionary of arrays of `config.param_dtype`, and of what `config.adapter` says.
    """
    if config.adapter is not None:
        return adapt_params(config, init_params(base_config(config), key), key)
    embedding_key, positions_key, blocks_key, head_key = jax.random.split(key, 4)

    def block(key: jax.Array) -> Params:
        return nnx.to_pure_dict(nnx.state(Block(config, rngs=nnx.Rngs(key))))

    def table(key: jax.Array, rows: int) -> Params:
        shape = (rows, config.d_model)
        return {"table": normal(key, shape, config.initializer_range, config.param_dtype)}

    params: Params = {
        "embedding": table(embedding_key, config.padded_vocab_size),
        "blocks": jax.vmap(block)(jax.random.split(blocks_key, config.num_layers)),
        "final_norm": nnx.to_pure_dict(nnx.state(Norm(config))),
    }
    if config.positions == "learned":
        params["positions"] = table(positions_key, config.max_positions)
    if not config.tie_embeddings:
        params["head"] = table(head_key, config.padded_vocab_size)
    return params


def adapt_params(config: DecoderConfig, base: Params, key: jax.Array) -> Params:
    """Returns parameters that begin as a given model: frozen, with new adapters.

    Args:
        config: The decoder's shape, with an adapter.
        base: The parameters of `base_config(config)`.
        key: A PRNG key, of which the adapters fold in a number of their own.
    """
    assert config.adapter is not None
    return join(freeze(abstract_block(config), config.adapter, base), new_adapters(config, key))


def new_adapters(config: DecoderConfig, key: jax.Array) -> Params:
    """Returns the adapters alone of what `adapt_params` returns.

    Args:
        config: The decoder's shape, with an adapter.
        key: That of `adapt_params`.
    """
    return draw_adapters(
        abstract_block(config), config.num_layers, jax.random.fold_in(key, _ADAPTERS)
    )


def frozen_params(config: DecoderConfig, base: Params, shardings: Params) -> Params:
    """Returns the frozen part of what `adapt_params` returns.

    Args:
        config: The decoder's shape, with an adapter.
        base: The parameters of `base_config(config)`, taken out of the tree one by one.
        shardings: How the result lies.
    """
    assert config.adapter is not None
    return freeze_in_turn(abstract_block(config), config.adapter, base, shardings)


def base_config(config: DecoderConfig) -> DecoderConfig:
    """Returns the model without adapters, as it is stored where it is trained itself."""
    return dataclasses.replace(config, adapter=None)


def abstract_params(config: DecoderConfig) -> Params:
    """Returns `init_params`' tree of `jax.ShapeDtypeStruct`; touches no device."""
    return jax.eval_shape(lambda: init_params(config, jax.random.key(0)))


def logical_axes(config: DecoderConfig) -> Params:
    """Returns `init_params`' tree with, for each array, a tuple of its axes' logical names."""

    def names(module: nnx.Module, prefix: tuple[str, ...] = ()) -> Params:
        return _nest(
            {
                tuple(map(str, path)): (*prefix, *variable.get_metadata("logical_axes"))
                for path, variable in nnx.to_flat_state(nnx.state(module))
            }
        )

    axes: Params = {
        "embedding": {"table": ("vocab", "embed")},
        "blocks": names(abstract_block(config), ("layers",)),
        "final_norm": names(nnx.eval_shape(lambda: Norm(config))),
    }
    if config.positions == "learned":
        axes["positions"] = {"table": ("position", "embed")}
    if not config.tie_embeddings:
        axes["head"] = {"table": ("vocab", "embed")}
    return axes


def count_params(config: DecoderConfig) -> int:
    """Returns the number of parameters, tied embeddings counted once; touches no device.

    Those of adapters count as well, scales of a quantised base do not.
    """
    adapters, _ = split(abstract_params(config)) if config.adapter else ({}, {})
    leaves = jax.tree.leaves((abstract_params(base_config(config)), adapters))
    return sum(math.prod(leaf.shape) for leaf in leaves)


def hidden_states(
    config: DecoderConfig,
    params: Params,
    tokens: jax.Array,
    positions: jax.Array,
    segment_ids: jax.Array,
    *,
    dropout_key: jax.Array | None = None,
) -> jax.Array:
    """Runs the decoder up to and including the final norm.

    Args:
        config: The decoder's shape.
        params: What `init_params` returned, or a tree like it.
        tokens: int32 `[batch, length]`.
        positions: int32 `[batch, length]`, counted from 0 within each segment.
        segment_ids: int32 `[batch, length]`. A position attends to the earlier positions of its own
            segment; 0 is no segment: such a position attends to nothing and nothing attends to it.
        dropout_key: A PRNG key of this step; every layer and place draws its own mask from it. None
            switches dropout off.

    Returns:
        `[batch, length, d_model]` of the compute type.
    """
    place = place_of(config, positions, segment_ids)
    x = embed(config, params, tokens, positions)
    if dropout_key is not None:
        # Blocks fold in 0 .. num_layers - 1.
        embedding_key = jax.random.fold_in(dropout_key, config.num_layers)
        x = dropout(x, config.embedding_dropout, embedding_key)
    x = _run_blocks(config, params["blocks"], x, place, dropout_key)
    return final_norm(config, params, x)


def place_of(config: DecoderConfig, positions: jax.Array, segment_ids: jax.Array) -> Place:
    """Returns what the blocks know of where each token stands; see `hidden_states`."""
    tables = None
    if config.positions == "rope":
        frequencies = rope_frequencies(
            config.head_dim,
            config.rope_theta,
            factor=config.rope_factor,
            low_freq_factor=config.rope_low_freq_factor,
            high_freq_factor=config.rope_high_freq_factor,
            original_positions=config.rope_original_positions,
        )
        tables = rope_tables(positions, frequencies)
    return Place(positions, segment_ids, tables)


def embed(
    config: DecoderConfig, params: Params, tokens: jax.Array, positions: jax.Array
) -> jax.Array:
    """Returns what the first block reads, `[batch, length, d_model]`; see `hidden_states`."""
    x = look_up(params["embedding"]["table"], tokens, config.compute_dtype, ("vocab", "embed"))
    if config.positions == "learned":
        table = params["positions"]["table"]
        x = x + look_up(table, positions, config.compute_dtype, ("position", "embed"))
    if config.embedding_multiplier != 1.0:
        x = x * jnp.asarray(config.embedding_multiplier, x.dtype)
    return constrain(x, "activation_batch", "activation_length", "activation_embed")


def final_norm(config: DecoderConfig, params: Params, x: jax.Array) -> jax.Array:
    """Normalises what the last block wrote."""
    graph = nnx.graphdef(nnx.eval_shape(lambda: Norm(config)))
    return nnx.merge(graph, params["final_norm"])(x)


def _run_blocks(
    config: DecoderConfig, blocks: Params, x: jax.Array, place: Place, dropout_key: jax.Array | None
) -> jax.Array:
    graph = nnx.graphdef(abstract_block(config))

    def apply(block_params: Params, x: jax.Array, layer: jax.Array | int) -> jax.Array:
        key = None if dropout_key is None else jax.random.fold_in(dropout_key, layer)
        return nnx.merge(graph, block_params)(x, place, None, key)[0]

    apply = rematerialize(apply, config.remat_policy, in_scan=config.scan_layers)
    blocks = jax.tree.map(
        lambda leaf, axes: in_parts(leaf, *x.shape[:2]) if axes[-1] == WIDE else leaf,
        blocks,
        logical_axes(config)["blocks"],
    )
    if not config.scan_layers:
        for layer in range(config.num_layers):
            x = apply(layer_of(blocks, layer), x, layer)
        return x

    def body(x: jax.Array, inputs: tuple[Params, jax.Array]) -> tuple[jax.Array, None]:
        block_params, layer = inputs
        return apply(block_params, x, layer), None

    return jax.lax.scan(body, x, (blocks, jnp.arange(config.num_layers)))[0]


def abstract_block(config: DecoderConfig) -> Block:
    """Returns a block without arrays, to merge parameters into.

    Raises:
        ConfigurationError: A pattern of `config.adapter` matches no weight.
    """

    def make() -> Block:
        block = Block(config, rngs=nnx.Rngs(0))
        if config.adapter is not None:
            attach(block, config.adapter)
        return block

    return nnx.eval_shape(make)


def layer_of(blocks: Params, layer: int) -> Params:
    """Returns the parameters of one layer of the stack."""
    return jax.tree.map(lambda x: x[layer], blocks)


def _nest(flat: dict[tuple[str, ...], Any]) -> Params:
    tree: Params = {}
    for (*parents, name), value in flat.items():
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = value
    return tree
