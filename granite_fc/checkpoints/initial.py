"""Reads parameters alone from a checkpoint: to start a run, to evaluate, to generate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from granite_fc.checkpoints.checkpoints import DATA, STATE
from granite_fc.checkpoints.hf.json_object import parse_object
from granite_fc.checkpoints.strict import check_same_arrays, stored_arrays
from granite_fc.errors import ConfigurationError

PyTree = Any


def find_checkpoint(path: str | Path, *, key: str = "checkpoint") -> Path:
    """Returns the directory of one checkpoint, `.../<step>`.

    Args:
        path: That directory, or a run's `MODEL_DIR` or its `checkpoints`, which stand for their
            latest step.
        key: What the user calls the path.

    Raises:
        ConfigurationError: There is none.
    """
    path = Path(path).expanduser().absolute()
    if (path / STATE).is_dir():
        return path
    for directory in (path, path / "checkpoints"):
        if steps := _steps_in(directory):
            return directory / str(max(steps))
    raise ConfigurationError(
        key,
        found=str(path),
        expected="a MODEL_DIR, its checkpoints directory or one checkpoint in it",
    )


def steps_saved(model_dir: str | Path) -> list[int]:
    """Returns the steps that a run has checkpoints of, in order."""
    return sorted(_steps_in(Path(model_dir) / "checkpoints"))


def _steps_in(directory: Path) -> list[int]:
    if not directory.is_dir():
        return []
    return [
        int(child.name)
        for child in directory.iterdir()
        if child.name.isdigit() and (child / STATE).is_dir()
    ]


def read_data(path: str | Path) -> dict[str, Any]:
    """Returns the JSON object of a checkpoint; reads no array and touches no device.

    It holds the data's position, the sub-tasks and the model's configuration.

    Args:
        path: See `find_checkpoint`.

    Raises:
        ConfigurationError: There is no checkpoint, or it has no such object.
    """
    # The file that `JsonSave` writes. Orbax's own reader asks for the devices first.
    file = find_checkpoint(path) / DATA / "metadata"
    try:
        return parse_object(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            str(file),
            found="no such file" if isinstance(error, FileNotFoundError) else str(error),
            expected="what a run writes beside its arrays, a JSON object",
            remedy="The checkpoint is damaged: name another step's.",
        ) from error


def restore_params(path: str | Path, abstract_params: PyTree, part: str = "params") -> PyTree:
    """Returns the parameters of a checkpoint, without its optimizer state.

    Args:
        path: See `find_checkpoint`.
        abstract_params: Tree of `jax.ShapeDtypeStruct` with the shardings to restore to, or without
            for the default device.
        part: The part of the saved state to read: "params", or another one alone.

    Raises:
        ConfigurationError: There is no checkpoint; or names every array that is missing, left over
            or of another shape or dtype.
    """
    directory = find_checkpoint(path)
    abstract_params = on_devices(abstract_params)
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as checkpointer:
        stored = stored_arrays(directory / STATE)
        check_same_arrays(stored[part], abstract_params, str(directory))
        target = {part: abstract_params}
        restored = checkpointer.restore(
            directory / STATE,
            args=ocp.args.PyTreeRestore(
                item=target,
                restore_args=ocp.checkpoint_utils.construct_restore_args(target),
                partial_restore=True,
            ),
        )
    return restored[part]


def on_devices(abstract_params: PyTree) -> PyTree:
    """Returns a tree of `jax.ShapeDtypeStruct` where those without a sharding have one device."""
    default = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(
            leaf.shape, leaf.dtype, sharding=getattr(leaf, "sharding", None) or default
        ),
        abstract_params,
    )
