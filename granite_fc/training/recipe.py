"""What the programs of a run, or of its plan, compute: from the arguments of `train`."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any

import gin
import optax

from granite_fc.data import declarations
from granite_fc.models.adapters.attach import split
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import logical_axes
from granite_fc.training.freezing import part
from granite_fc.training.optimizer import Optimizer
from granite_fc.training.optimizers import AdamW
from granite_fc.training.step import TrainState, begin

PyTree = Any


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that decides what the programs compute.

    Attributes:
        model: The decoder.
        optimizer: The optimizer and its schedule.
        train_steps: Steps in all.
        batch_size: Rows of the global batch.
        sequence_length: Positions a row.
        microbatches: Parts of a batch that run one after the other.
        num_subtasks: Sub-tasks.
        seed: Of initialisation and dropout.
        z_loss: Weight of the squared log-partition function.
        clip_norm: Largest global norm of the gradients, or None.
        offload_optimizer: Whether the optimizer's state lies in the hosts' memory between updates.
    """

    model: DecoderConfig
    optimizer: Optimizer
    train_steps: int
    batch_size: int
    sequence_length: int
    microbatches: int
    num_subtasks: int
    seed: int
    z_loss: float
    clip_norm: float | None
    offload_optimizer: bool = False

    @property
    def batch_shape(self) -> tuple[int, int]:
        """Rows and positions of the global batch."""
        return self.batch_size, self.sequence_length

    @functools.cached_property
    def held(self) -> frozenset[str]:
        """Names of the weights that the optimizer is told to leave as they are.

        Raises:
            ConfigurationError: A pattern of `Optimizer.frozen` matches no weight, or all are.
        """
        return self.optimizer.frozen_names(split(logical_axes(self.model))[0])

    @property
    def ema_decay(self) -> float | None:
        """Decay of the average of what is trained; None where none is kept."""
        return None if self.optimizer.ema is None else self.optimizer.ema.decay

    def transformation(self) -> optax.GradientTransformation:
        """Returns the optimizer for what is trained.

        Raises:
            ConfigurationError: A pattern of the optimizer's matches no weight.
        """
        trained, _ = part(split(logical_axes(self.model))[0], self.held)
        return self.optimizer.build(trained, self.train_steps, self.model.num_layers)

    def begin(self, params: PyTree, transformation: optax.GradientTransformation) -> TrainState:
        """Returns the state before the first step.

        Args:
            params: The model's.
            transformation: What `transformation` returned.
        """
        with_ema = self.ema_decay is not None
        return begin(params, transformation, held=self.held, with_ema=with_ema)


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
