"""`model-info.txt`: every parameter of a run and how it is spread."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import PartitionSpec

from granite_fc.sharding.shardings import path_name, ways

PyTree = Any


def model_info(
    shapes: PyTree,
    axes: PyTree,
    partitions: PyTree,
    mesh_shape: Mapping[str, int],
    optimizer_state: PyTree,
    optimizer_partitions: PyTree,
) -> str:
    """Returns the table and its totals.

    Args:
        shapes: The parameters, or their shapes and dtypes.
        axes: Their logical axes.
        partitions: Their `PartitionSpec`s.
        mesh_shape: Mesh axis to size.
        optimizer_state: The optimizer state, or its shapes and dtypes.
        optimizer_partitions: Its `PartitionSpec`s.
    """
    leaves, treedef = jax.tree_util.tree_flatten_with_path(shapes)
    rows = [("parameter", "shape", "dtype", "logical axes", "partition", "bytes", "bytes/device")]
    for (path, leaf), names, spec in zip(
        leaves, treedef.flatten_up_to(axes), treedef.flatten_up_to(partitions), strict=True
    ):
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
    count = sum(math.prod(leaf.shape) for _, leaf in leaves)
    lines += [
        "",
        "mesh: " + " x ".join(f"{axis} {size}" for axis, size in mesh_shape.items())
        + f" = {devices} device{'s' if devices > 1 else ''}",
        f"parameters: {count:,} in {len(leaves)} arrays",
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
    leaves, treedef = jax.tree_util.tree_flatten(tree)
    specs = treedef.flatten_up_to(partitions)
    everywhere = sum(map(_bytes, leaves))
    one = sum(
        _bytes(leaf) // ways(spec, mesh_shape) for leaf, spec in zip(leaves, specs, strict=True)
    )
    return f"{label}: {everywhere:,} in all, {one:,} on each device"


def _bytes(leaf: Any) -> int:
    return math.prod(leaf.shape) * np.dtype(leaf.dtype).itemsize


def _spell(spec: PartitionSpec) -> str:
    if not len(spec):
        return "replicated"
    return ", ".join("-" if e is None else e if isinstance(e, str) else "+".join(e) for e in spec)
