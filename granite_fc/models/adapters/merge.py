"""Adapters added to what they stand beside, which makes a model without adapters.

A projection's kernel becomes W + (alpha / rank) A B, computed in float32, of a quantised base with
the values that its codes stand for.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from granite_fc.models.adapters.attach import ADAPTER, projections
from granite_fc.models.adapters.frozen import Storage
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_block

Params = dict[str, Any]


class MergedArray(NamedTuple):
    """A parameter of the merged model, or one layer of it.

    Attributes:
        path: Where among the parameters.
        layer: Which layer of the stack, or None where the parameter is no stack.
        array: Its values.
    """

    path: tuple[str, ...]
    layer: int | None
    array: jax.Array


def merge(config: DecoderConfig, params: Params, dtype: str) -> Params:
    """Returns the parameters of `base_config(config)` that compute what adapters and base do.

    Args:
        config: The decoder, with an adapter.
        params: All of its parameters.
        dtype: The type of the result.
    """
    merged: Params = {}
    layers: list[jax.Array] = []
    for path, layer, array in merged_arrays(config, params, dtype):
        node = merged
        for name in path[:-1]:
            node = node.setdefault(name, {})
        if layer is None:
            node[path[-1]] = array
            continue
        layers.append(array)
        if len(layers) == config.num_layers:
            node[path[-1]] = jnp.stack(layers)
            layers = []
    return merged


def merged_arrays(config: DecoderConfig, params: Params, dtype: str) -> Iterator[MergedArray]:
    """Yields what `merge` returns one after the other, the layers of a stack in order.

    Args:
        config: The decoder, with an adapter.
        params: All of its parameters.
        dtype: The type of the result.
    """
    storages = _storages(config)

    def walk(node: Params, path: tuple[str, ...]) -> Iterator[MergedArray]:
        for name, value in node.items():
            below = (*path, name)
            if name == ADAPTER:
                continue
            if isinstance(value, dict) and below not in storages:
                yield from walk(value, below)
            elif below[0] != "blocks":
                yield MergedArray(below, None, value.astype(dtype))
            else:
                for layer in range(config.num_layers):
                    array = (
                        _merged(storages[below], dtype, value, node.get(ADAPTER), layer)
                        if below in storages
                        else value[layer].astype(dtype)
                    )
                    yield MergedArray(below, layer, array)

    return walk(params, ())


def _storages(config: DecoderConfig) -> dict[tuple[str, ...], Storage]:
    """How each kernel is stored, by its path."""
    return {
        ("blocks", *path, "kernel"): projection.kernel.storage
        for path, projection in projections(abstract_block(config))
    }


@functools.partial(jax.jit, static_argnums=(0, 1))
def _merged(
    storage: Storage, dtype: str, stored: Params, adapter: Params | None, layer: int
) -> jax.Array:
    """The kernel of one layer of the stack."""
    stored, adapter = jax.tree.map(lambda leaf: leaf[layer], (stored, adapter))
    kernel = storage.kernel(stored, jnp.dtype(jnp.float32))
    if adapter is not None:
        product = jnp.tensordot(
            adapter["lora_a"], adapter["lora_b"], axes=1, precision=jax.lax.Precision.HIGHEST
        )
        kernel = kernel + storage.adapter.scale * product
    return kernel.astype(dtype)
