"""Reads a published model onto devices, with little of it in the host's memory at any time."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec, Sharding

from granite_fc.checkpoints.hf.check import check_weights
from granite_fc.checkpoints.hf.tensors import Published
from granite_fc.checkpoints.hf.weights import nested, paths_of
from granite_fc.models.config import DecoderConfig

PyTree = Any


def load_params(published: Published, config: DecoderConfig, abstract_params: PyTree) -> PyTree:
    """Returns a published model's parameters, spread over devices.

    One tensor after the other is read. A stack of layers is made on the devices, empty, and filled
    layer by layer there, so that a host holds one tensor beside what its devices hold.

    Args:
        published: The model.
        config: What it is, without adapters.
        abstract_params: Tree of `jax.ShapeDtypeStruct` with shardings: that of
            `abstract_params(config)`, in the types that are wanted.

    Raises:
        ConfigurationError: See `check_weights`.
    """
    tensors = check_weights(published, config)
    wanted = paths_of(abstract_params)
    params: dict[tuple[str, ...], jax.Array] = {}
    for tensor in tensors:
        array = published.source.read(tensor.name)
        for part in tensor.parts:
            leaf = wanted[part.path]
            ours = part.padded(array)
            if part.layer is None:
                params[part.path] = _spread(ours, leaf.dtype, leaf.sharding)
                continue
            stack = params.get(part.path)
            if stack is None:
                stack = _empty(leaf.shape, leaf.dtype, leaf.sharding)
            layer = _spread(ours, leaf.dtype, _of_one_layer(leaf.sharding))
            params[part.path] = _filler(leaf.sharding)(stack, layer, np.int32(part.layer))
        # Or the host would read ahead of what the devices have taken.
        jax.block_until_ready([params[part.path] for part in tensor.parts])
    return nested(params)


def types_as_published(
    published: Published, config: DecoderConfig, abstract_params: PyTree
) -> PyTree:
    """Returns the tree with bfloat16 wherever a model is published in it, in every layer.

    What is only read to be frozen or quantised need not exist in a wider type before.

    Args:
        published: The model.
        config: What it is.
        abstract_params: See `load_params`.
    """
    infos = published.source.infos()
    types: dict[tuple[str, ...], set[str]] = {}
    for tensor in check_weights(published, config):
        for part in tensor.parts:
            types.setdefault(part.path, set()).add(infos[tensor.name].dtype)

    def retyped(path: tuple[Any, ...], leaf: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
        is_narrow = types.get(tuple(entry.key for entry in path)) == {"bfloat16"}
        return leaf.update(dtype=jnp.bfloat16) if is_narrow else leaf

    return jax.tree_util.tree_map_with_path(retyped, abstract_params)


def _spread(array: np.ndarray, dtype: Any, sharding: Sharding) -> jax.Array:
    """Puts each device's part of an array there, cast on the host."""
    return jax.make_array_from_callback(
        array.shape,
        sharding,
        lambda index: np.ascontiguousarray(array[index]).astype(dtype, copy=False),
    )


def _of_one_layer(sharding: Sharding) -> Sharding:
    """How a layer of a stack lies that is itself not split by layers."""
    if not isinstance(sharding, NamedSharding):
        return sharding
    return NamedSharding(sharding.mesh, PartitionSpec(*sharding.spec[1:]))


def _empty(shape: tuple[int, ...], dtype: Any, sharding: Sharding) -> jax.Array:
    return jax.jit(functools.partial(jnp.zeros, shape, dtype), out_shardings=sharding)()


@functools.cache
def _filler(sharding: Sharding) -> Callable[..., jax.Array]:
    def fill(stack: jax.Array, layer: jax.Array, number: jax.Array) -> jax.Array:
        return jax.lax.dynamic_update_index_in_dim(stack, layer, number, 0)

    return jax.jit(fill, donate_argnums=0, out_shardings=sharding)
