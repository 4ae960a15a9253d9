"""The parameters that a checkpoint is kept for: those of the last step, or their average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from granite_fc.checkpoints.initial import restore_params
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.attach import join
from granite_fc.training.ema import Ema, averaged
from granite_fc.training.freezing import part

Params = dict[str, Any]


def wants_average(about: Mapping[str, Any], overrides: Sequence[tuple[str, str]]) -> bool:
    """Whether what answers is the average of a run's parameters, as gin says it at the moment.

    Args:
        about: The checkpoint's JSON object.
        overrides: (name, value) pairs of the command line; one of `ema.evaluate` counts even where
            the run kept no average.
    """
    has_ema = about.get("ema_decay") is not None or "ema.evaluate" in dict(overrides)
    return has_ema and Ema().evaluate


def check_has_average(directory: Path, about: Mapping[str, Any]) -> None:
    """Checks that a run kept an average of its parameters.

    Args:
        directory: The checkpoint.
        about: Its JSON object.

    Raises:
        ConfigurationError: It did not.
    """
    if about.get("ema_decay") is None:
        raise ConfigurationError(
            "ema.evaluate",
            found=True,
            expected=f"False: {directory} has no average of its parameters",
        )


def finished_params(
    directory: Path, about: Mapping[str, Any], abstract: Params, *, use_ema: bool
) -> Params:
    """Reads what a run has trained, and what it was told to leave.

    Args:
        directory: The checkpoint.
        about: Its JSON object.
        abstract: Tree of `jax.ShapeDtypeStruct` with shardings; with adapters, the adapters'.
        use_ema: Whether the average takes the place of what it is of.

    Raises:
        ConfigurationError: There is no average; or the arrays are others than expected.
    """
    if not use_ema:
        return restore_params(directory, abstract)
    check_has_average(directory, about)
    frozen = about["frozen"]
    trained, held = part(abstract, frozen)
    wide = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, jnp.float32, sharding=leaf.sharding), trained
    )
    params = averaged(trained, restore_params(directory, wide, part="ema"))
    if held:
        _, held = part(restore_params(directory, abstract), frozen)
    return join(params, held)
