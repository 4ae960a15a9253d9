"""A check that parameters are split: what is whole on many devices wastes the memory of each."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jax.sharding import PartitionSpec

from granite_fc.errors import ConfigurationError
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.shardings import Axes, mesh_axes, path_name

PyTree = Any

# The axis whose devices hold a whole copy each, as its purpose is.
_COPIES = "data"
_OFFENDERS_NAMED = 5
# Bytes that no device misses, however large a share of a very small model they are.
_NEGLIGIBLE = 2**20


@dataclasses.dataclass(frozen=True)
class Replicated:
    """A parameter that some mesh axis does not split.

    Attributes:
        name: Its path.
        num_bytes: Its size.
        over: The mesh axes over which it is whole.
    """

    name: str
    num_bytes: int
    over: tuple[str, ...]


def replicated_beyond_plan(
    shapes: PyTree,
    axes: PyTree,
    partitions: PyTree,
    mesh_shape: Mapping[str, int],
    rules: LogicalAxisRules,
) -> list[Replicated]:
    """Lists the parameters that are whole over an axis that is there to split them, largest first.

    The plan allows two things: every replica along `data` holds everything, and an axis that may
    stay whole (`whole_if_uneven`) and is shorter than the parts that its rules would cut it into,
    such as a single key/value head, leaves their mesh axes unused.

    Args:
        shapes: The parameters, or their shapes and dtypes.
        axes: Their logical axes.
        partitions: Their `PartitionSpec`s.
        mesh_shape: Mesh axis to size.
        rules: What made the partitions.
    """
    splitting = [axis for axis, size in mesh_shape.items() if size > 1 and axis != _COPIES]
    found: list[Replicated] = []

    def look(path: Any, leaf: Any, names: Axes, spec: PartitionSpec) -> None:
        allowed: set[str] = set()
        for name, length in zip(names, leaf.shape, strict=True):
            if name in rules.whole_if_uneven:
                targets = rules.mesh_axes(name)
                if length < math.prod(mesh_shape[axis] for axis in targets):
                    allowed |= targets
        over = tuple(a for a in splitting if a not in mesh_axes(spec) and a not in allowed)
        if over:
            num_bytes = math.prod(leaf.shape) * np.dtype(leaf.dtype).itemsize
            found.append(Replicated(path_name(path), num_bytes, over))

    jax.tree_util.tree_map_with_path(look, shapes, axes, partitions)
    return sorted(found, key=lambda one: -one.num_bytes)


def check_replication(
    shapes: PyTree,
    axes: PyTree,
    partitions: PyTree,
    mesh_shape: Mapping[str, int],
    rules: LogicalAxisRules,
) -> float:
    """Checks that few parameters are whole where they should be split.

    Returns:
        The share of the parameters' bytes that is; see `replicated_beyond_plan` for the arguments.

    Raises:
        ConfigurationError: It is more than `rules.max_replicated` and more than 1 MiB.
    """
    found = replicated_beyond_plan(shapes, axes, partitions, mesh_shape, rules)
    total = sum(
        math.prod(leaf.shape) * np.dtype(leaf.dtype).itemsize for leaf in jax.tree.leaves(shapes)
    )
    whole = sum(one.num_bytes for one in found)
    if whole > max(rules.max_replicated * total, _NEGLIGIBLE):
        named = "; ".join(
            f"{one.name} ({one.num_bytes:,} bytes) over {' and '.join(one.over)}"
            for one in found[:_OFFENDERS_NAMED]
        )
        others = len(found) - _OFFENDERS_NAMED
        raise ConfigurationError(
            "LogicalAxisRules.rules",
            found=f"{whole / total:.1%} of the parameters' bytes whole on every device of a mesh "
            f"axis: {named}{f'; and {others} more' if others > 0 else ''}",
            expected=f"at most {rules.max_replicated:.1%}",
            remedy="Give their axes a mesh axis by LogicalAxisRules.extra_rules, or allow more by "
            "LogicalAxisRules.max_replicated.",
        )
    return whole / total
