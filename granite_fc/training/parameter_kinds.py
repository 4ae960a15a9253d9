"""What a parameter is, told from its logical axes.

Optimizers treat matrices, embeddings and vectors differently.

Shapes cannot tell: a stacked bias [layers, heads, head_dim] has three axes and is no matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import jax
from optax.contrib import MuonDimensionNumbers

from granite_fc.sharding.shardings import Axes, is_axes

Kind = Literal["matrix", "embedding", "vector"]

# Axes that together are one side of a matrix: the query projection maps `embed` to `heads` x
# `head_dim`.
_SIDES = dict.fromkeys(("heads", "kv_heads", "head_dim", "lora_head_dim"), "attention")
_LOOKED_UP = ("vocab", "position")


def is_stacked(axes: Axes) -> bool:
    """Whether the first axis counts layers, so that the array holds one parameter per layer."""
    return bool(axes) and axes[0] == "layers"


def kind(axes: Axes) -> Kind:
    """Returns what a parameter of these axes is.

    A table by vocabulary or position is an `embedding`, what maps one side to another a `matrix`,
    and everything else a `vector`; also the scales of a quantised matrix, one a block.
    """
    if any(str(name).endswith("_blocks") for name in axes):
        return "vector"
    if any(name in axes for name in _LOOKED_UP):
        return "embedding" if len(_sides(axes)) > 1 else "vector"
    return "matrix" if len(_sides(axes)) > 1 else "vector"


def matrix_dimensions(axes: Axes) -> MuonDimensionNumbers:
    """Returns which axes of a matrix are its input and its output.

    The others, layers and unnamed ones, count as a batch of matrices.
    """
    sides = _sides(axes)
    first = sides[0]
    named = [(i, _side(name)) for i, name in enumerate(axes) if name not in (None, "layers")]
    return MuonDimensionNumbers(
        reduction_axis=tuple(i for i, side in named if side == first),
        output_axis=tuple(i for i, side in named if side != first),
    )


def map_axes(function: Callable[[Axes], Any], axes: Any) -> Any:
    """Applies `function` to every leaf of a tree of logical axes."""
    return jax.tree.map(function, axes, is_leaf=is_axes)


def _sides(axes: Axes) -> list[str]:
    return list(dict.fromkeys(_side(name) for name in axes if name not in (None, "layers")))


def _side(name: str | None) -> str:
    return _SIDES.get(str(name), str(name))
