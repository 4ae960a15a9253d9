"""The state that a run begins or goes on with, and what of a state is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np

from granite_fc.checkpoints.beginning import Beginning
from granite_fc.checkpoints.checkpoints import Checkpoints
from granite_fc.errors import ConfigurationError
from granite_fc.training.layout import BASE
from granite_fc.training.programs import Programs
from granite_fc.training.step import TrainState

PyTree = Any


def first_state(
    programs: Programs, saved: Checkpoints, initial: Beginning | None
) -> tuple[TrainState, int]:
    """Restores the latest checkpoint, or else begins with given or drawn parameters.

    A frozen base is in no checkpoint: it is read or drawn again.

    Args:
        programs: What the run computes.
        saved: The run's checkpoints.
        initial: What the run began with; None where its parameters were drawn.

    Returns:
        The state and the steps done.

    Raises:
        ConfigurationError: A checkpoint does not fit; or its adapters are of another base.
    """
    step = saved.latest_step()
    if step is None:
        return _begun(programs, initial), 0
    restored = saved.restore(step, saved_part(programs.abstract_state))
    if programs.recipe.model.adapter is None:
        return restored, step
    begun = _begun(programs, initial)
    check_same_base(restored[BASE], begun[BASE], initial, saved.directory / str(step))
    return restored | {"frozen": begun["frozen"]}, step


def saved_part(state: PyTree) -> PyTree:
    """Returns what a checkpoint keeps of a state: all but a frozen base."""
    return {name: part for name, part in state.items() if name != "frozen"}


def _begun(programs: Programs, initial: Beginning | None) -> TrainState:
    if initial is None:
        return programs.init()
    params = initial.params(programs.recipe.model, programs.abstract_base)
    return programs.init_from_params(params)


def check_same_base(then: Any, now: Any, initial: Beginning | None, checkpoint: Path) -> None:
    """Checks that adapters come back to the model for which they were made.

    Args:
        then: Fingerprint of that model, a uint32 scalar, as the checkpoint has it.
        now: That of the model at hand.
        initial: What that was read from; None where it was drawn.
        checkpoint: The adapters' own checkpoint.

    Raises:
        ConfigurationError: They are two.
    """
    then, now = (int(np.asarray(jax.device_get(number))) for number in (then, now))
    if then != now:
        raise ConfigurationError(
            "INITIAL_CHECKPOINT_PATH",
            found=f"{initial or 'no checkpoint: a model drawn from RANDOM_SEED'}, a model with "
            f"fingerprint {now:08x}",
            expected=f"the model with fingerprint {then:08x}, for which the adapters in "
            f"{checkpoint} were made",
            remedy="Name the checkpoint that the run began with, or start another MODEL_DIR.",
        )
