"""From the arguments of `train` to what the programs compute: for a run, and for its plan."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import gin

from granite_fc.data import declarations
from granite_fc.models.config import DecoderConfig
from granite_fc.training.optimizers import AdamW, Optimizer
from granite_fc.training.programs import Recipe


def recipe_of(
    *,
    model: DecoderConfig,
    optimizer: Optimizer | None,
    mixture_or_task_name: str,
    train_steps: int,
    batch_size: int,
    sequence_length: int,
    microbatches: int,
    seed: int,
    z_loss: float,
    clip_norm: float | None,
    offload_optimizer: bool,
) -> Recipe:
    """Returns the recipe of a run; reads no cache and touches no device.

    The arguments are those of `granite_fc.training.loop.train`.

    Raises:
        ConfigurationError: There is no such mixture.
    """
    tasks = declarations.mixture_tasks(mixture_or_task_name)
    return Recipe(
        model=model,
        optimizer=optimizer or AdamW(),
        train_steps=train_steps,
        batch_size=batch_size,
        sequence_length=sequence_length,
        microbatches=microbatches,
        num_subtasks=len({declarations.task(name).subtask for name in tasks}),
        seed=seed,
        z_loss=z_loss,
        clip_norm=clip_norm,
        offload_optimizer=offload_optimizer,
    )


def configured_recipe(train: Callable[..., Any]) -> Recipe:
    """Returns the recipe of the run that `train()` would be, as gin binds its arguments.

    Nothing else that is bound is looked at: neither vocabulary nor caches need be there.

    Args:
        train: `granite_fc.training.loop.train`.

    Raises:
        ConfigurationError: There is no such mixture.
    """
    bound = gin.get_bindings(train, resolve_references=False)
    defaults = inspect.signature(train).parameters
    arguments = {
        # Copying a binding is how gin resolves the references in it.
        name: copy.deepcopy(bound[name]) if name in bound else defaults[name].default
        for name in inspect.signature(recipe_of).parameters
    }
    return recipe_of(**arguments)
