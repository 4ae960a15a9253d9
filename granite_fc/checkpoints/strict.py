"""Refuses a checkpoint that is not exactly what is expected, by the names of the arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath

from granite_fc.checkpoints.hf.named import summary
from granite_fc.errors import ConfigurationError

PyTree = Any


def stored_arrays(directory: Path) -> PyTree:
    """Returns the tree of a saved item, with a `shape` and a `dtype` at each leaf; reads no array.

    Args:
        directory: The item's own, `.../<step>/state`.
    """
    # Asked of the handler: a checkpointer would warn of metadata that only whole steps have.
    return ocp.PyTreeCheckpointHandler().metadata(epath.Path(directory)).tree


def check_same_arrays(stored: PyTree, expected: PyTree, checkpoint: str) -> None:
    """Compares two trees of arrays, or of what has a `shape` and a `dtype`.

    Args:
        stored: What the checkpoint holds; containers may have become dicts.
        expected: What the model and the optimizer need.
        checkpoint: Its name for the message.

    Raises:
        ConfigurationError: Names every array that is missing, left over, or of another shape or
            dtype.
    """
    there, wanted = _by_name(stored), _by_name(expected)
    problems = dict.fromkeys(wanted.keys() - there.keys(), "is missing")
    problems |= dict.fromkeys(there.keys() - wanted.keys(), "is left over")
    for name in wanted.keys() & there.keys():
        a, b = _describe(there[name]), _describe(wanted[name])
        if a != b:
            problems[name] = f"is {a}, not {b}"
    if problems:
        raise ConfigurationError(
            checkpoint,
            found=summary(problems),
            expected="the arrays of the configured model and optimizer",
            remedy="Restore it with the configuration that it was trained with.",
        )


def _by_name(tree: PyTree) -> dict[str, Any]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {"/".join(_key(entry) for entry in path): leaf for path, leaf in leaves}


def _key(entry: Any) -> str:
    for attribute in ("key", "name", "idx"):
        if hasattr(entry, attribute):
            return str(getattr(entry, attribute))
    return str(entry)


def _describe(leaf: Any) -> str:
    return f"{np.dtype(leaf.dtype).name} {list(leaf.shape)}"
