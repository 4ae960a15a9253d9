"""How a run's state is split over a mesh."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import PartitionSpec

from granite_fc.models.adapters.attach import split
from granite_fc.models.decoder import abstract_params, count_params, logical_axes
from granite_fc.sharding.model_info import model_info
from granite_fc.sharding.replication import check_replication
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.shardings import partitions_of, state_partitions
from granite_fc.training.freezing import part
from granite_fc.training.recipe import Recipe
from granite_fc.training.step import TrainState, model_params

PyTree = Any

# The part of a state that tells which model its adapters were made for.
BASE = "base"


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
