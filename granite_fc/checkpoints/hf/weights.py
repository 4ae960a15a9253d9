"""A family's weights: which array of ours is which tensor of Hugging Face's.

Each family has one table of rows (`gpt_bigcode`, `llama`), which serves import and export.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from granite_fc.checkpoints.hf.forms import Form, Shape
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params, base_config

LAYER = "{layer}"


class Row(NamedTuple):
    """One array of a family's table.

    Attributes:
        ours: Its path among our parameters, `blocks/...` where there is one a layer.
        theirs: The tensor's name, with `{layer}` where there is one a layer. Rows of one name share
            a tensor, and are its parts in the order in which the table has them.
        form: How it is stored.
    """

    ours: str
    theirs: str
    form: Form


class Part(NamedTuple):
    """One layer's array, and what of a tensor it is.

    Attributes:
        path: Where among our parameters.
        layer: Which layer of the stack; None for what is not stacked.
        shape: The array's, without a stack's first axis.
        name: The tensor.
        begin: The first of the tensor's rows that are its own.
        their_shape: The shape of that part of the tensor.
        form: How it is stored there.
    """

    path: tuple[str, ...]
    layer: int | None
    shape: Shape
    name: str
    begin: int
    their_shape: Shape
    form: Form

    def view(self, tensor: np.ndarray) -> np.ndarray:
        """Returns the array as it lies in the whole tensor, without rows of padding."""
        theirs = tensor[self.begin : self.begin + self.their_shape[0]]
        return self.form.view(theirs, self.shape)

    def padded(self, tensor: np.ndarray) -> np.ndarray:
        """Returns the array, with zeros in rows of padding."""
        view = self.view(tensor)
        missing = self.shape[0] - view.shape[0]
        return np.pad(view, [(0, missing), (0, 0)]) if missing else view


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor of a published model, and what of ours it holds.

    Attributes:
        name: Its name.
        shape: Its shape.
        parts: Our arrays, in the order of its rows.
    """

    name: str
    shape: Shape
    parts: tuple[Part, ...]


def tensors_of(table: Sequence[Row], config: DecoderConfig) -> list[Tensor]:
    """Returns the tensors that a model of these sizes is published as, layer after layer.

    Args:
        table: The family's.
        config: The model; rows that it has no array for are left out.
    """
    shapes = shapes_of(config)
    rows = [row for row in table if tuple(row.ours.split("/")) in shapes]
    missing = shapes.keys() - {tuple(row.ours.split("/")) for row in rows}
    assert not missing, f"the family has no place for {missing}"
    stacked = [row for row in rows if LAYER in row.theirs]
    before, after = rows[: rows.index(stacked[0])], rows[rows.index(stacked[-1]) + 1 :]
    assert len(before) + len(stacked) + len(after) == len(rows)
    found = list(_joined(before, None, shapes, config))
    for layer in range(config.num_layers):
        found += _joined(stacked, layer, shapes, config)
    return [*found, *_joined(after, None, shapes, config)]


def shapes_of(config: DecoderConfig) -> dict[tuple[str, ...], Shape]:
    """Returns the shapes of our parameters by path, stacks whole; adapters are not counted."""
    return {
        path: tuple(leaf.shape)
        for path, leaf in paths_of(abstract_params(base_config(config))).items()
    }


def paths_of(tree: Any) -> dict[tuple[str, ...], Any]:
    """Returns the leaves of nested dictionaries by path."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {tuple(entry.key for entry in path): leaf for path, leaf in leaves}


def nested(flat: dict[tuple[str, ...], Any]) -> dict[str, Any]:
    """Returns parameters by path as nested dictionaries."""
    tree: dict[str, Any] = {}
    for (*parents, name), value in flat.items():
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = value
    return tree


def _joined(
    rows: Sequence[Row],
    layer: int | None,
    shapes: dict[tuple[str, ...], Shape],
    config: DecoderConfig,
) -> Iterator[Tensor]:
    for theirs in dict.fromkeys(row.theirs for row in rows):
        name = theirs if layer is None else theirs.format(layer=layer)
        parts: list[Part] = []
        begin = 0
        for row in rows:
            if row.theirs != theirs:
                continue
            path = tuple(row.ours.split("/"))
            shape = shapes[path] if layer is None else shapes[path][1:]
            their_shape = row.form.their_shape(shape, config.vocab_size)
            parts.append(Part(path, layer, shape, name, begin, their_shape, row.form))
            begin += their_shape[0]
        yield Tensor(name, (begin, *parts[0].their_shape[1:]), tuple(parts))
