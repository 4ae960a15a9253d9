"""The compiled programs of a run on a mesh: initialisation, training step, evaluation step."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from granite_fc.models.adapters.fingerprint import fingerprint
from granite_fc.models.decoder import (
    abstract_params,
    adapt_params,
    base_config,
    frozen_params,
    init_params,
    logical_axes,
    new_adapters,
)
from granite_fc.sharding.activate import activate
from granite_fc.sharding.compiler_options import compiler_options
from granite_fc.sharding.offload import on_host
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.shardings import batch_sharding, named, partitions_of
from granite_fc.training.decoder_loss import decoder_loss
from granite_fc.training.layout import BASE, Layout
from granite_fc.training.loss import Sums
from granite_fc.training.recipe import Recipe
from granite_fc.training.step import (
    TrainState,
    initial_key,
    make_eval_step,
    make_train_step,
)

PyTree = Any

BATCH_DTYPES = {
    "tokens": jnp.int32,
    "targets": jnp.int32,
    "positions": jnp.int32,
    "segment_ids": jnp.int32,
    "loss_weights": jnp.float32,
    "subtask_ids": jnp.int32,
}


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
            params: Like `abstract_base`. Beside adapters they are taken out of the tree one by one,
                so that a quantised base never lies beside the whole of what it is made of.
        """
        if self.recipe.model.adapter is not None:
            return self._begin_adapters(params)
        added = {name: of for name, of in self.state_shardings.items() if name != "params"}

        def make(params: PyTree) -> TrainState:
            begun = self._begin(params)
            return {name: begun[name] for name in added}

        return jax.jit(make, out_shardings=added)(params) | {"params": params}

    def _begin_adapters(self, base: PyTree) -> TrainState:
        model, key = self.recipe.model, initial_key(self.recipe.seed)
        of_base = {name: self.state_shardings[name] for name in (BASE, "frozen")}
        drawn = {name: of for name, of in self.state_shardings.items() if name not in of_base}

        def draw() -> TrainState:
            begun = self.recipe.begin(new_adapters(model, key), self.transformation)
            return {name: begun[name] for name in drawn}

        with activate(self.mesh, self.rules):
            number = jax.jit(fingerprint, out_shardings=of_base[BASE])(base)
            frozen = frozen_params(model, base, of_base["frozen"])
            state = jax.jit(draw, out_shardings=drawn)()
        return state | {BASE: number, "frozen": frozen}

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
