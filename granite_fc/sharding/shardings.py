"""Shardings of whole trees: parameters, optimizer state, batches."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from granite_fc.sharding.rules import LogicalAxisRules

PyTree = Any
Axes = tuple[str | None, ...]

BATCH_AXES: Axes = ("activation_batch", "activation_length")


def is_axes(node: Any) -> bool:
    """Whether a node of a tree of logical axes is a leaf: a plain tuple of names and None."""
    return type(node) is tuple and all(name is None or isinstance(name, str) for name in node)


def path_name(path: Sequence[Any]) -> str:
    """Returns a JAX key path as `decoder/mlp/up`."""
    return jax.tree_util.keystr(tuple(path), simple=True, separator="/")


def partitions_of(
    axes: PyTree, shapes: PyTree, mesh_shape: Mapping[str, int], rules: LogicalAxisRules
) -> PyTree:
    """Returns the `PartitionSpec` of every parameter; needs sizes, not devices.

    Args:
        axes: Tree of logical axes, as from `granite_fc.models` `logical_axes`.
        shapes: Tree of the same form whose leaves have a `shape`.
        mesh_shape: Mesh axis to size.
        rules: What the logical axes mean.

    Raises:
        ConfigurationError: An axis has no rule or does not divide; the message names the parameter.
    """
    rules.check()
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf, names: rules.partition(
            names, leaf.shape, mesh_shape, name=path_name(path)
        ),
        shapes,
        axes,
    )


def state_partitions(abstract_state: PyTree, shapes: PyTree, partitions: PyTree) -> PyTree:
    """Returns how optimizer state is split: each leaf like the parameter that it belongs to.

    A leaf belongs to the parameter whose path its own path ends with; moments sit in trees of the
    parameters' form, also where an optimizer masks some of them out. A leaf of the parameter's
    shape is split like it. A leaf that lacks one axis, as a factored second moment does, is split
    like the axes that are left. Everything else (counters, placeholders) is replicated.

    Args:
        abstract_state: `jax.eval_shape(optimizer.init, params)`.
        shapes: The parameters, or anything with their shapes.
        partitions: Their partitions.
    """
    parameters: dict[tuple[Any, ...], tuple[tuple[int, ...], PartitionSpec]] = {}
    jax.tree_util.tree_map_with_path(
        lambda path, leaf, spec: parameters.setdefault(path, (leaf.shape, spec)),
        shapes,
        partitions,
    )

    def partition(path: tuple[Any, ...], leaf: Any) -> PartitionSpec:
        for start in range(len(path)):
            found = parameters.get(path[start:])
            if found is not None:
                return _follow(leaf.shape, *found, last="v_row" in path_name(path[:start]))
        return PartitionSpec()

    return jax.tree_util.tree_map_with_path(partition, abstract_state)


def batch_sharding(mesh: Mesh, rules: LogicalAxisRules, shape: tuple[int, int]) -> NamedSharding:
    """Returns how a batch [rows, positions] is split."""
    return NamedSharding(mesh, rules.partition(BATCH_AXES, shape, mesh.shape, name="batch"))


def named(mesh: Mesh, partitions: PyTree) -> PyTree:
    """Puts a mesh under every partition."""
    return jax.tree.map(lambda spec: NamedSharding(mesh, spec), partitions, is_leaf=_is_partition)


def ways(spec: PartitionSpec, mesh_shape: Mapping[str, int]) -> int:
    """Returns into how many different parts a partition cuts an array."""
    return math.prod(mesh_shape[axis] for axis in mesh_axes(spec))


def mesh_axes(spec: PartitionSpec) -> list[str]:
    """Returns the mesh axes that a partition uses."""
    return [a for entry in spec if entry for a in ((entry,) if isinstance(entry, str) else entry)]


def _is_partition(node: Any) -> bool:
    return isinstance(node, PartitionSpec)


def _follow(
    shape: tuple[int, ...], parameter_shape: tuple[int, ...], spec: PartitionSpec, *, last: bool
) -> PartitionSpec:
    if shape == parameter_shape:
        return spec
    entries = (*spec, *(None,) * (len(parameter_shape) - len(spec)))
    removable = [
        axis
        for axis in range(len(parameter_shape))
        if parameter_shape[:axis] + parameter_shape[axis + 1 :] == shape
    ]
    if not removable or len(parameter_shape) < 2:
        return PartitionSpec()
    # Of two axes of one length either answer is correct; Optax averages rows over the later one and
    # columns over the earlier.
    axis = removable[-1] if last else removable[0]
    return PartitionSpec(*entries[:axis], *entries[axis + 1 :])
