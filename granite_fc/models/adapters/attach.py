"""From a model of its own to a frozen one with adapters: modules, parameters, and their parts."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from flax import nnx

from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.adapters.frozen import FrozenKernel, Storage
from granite_fc.models.adapters.low_rank import Adapter, draw

Params = dict[str, Any]

# The node of a parameter tree below which an adapter's parameters are.
ADAPTER = "adapter"


def attach(block: nnx.Module, config: AdapterConfig) -> None:
    """Makes every projection of a block read a frozen kernel, and gives its targets an adapter.

    Args:
        block: Whose modules with a `kernel` are changed in place.
        config: What to attach.

    Raises:
        ConfigurationError: A pattern of `config.target` matches none of them.
    """
    found = dict(projections(block))
    targets = config.targets([_name(path) for path in found])
    sites: dict[Any, int] = {}
    for path, projection in found.items():
        shape, axes, inputs = projection.kernel.shape, projection.axes, projection.num_inputs
        # Projections of one array, such as query, key and value, read it through one mask.
        site = sites.setdefault((path[:-1], axes[:inputs]), len(sites))
        projection.kernel = nnx.data(FrozenKernel(shape, Storage(axes, inputs, config)))
        if _name(path) in targets:
            projection.adapter = nnx.data(Adapter(shape, axes, inputs, config, site))


def freeze(block: nnx.Module, config: AdapterConfig, base: Params) -> Params:
    """Returns what is stored of a model's parameters while adapters are trained beside them.

    Args:
        block: One of its blocks, adapters attached; its arrays are not read.
        config: What was attached.
        base: The parameters, `blocks` stacked along a first axis.
    """
    storing = _storing(block, config)
    return jax.tree_util.tree_map_with_path(lambda path, leaf: storing(path)(leaf), base)


def freeze_in_turn(
    block: nnx.Module, config: AdapterConfig, base: Params, shardings: Params
) -> Params:
    """Returns what `freeze` does, for parameters that would not fit beside it.

    Args:
        block: See `freeze`.
        config: Likewise.
        base: The parameters, taken out of the tree one after the other: it is empty in the end.
        shardings: How the result lies, in its form.
    """
    storing = _storing(block, config)

    def moved(base: Params, shardings: Params, above: tuple[Any, ...]) -> Params:
        frozen: Params = {}
        for name in sorted(base):
            path = (*above, jax.tree_util.DictKey(name))
            node = base.pop(name)
            if isinstance(node, dict):
                frozen[name] = moved(node, shardings[name], path)
            else:
                store = jax.jit(storing(path), out_shardings=shardings[name])
                # Or the host would begin the next one beside what this one still takes.
                frozen[name] = jax.block_until_ready(store(node))
        return frozen

    return moved(base, shardings, ())


def _storing(
    block: nnx.Module, config: AdapterConfig
) -> Callable[[Sequence[Any]], Callable[[jax.Array], Any]]:
    """How the parameter at a path of JAX keys is stored."""
    kernels = {
        ("blocks", *path, "kernel"): projection.kernel.storage.store
        for path, projection in projections(block)
    }

    def storing(path: Sequence[Any]) -> Callable[[jax.Array], Any]:
        store = kernels.get(tuple(entry.key for entry in path))
        if store is None:
            return lambda leaf: leaf.astype(config.plain_dtype)
        # Layer by layer: quantising needs several times a kernel's memory.
        return lambda stack: jax.lax.map(store, stack)

    return storing


def draw_adapters(block: nnx.Module, num_layers: int, key: jax.Array) -> Params:
    """Returns new adapters, one a layer of every target.

    Args:
        block: One of the blocks, adapters attached; its arrays are not read.
        num_layers: Number of blocks.
        key: A PRNG key.
    """
    adapters: Params = {}
    for path, projection in projections(block):
        if projection.adapter is None:
            continue
        node = adapters
        for name in path:
            node = node.setdefault(name, {})
        matrices = nnx.to_pure_dict(nnx.state(projection.adapter))
        for matrix, value in matrices.items():
            # By name, so that one adapter begins alike whatever else is a target.
            label = zlib.crc32("/".join((*path, matrix)).encode())
            keys = jax.random.split(jax.random.fold_in(key, label), num_layers)
            matrices[matrix] = jax.vmap(lambda k, m=matrix, v=value: draw(m, v.shape, k))(keys)
        node[ADAPTER] = matrices
    return {"blocks": adapters}


def split(params: Params) -> tuple[Params, Params]:
    """Parts a tree of parameters, or of what stands for them.

    Returns:
        The adapters' part and the frozen one; where there are no adapters, everything and nothing.
    """
    adapters = _adapters(params)
    return (adapters, _without_adapters(params)) if adapters else (params, {})


def join(one: Params, other: Params) -> Params:
    """Returns the tree that `split` parted; holds the same arrays."""
    joined = dict(one)
    for name, node in other.items():
        joined[name] = join(joined[name], node) if name in joined else node
    return joined


def projections(block: nnx.Module) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yields the modules of a block that have a kernel, with their paths in it."""
    for path, module in nnx.iter_modules(block):
        if hasattr(module, "kernel"):
            yield tuple(map(str, path)), module


def _name(path: tuple[str, ...]) -> str:
    return "/".join(("blocks", *path))


def _adapters(params: Params) -> Params:
    found = {
        name: node if name == ADAPTER else _adapters(node)
        for name, node in params.items()
        if isinstance(node, dict)
    }
    return {name: node for name, node in found.items() if node}


def _without_adapters(params: Params) -> Params:
    return {
        name: _without_adapters(node) if isinstance(node, dict) else node
        for name, node in params.items()
        if name != ADAPTER
    }
