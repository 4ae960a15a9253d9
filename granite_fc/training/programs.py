"""The compiled programs of a run on a mesh: initialisation, training step, evaluation step."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from granite_fc.models.adapters.attach import split
from granite_fc.models.adapters.fingerprint import fingerprint
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import (
    abstract_params,
    adapt_params,
    base_config,
    count_params,
    init_params,
    logical_axes,
)
from granite_fc.sharding.activate import activate
from granite_fc.sharding.compiler_options import compiler_options
from granite_fc.sharding.model_info import model_info
from granite_fc.sharding.offload import on_host
from granite_fc.sharding.replication import check_replication
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.shardings import batch_sharding, named, partitions_of, state_partitions
from granite_fc.training.decoder_loss import decoder_loss
from granite_fc.training.freezing import part
from granite_fc.training.loss import Sums
from granite_fc.training.optimizers import Optimizer
from granite_fc.training.step import (
    TrainState,
    begin,
    initial_key,
    make_eval_step,
    make_train_step,
    model_params,
)

PyTree = Any

# The part of a state that tells which model its adapters were made for.
BASE = "base"

BATCH_DTYPES = {
    "tokens": jnp.int32,
    "targets": jnp.int32,
    "positions": jnp.int32,
    "segment_ids": jnp.int32,
    "loss_weights": jnp.float32,
    "subtask_ids": jnp.int32,
}


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


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a run's state is split over a mesh of given sizes; needs no device.

    Attributes:
        state: Tree of `jax.ShapeDtypeStruct`.
        axes: The logical axes of all the model's parameters.
        partitions: Tree of `PartitionSpec`, of the form of `state`.
        mesh_shape: Mesh axis to size.
        num_params: Number of parameters.
    """

    state: TrainState
    axes: PyTree
    partitions: PyTree
    mesh_shape: Mapping[str, int]
    num_params: int

    @staticmethod
    def of(
        recipe: Recipe,
        transformation: optax.GradientTransformation,
        mesh_shape: Mapping[str, int],
        rules: LogicalAxisRules,
    ) -> Layout:
        """Lays a run out.

        Raises:
            ConfigurationError: An axis does not divide, or too much is whole on every device; the
                message names the parameters.
        """
        params = abstract_params(recipe.model)
        axes = logical_axes(recipe.model)
        state = jax.eval_shape(lambda params: recipe.begin(params, transformation), params)
        of_all = partitions_of(axes, params, mesh_shape, rules)
        check_replication(params, axes, of_all, mesh_shape, rules)
        partitions, frozen = split(of_all)
        specs = {
            "step": PartitionSpec(),
            "params": partitions,
            "opt_state": state_partitions(state["opt_state"], state["params"], partitions),
        }
        if "ema" in state:
            specs["ema"], _ = part(partitions, recipe.held)
        if frozen:
            state |= {BASE: jax.ShapeDtypeStruct((), jnp.uint32)}
            specs |= {"frozen": frozen, BASE: PartitionSpec()}
        return Layout(state, axes, specs, dict(mesh_shape), count_params(recipe.model))

    @property
    def params(self) -> PyTree:
        """All the model's parameters, as `jax.ShapeDtypeStruct`."""
        return model_params(self.state)

    def info(self) -> str:
        """Returns the text of `model-info.txt`; an average counts as the optimizer's."""
        kept, kept_partitions = (
            {name: tree[name] for name in ("opt_state", "ema") if name in tree}
            for tree in (self.state, self.partitions)
        )
        return model_info(
            self.params,
            self.axes,
            model_params(self.partitions),
            self.mesh_shape,
            kept,
            kept_partitions,
            self.num_params,
        )


