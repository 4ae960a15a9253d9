"""What a checkpoint says besides the arrays, and whether a run may go on from it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from granite_fc.errors import ConfigurationError
from granite_fc.models.config import DecoderConfig
from granite_fc.training.recipe import Recipe
from granite_fc.training.run_data import RunData
from granite_fc.vocabularies.vocabulary import Vocabulary

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
    "dropout",
    "initializer_range",
}


def describe_run(
    recipe: Recipe, data: RunData, vocabulary: Vocabulary, step: int
) -> dict[str, Any]:
    """Returns the JSON object that a checkpoint keeps beside the arrays.

    Args:
        recipe: What is computed.
        data: The data.
        vocabulary: That of the data.
        step: Steps done.
    """
    return {
        "step": step,
        "batches": data.batches.state(step),
        "subtasks": list(data.subtasks),
        "model": dataclasses.asdict(recipe.model),
        "vocabulary": {"name": vocabulary.name, "digest": vocabulary.digest},
        "frozen": sorted(recipe.held),
        "ema_decay": recipe.ema_decay,
    }


def verify_run(
    stored: Mapping[str, Any], recipe: Recipe, data: RunData, vocabulary: Vocabulary
) -> None:
    """Checks that a run goes on with its checkpoint's model and data, from the right position.

    Raises:
        ConfigurationError: Names what differs.
    """
    check_same_model(stored, recipe.model)
    check_same_vocabulary(stored, vocabulary)
    _check_same_parts(stored, recipe)
    data.batches.verify(stored["batches"])


def check_same_model(stored: Mapping[str, Any], model: DecoderConfig) -> None:
    """Checks that a checkpoint is of a model.

    Args:
        stored: What `describe_run` gave.
        model: The decoder as it is configured.

    Raises:
        ConfigurationError: Names what differs.
    """
    now = lasting_settings(json.loads(json.dumps(dataclasses.asdict(model))))
    then = lasting_settings(stored["model"])
    differing = [name for name in now if then.get(name, now[name]) != now[name]]
    if differing:
        raise ConfigurationError(
            ", ".join(differing),
            found=", ".join(str(now[name]) for name in differing),
            expected=", ".join(str(then[name]) for name in differing)
            + f" as in the checkpoint at step {stored['step']}",
            remedy="Go back to that, or take another MODEL_DIR.",
        )


def lasting_settings(model: Mapping[str, Any]) -> dict[str, object]:
    """Returns the settings that make a model and its adapters what they are, by their gin names.

    Args:
        model: `model` of what `describe_run` gave.
    """
    adapter = model.get("adapter")
    settings = {
        f"DecoderConfig.{name}": value for name, value in model.items() if name not in _MAY_CHANGE
    }
    settings["DecoderConfig.adapter"] = None if adapter is None else "@AdapterConfig()"
    return settings | {
        f"AdapterConfig.{name}": value
        for name, value in (adapter or {}).items()
        if name not in _MAY_CHANGE
    }


def check_same_vocabulary(stored: Mapping[str, Any], vocabulary: Vocabulary) -> None:
    """Checks that a checkpoint's model was trained with a vocabulary.

    Args:
        stored: What `describe_run` gave; one that does not tell the vocabulary passes.
        vocabulary: The one that is to be used.

    Raises:
        ConfigurationError: It was trained with another.
    """
    then = stored.get("vocabulary")
    if then is not None and then["digest"] != vocabulary.digest:
        raise ConfigurationError(
            "VOCABULARY",
            found=f"{vocabulary.name} ({vocabulary.digest[:12]})",
            expected=f"{then['name']} ({then['digest'][:12]}), with which the model was trained",
        )


def _check_same_parts(stored: Mapping[str, Any], recipe: Recipe) -> None:
    """Checks that what is trained and what is averaged are as before, and how it is averaged.

    Moments of weights that were frozen for a while, and an average by two decays, would be neither
    what the one configuration says nor what the other does.
    """
    optimizer = type(recipe.optimizer).__name__.lower()
    for key, then, now in (
        (f"{optimizer}.frozen", stored.get("frozen", []), sorted(recipe.held)),
        ("ema.decay", stored.get("ema_decay"), recipe.ema_decay),
    ):
        if then != now:
            raise ConfigurationError(
                key,
                found=_spelt(now),
                expected=f"{_spelt(then)} as in the checkpoint at step {stored['step']}",
                remedy="Go back to that, or take another MODEL_DIR.",
            )


def _spelt(value: Any) -> str:
    return ", ".join(value) or "nothing" if isinstance(value, list) else str(value)
