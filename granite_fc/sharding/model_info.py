"""`model-info.txt`: every parameter of a run and how it is spread."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import PartitionSpec

from granite_fc.sharding.shardings import Axes, path_name, ways

PyTree = Any


def model_info(
    shapes: PyTree,
    axes: PyTree,
    partitions: PyTree,
    mesh_shape: Mapping[str, int],
    optimizer_state: PyTree,
    optimizer_partitions: PyTree,
    num_params: int,
) -> str:
    """Returns the table and its totals.

    Args:
        shapes: The parameters, or their shapes and dtypes.
        axes: Their logical axes.
        partitions: Their `PartitionSpec`s.
        mesh_shape: Mesh axis to size.
        optimizer_state: The optimizer state, or its shapes and dtypes.
        optimizer_partitions: Its `PartitionSpec`s.
        num_params: Number of parameters, which codes and scales of a quantised base do not tell.
    """
    rows = [("parameter", "shape", "dtype", "logical axes", "partition", "bytes", "bytes/device")]

    def add(path: Any, leaf: Any, names: Axes, spec: PartitionSpec) -> None:
        rows.append(
            (
                path_name(path),
                " x ".join(map(str, leaf.shape)) or "scalar",
                str(leaf.dtype),
                ", ".join(str(name) for name in names),
                _spell(spec),
                f"{_bytes(leaf):,}",
                f"{_bytes(leaf) // ways(spec, mesh_shape):,}",
            )
        )

    jax.tree_util.tree_map_with_path(add, shapes, axes, partitions)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = (5, 6)
    lines = [
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "-" * len(lines[0]))
    devices = math.prod(mesh_shape.values())
    leaves = jax.tree.leaves(shapes)
    lines += [
        "",
        "mesh: "
        + " x ".join(f"{axis} {size}" for axis, size in mesh_shape.items())
        + f" = {devices} device{'s' if devices > 1 else ''}",
        f"parameters: {num_params:,} in {len(leaves)} arrays",
        _total("parameter bytes", shapes, partitions, mesh_shape),
        _total("optimizer bytes", optimizer_state, optimizer_partitions, mesh_shape),
    ]
    return "\n".join(lines) + "\n"


def write_model_info(model_dir: str | Path, text: str) -> Path:
    """Writes `model-info.txt` into `model_dir` and returns its path."""
    path = Path(model_dir) / "model-info.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _total(label: str, tree: PyTree, partitions: PyTree, mesh_shape: Mapping[str, int]) -> str:
    everywhere = sum(map(_bytes, jax.tree.leaves(tree)))
    per_device = jax.tree.map(
        lambda leaf, spec: _bytes(leaf) // ways(spec, mesh_shape), tree, partitions
    )
    one = sum(jax.tree.leaves(per_device))
    return f"{label}: {everywhere:,} in all, {one:,} on each device"


def _bytes(leaf: Any) -> int:
    return math.prod(leaf.shape) * np.dtype(leaf.dtype).itemsize


def _spell(spec: PartitionSpec) -> str:
    if not len(spec):
        return "replicated"
    return ", ".join("-" if e is None else e if isinstance(e, str) else "+".join(e) for e in spec)
