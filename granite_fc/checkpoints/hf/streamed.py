"""Writes parameters as a checkpoint while they are being read, one tensor in memory at a time.

A stack of layers may be larger than a machine's memory. Orbax lets a type of leaves write itself:
these leaves are stores of layers, which are filled in the order in which the tensors come.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp
import tensorstore as ts
from orbax.checkpoint import type_handlers

from granite_fc.checkpoints.checkpoints import DATA, STATE
from granite_fc.checkpoints.hf.forms import Shape
from granite_fc.checkpoints.hf.weights import nested

# A chunk is read whole, whatever part of it a device wants.
_CHUNK_BYTES = 64 * 2**20


class Piece(NamedTuple):
    """One layer's array of a stack, or an array that is not stacked.

    Attributes:
        path: Where among the parameters.
        layer: Which layer of the stack, or None.
        array: Of any float type.
    """

    path: tuple[str, ...]
    layer: int | None
    array: np.ndarray


@dataclasses.dataclass(frozen=True)
class _Leaf:
    """What stands in the tree for an array that is not there."""

    path: tuple[str, ...]
    shape: Shape
    dtype: np.dtype
    is_stacked: bool


def write_checkpoint(
    directory: Path,
    shapes: Mapping[tuple[str, ...], Shape],
    stacked: Callable[[tuple[str, ...]], bool],
    dtype: np.dtype,
    pieces: Iterable[Piece],
    data: Mapping[str, Any],
) -> None:
    """Writes a checkpoint with parameters and nothing else, as `restore_params` reads it.

    Args:
        directory: `.../checkpoints/<step>`, which is not there yet.
        shapes: The parameters' shapes by path, stacks whole.
        stacked: Whether the parameter at a path is a stack of layers.
        dtype: The type to store.
        pieces: All of the parameters.
        data: JSON values, for `read_data`.
    """
    tree = nested(
        {path: _Leaf(path, shape, dtype, stacked(path)) for path, shape in shapes.items()}
    )
    registry = type_handlers.create_type_handler_registry(
        (_Leaf, _Streamed(pieces)),
        # Not used; without it Orbax warns.
        (jax.Array, type_handlers.ArrayHandler()),
    )
    handler = ocp.PyTreeCheckpointHandler(type_handler_registry=registry)
    with ocp.Checkpointer(handler) as checkpointer:
        checkpointer.save(directory / STATE, args=ocp.args.PyTreeSave({"params": tree}))
    (directory / DATA).mkdir()
    (directory / DATA / "metadata").write_text(json.dumps(data), encoding="utf-8")


class _Streamed(type_handlers.TypeHandler):
    """Writes leaves from pieces that come in any order."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._pieces = pieces

    def typestr(self) -> str:
        """What is written is what arrays are written as."""
        return "np.ndarray"

    async def serialize(
        self,
        values: Sequence[_Leaf],
        infos: Sequence[type_handlers.ParamInfo],
        args: Sequence[type_handlers.SaveArgs] | None = None,
    ) -> Sequence[Any]:
        """Fills all leaves at once."""
        stores: dict[tuple[str, ...], tuple[ts.TensorStore, _Leaf]] = {}
        for leaf, info in zip(values, infos, strict=True):
            await info.await_path_creation()
            chunk = (1, *leaf.shape[1:]) if leaf.is_stacked else leaf.shape
            spec = type_handlers.get_json_tspec_write(
                info,
                use_ocdbt=True,
                global_shape=leaf.shape,
                local_shape=chunk,
                dtype=leaf.dtype,
                process_index=0,
                arg=type_handlers.SaveArgs(chunk_byte_size=_CHUNK_BYTES),
            )
            store = await ts.open(ts.Spec(spec), create=True, open=True, context=info.ts_context)
            stores[leaf.path] = store, leaf
        for piece in self._pieces:
            store, leaf = stores[piece.path]
            target = store if piece.layer is None else store[piece.layer]
            await target.write(piece.array.astype(leaf.dtype, copy=False))
        return []

    async def metadata(self, infos: Sequence[Any]) -> Sequence[Any]:
        """Never asked: what is written is read as arrays."""
        raise NotImplementedError

    async def deserialize(self, infos: Sequence[Any], args: Sequence[Any] | None = None) -> Any:
        """Never asked: what is written is read as arrays."""
        raise NotImplementedError
