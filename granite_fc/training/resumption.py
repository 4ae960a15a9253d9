"""What a checkpoint says besides the arrays, and whether a run may go on from it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from granite_fc.errors import ConfigurationError
from granite_fc.models.config import DecoderConfig
from granite_fc.training.run_data import RunData

# How the model is computed, and how it is regularised: what it is stays the same.
_MAY_CHANGE = {
    "compute_dtype",
    "remat_policy",
    "scan_layers",
    "attention",
    "attention_block",
    "loss_chunk",
    "embedding_dropout",
    "attention_dropout",
    "residual_dropout",
    "initializer_range",
}


def describe_run(model: DecoderConfig, data: RunData, step: int) -> dict[str, Any]:
    """Returns the JSON object that a checkpoint keeps beside the arrays.

    Args:
        model: The decoder.
        data: The data.
        step: Steps done.
    """
    return {
        "step": step,
        "batches": data.batches.state(step),
        "subtasks": list(data.subtasks),
        "model": dataclasses.asdict(model),
    }


def verify_run(stored: Mapping[str, Any], model: DecoderConfig, data: RunData) -> None:
    """Checks that a run goes on with its checkpoint's model and data, from the right position.

    Raises:
        ConfigurationError: Names what differs.
    """
    now = json.loads(json.dumps(dataclasses.asdict(model)))
    then = stored["model"]
    differing = [
        name for name in now if name not in _MAY_CHANGE and then.get(name, now[name]) != now[name]
    ]
    if differing:
        raise ConfigurationError(
            ", ".join(f"DecoderConfig.{name}" for name in differing),
            found=", ".join(str(now[name]) for name in differing),
            expected=", ".join(str(then[name]) for name in differing)
            + f" as in the checkpoint at step {stored['step']}",
            remedy="Go back to that, or start another MODEL_DIR.",
        )
    data.batches.verify(stored["batches"])