class Programs:
    """Compiles a recipe for a mesh.

    Args:
        recipe: What to compute.
        mesh: The devices; those of a topology without hardware will do for `lower_train_step`.
        rules: What logical axes mean on it.

    Attributes:
        layout: How the state is split.
        state_shardings: Tree of `NamedSharding` of the state's form; that of the optimizer in the
            hosts' memory where the recipe says so.
        abstract_state: The state's shapes with these shardings.
        abstract_base: Likewise the parameters that a run begins with: those of the model without
            adapters.
        batch_sharding: How a batch [rows, positions] is split.

    Raises:
        ConfigurationError: As `Layout.of`; or the devices cannot use their host's memory.
    """

    def __init__(self, recipe: Recipe, mesh: Mesh, rules: LogicalAxisRules) -> None:
        self.recipe = recipe
        self.mesh = mesh
        self.rules = rules
        self.transformation = transformation = recipe.transformation()
        self.layout = Layout.of(recipe, transformation, mesh.shape, rules)
        self.state_shardings = named(mesh, self.layout.partitions)
        self._update_shardings = None
        if recipe.offload_optimizer:
            self._update_shardings = self.state_shardings["opt_state"]
            self.state_shardings |= {
                "opt_state": on_host(
                    self.layout.state["opt_state"], self._update_shardings, key="OFFLOAD_OPTIMIZER"
                )
            }
        self.abstract_state = _laid_out(self.layout.state, self.state_shardings)
        base = base_config(recipe.model)
        shapes = abstract_params(base)
        partitions = partitions_of(logical_axes(base), shapes, mesh.shape, rules)
        self.abstract_base = _laid_out(shapes, named(mesh, partitions))
        self.batch_sharding = batch_sharding(mesh, rules, recipe.batch_shape)
        self._loss = decoder_loss(recipe.model)

    def init(self) -> TrainState:
        """Draws the initial state where it is to live: no host ever holds all of it."""
        base, seed = base_config(self.recipe.model), self.recipe.seed
        with activate(self.mesh, self.rules):
            return jax.jit(
                lambda: self._begin(init_params(base, initial_key(seed))),
                out_shardings=self.state_shardings,
            )()

    def init_from_params(self, params: PyTree) -> TrainState:
        """Returns the state before the first step of a run that begins with these parameters.

        Args:
            params: Like `abstract_base`.
        """
        if self.recipe.model.adapter is not None:
            with activate(self.mesh, self.rules):
                return jax.jit(self._begin, out_shardings=self.state_shardings)(params)
        added = {name: of for name, of in self.state_shardings.items() if name != "params"}

        def make(params: PyTree) -> TrainState:
            begun = self._begin(params)
            return {name: begun[name] for name in added}

        return jax.jit(make, out_shardings=added)(params) | {"params": params}

    def _begin(self, base: PyTree) -> TrainState:
        model = self.recipe.model
        if model.adapter is None:
            return self.recipe.begin(base, self.transformation)
        params = adapt_params(model, base, initial_key(self.recipe.seed))
        return self.recipe.begin(params, self.transformation) | {BASE: fingerprint(base)}

    def lower_train_step(self) -> jax.stages.Lowered:
        """Traces the training step, which takes and donates the state, and the batch."""
        recipe = self.recipe
        schedule = recipe.optimizer.schedule()
        step = make_train_step(
            loss_function=self._loss,
            transformation=self.transformation,
            learning_rate=lambda number: schedule.rate(number, recipe.train_steps),
            num_subtasks=recipe.num_subtasks,
            seed=recipe.seed,
            microbatches=recipe.microbatches,
            z_loss=recipe.z_loss,
            clip_norm=recipe.clip_norm,
            held=recipe.held,
            ema_decay=recipe.ema_decay,
            param_shardings=self.state_shardings["params"],
            update_shardings=self._update_shardings,
        )
        everywhere = NamedSharding(self.mesh, PartitionSpec())
        with activate(self.mesh, self.rules):
            return jax.jit(
                step, out_shardings=(self.state_shardings, everywhere), donate_argnums=0
            ).lower(self.abstract_state, self.abstract_batch())

    def compile_train_step(self) -> tuple[Any, float]:
        """Returns the compiled step and the seconds that tracing and compiling took."""
        begun = time.perf_counter()
        options = compiler_options(self.mesh.devices.flat[0])
        return self.lower_train_step().compile(options), time.perf_counter() - begun

    def eval_step(self) -> Callable[[PyTree, Any], Sums]:
        """Returns the evaluation step, compiled when it is first called."""
        everywhere = NamedSharding(self.mesh, PartitionSpec())
        step = jax.jit(
            make_eval_step(loss_function=self._loss, num_subtasks=self.recipe.num_subtasks),
            out_shardings=everywhere,
        )

        def call(params: PyTree, batch: Any) -> Sums:
            with activate(self.mesh, self.rules):
                return step(params, batch)

        return call

    def abstract_batch(self) -> dict[str, jax.ShapeDtypeStruct]:
        """Returns the shapes of a batch with its sharding."""
        return {
            name: jax.ShapeDtypeStruct(self.recipe.batch_shape, dtype, sharding=self.batch_sharding)
            for name, dtype in BATCH_DTYPES.items()
        }


def _laid_out(shapes: PyTree, shardings: PyTree) -> PyTree:
    return jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
        shapes,
        shardings,
    )
