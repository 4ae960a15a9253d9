"""Memory and time of a layout from shapes alone: rough, in milliseconds, to choose what to compile.

What is counted is what the training step is made of: parameters and optimizer state as they are
split (exact), gradients, what the backward pass keeps of each layer, one layer's working set and
the loss. Time is the longer of matrix products and the gathering of parameters, with what tensor,
sequence and data parallelism wait for added.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from granite_fc.models.adapters.attach import split
from granite_fc.models.config import DecoderConfig
from granite_fc.models.head import num_loss_chunks
from granite_fc.planning.candidates import Candidate
from granite_fc.planning.collectives import Collective
from granite_fc.planning.device_groups import DeviceGroups
from granite_fc.planning.step_time import KERNEL_EFFICIENCY
from granite_fc.planning.wires import Wires
from granite_fc.sharding.mesh import AXES, MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.shardings import partitions_of, state_partitions, ways
from granite_fc.sharding.topology import Topology
from granite_fc.training.freezing import part
from granite_fc.training.layout import Layout
from granite_fc.training.mfu import ModelFlops
from granite_fc.training.programs import BATCH_DTYPES
from granite_fc.training.recipe import Recipe

# The share of the peak that the compiler's own estimates come to on products as large as a layer's.
MATRIX_EFFICIENCY = 0.7
# Activations travel and are kept in bfloat16 where that is computed in.
_GRADIENT_BYTES = 4


@dataclasses.dataclass(frozen=True)
class Estimate:
    """One layout.

    Attributes:
        peak_bytes: Memory of one chip at the peak.
        step_seconds: Time of a step.
    """

    peak_bytes: float
    step_seconds: float


class Estimator:
    """Estimates layouts of one run on one topology.

    Args:
        recipe: What is computed.
        rules: What logical axes mean.
        topology: The chips.
        devices: Of the topology.
    """

    def __init__(
        self,
        recipe: Recipe,
        rules: LogicalAxisRules,
        topology: Topology,
        devices: Sequence[Any],
    ) -> None:
        self._recipe = recipe
        self._rules = rules
        self._topology = topology
        self._devices = list(devices)
        whole = MeshConfig(1, 1, 1, 1).sizes()
        self._layout = Layout.of(recipe, recipe.transformation(), whole, rules)
        self._flops = ModelFlops.of(recipe.model, recipe.held)
        self._state = functools.cache(self._state_of)
        self._bandwidth = functools.cache(self._bandwidth_of)
        self._wires = functools.cache(self._wires_of)

    def __call__(self, candidate: Candidate) -> Estimate:
        """Estimates a layout.

        Raises:
            ConfigurationError: A parameter does not divide over the mesh.
        """
        return Estimate(self.peak_bytes(candidate), self.step_seconds(candidate))

    def peak_bytes(self, candidate: Candidate) -> float:
        """Returns the memory of one chip at the peak; needs no devices."""
        model, mesh = self._recipe.model, candidate.mesh
        state = self._state(mesh)
        rows = self._rows(candidate)
        tokens = rows * self._recipe.sequence_length / mesh.sequence
        width = jnp.dtype(model.compute_dtype).itemsize
        batch = sum(jnp.dtype(dtype).itemsize for dtype in BATCH_DTYPES.values())
        kept = model.num_layers * tokens * kept_per_token(model, candidate)
        layer = tokens * _layer_per_token(model, mesh.tensor)
        weights = _layer_weights(model) / mesh.tensor * width
        # One layer's parameters are gathered while another's are in use, and gradients of one are
        # whole before they are scattered.
        gathered = 3 * weights if mesh.fsdp * mesh.sequence > 1 else weights
        gradients = state.trained_elements * _GRADIENT_BYTES
        if candidate.microbatches > 1:
            gradients *= 2
        return (
            state.num_bytes
            + batch * tokens * candidate.microbatches
            + gradients
            + kept
            + max(layer + gathered, self._loss_bytes(candidate, rows))
        )

    def _loss_bytes(self, candidate: Candidate, rows: float) -> float:
        model, tensor = self._recipe.model, candidate.mesh.tensor
        width = jnp.dtype(model.compute_dtype).itemsize
        length = self._recipe.sequence_length / candidate.mesh.sequence
        chunks = num_loss_chunks(model, max(round(rows), 1), round(length))
        logits = rows * length / chunks * model.padded_vocab_size / tensor
        table = model.padded_vocab_size * model.d_model / tensor
        hidden = rows * length * model.d_model
        return logits * (4 + width) + table * (width + 4) + 2 * hidden * width

    def step_seconds(self, candidate: Candidate) -> float:
        """Returns the time of a step."""
        model, mesh, recipe = self._recipe.model, candidate.mesh, self._recipe
        chip = self._topology.chip
        positions = recipe.batch_size * recipe.sequence_length
        flops = self._flops
        share = 1.0 / self._topology.num_devices
        again = recomputed(model, candidate.remat_policy)
        products = flops.per_token * positions * share * (1 + again.products / 3)
        pairs = positions * (recipe.sequence_length + 1) / 2
        attention = flops.per_attended * pairs * share * (7 / 6 + again.attention / 3)
        # The chip that has the last positions of a row attends to most.
        attention *= 2 - 1 / mesh.sequence
        compute = products / (chip.peak_flops * MATRIX_EFFICIENCY)
        compute += attention / (chip.peak_flops * KERNEL_EFFICIENCY)
        width = jnp.dtype(model.compute_dtype).itemsize
        weights = model.num_layers * _layer_weights(model) * width / mesh.tensor
        steps = candidate.microbatches
        over = mesh.fsdp * mesh.sequence
        # Forwards, backwards, and gradients scattered.
        gathering = 3 * steps * weights * (over - 1) / over / self._bandwidth(mesh, "fsdp")
        tokens = steps * self._rows(candidate) * recipe.sequence_length / mesh.sequence
        passes = 2 + again.products
        # Around attention and around the MLP, a gather and a scatter of the residual stream.
        moved = 4 * passes * model.num_layers * tokens * model.d_model * width
        waiting = moved * (mesh.tensor - 1) / mesh.tensor / self._bandwidth(mesh, "tensor")
        heads = max(model.num_kv_heads / mesh.tensor, 1)
        keys = 2 * passes * model.num_layers * tokens * heads * model.head_dim * width
        waiting += keys * (mesh.sequence - 1) / self._bandwidth(mesh, "sequence")
        replicas = mesh.data
        gradients = 2 * self._state(mesh).trained_elements * width * (replicas - 1) / replicas
        waiting += gradients * steps / self._bandwidth(mesh, "data")
        return max(compute, gathering) + waiting

    def _rows(self, candidate: Candidate) -> float:
        mesh = candidate.mesh
        return self._recipe.batch_size / (mesh.data * mesh.fsdp * candidate.microbatches)

    def _state_of(self, mesh: MeshConfig) -> _State:
        state, sizes = self._layout.state, mesh.sizes()
        partitions, frozen = split(
            partitions_of(self._layout.axes, self._layout.params, sizes, self._rules)
        )
        pairs = _pairs(state["params"], partitions)
        trained, trained_partitions = (
            part(tree, self._recipe.held)[0] for tree in (state["params"], partitions)
        )
        frozen_pairs = _pairs(state.get("frozen", ()), frozen or ())
        averages = _pairs(state["ema"], trained_partitions) if "ema" in state else []
        optimizer = state_partitions(state["opt_state"], state["params"], partitions)
        moments = _pairs(state["opt_state"], optimizer)
        if self._recipe.offload_optimizer:
            # What the update has of them on the chip takes the place of activations.
            moments = []
        everything = [*pairs, *frozen_pairs, *averages, *moments]
        return _State(
            num_bytes=sum(
                leaf.size * jax.dtypes.itemsize_bits(leaf.dtype) / 8 / ways(spec, sizes)
                for leaf, spec in everything
            ),
            trained_elements=sum(
                leaf.size / ways(spec, sizes) for leaf, spec in _pairs(trained, trained_partitions)
            ),
        )

    def _bandwidth_of(self, mesh: MeshConfig, axis: str) -> float:
        """Returns the bytes a second that a chip receives along an axis; fsdp with sequence."""
        sizes = mesh.sizes()
        joined = [axis] if axis != "fsdp" else ["fsdp", "sequence"]
        numbers = np.arange(self._topology.num_devices).reshape(list(sizes.values()))
        inside = [AXES.index(name) for name in joined]
        outside = [place for place in range(len(AXES)) if place not in inside]
        size = math.prod(sizes[name] for name in joined)
        groups = numbers.transpose(outside + inside).reshape(-1, size)
        between = axis == "data" and self._topology.num_slices > 1
        example = Collective("", "all-gather", axis, DeviceGroups(groups), 0, False, between)
        return self._wires(mesh).bandwidth(example)

    def _wires_of(self, mesh: MeshConfig) -> Wires:
        grid = make_mesh(mesh, self._devices).devices
        return Wires.of(self._topology, list(grid.flat))


@dataclasses.dataclass(frozen=True)
class _State:
    num_bytes: float
    trained_elements: float


def _pairs(tree: Any, partitions: Any) -> list[tuple[Any, PartitionSpec]]:
    leaves = jax.tree.leaves(tree)
    return list(zip(leaves, jax.tree.leaves(partitions), strict=True))


@dataclasses.dataclass(frozen=True)
class Recomputed:
    """What a policy computes again, as a share of a forward pass.

    Attributes:
        products: Matrix products with parameters.
        attention: Attention's products.
    """

    products: float
    attention: float


def recomputed(model: DecoderConfig, policy: str) -> Recomputed:
    """Returns what the backward pass computes again under a remat policy.

    The MLP's second product is never computed again: nothing backwards needs its result.
    """
    heads = (model.num_heads + 2 * model.num_kv_heads) * model.head_dim * model.d_model
    second = model.d_ff * model.d_model
    weights = _layer_weights(model)
    again = (weights - second) / weights
    match policy:
        case "none" | "projections":
            return Recomputed(0.0, 0.0)
        case "attention":
            return Recomputed(again - heads / weights, 0.0)
        case "attention_output":
            return Recomputed(again, 0.0)
    return Recomputed(again, 1.0)


def kept_per_token(model: DecoderConfig, candidate: Candidate) -> float:
    """Returns the bytes that one layer's forward pass keeps of a position on one chip."""
    width = jnp.dtype(model.compute_dtype).itemsize
    tensor = candidate.mesh.tensor
    stream = model.d_model / tensor
    query = model.num_heads * model.head_dim / tensor
    key_value = 2 * max(model.num_kv_heads / tensor, 1) * model.head_dim
    inner = (2 if model.gated_mlp else 1) * model.d_ff / tensor
    # Attention's result comes with one float32 for each head.
    result = query * width + 4 * model.num_heads / tensor
    match candidate.remat_policy:
        case "attention_output":
            return stream * width + result
        case "attention":
            return (stream + query + key_value) * width + result
        case "projections":
            return (2 * stream + query + key_value + inner) * width + result
        case "none":
            activated = model.d_ff / tensor * (3 if model.gated_mlp else 2)
            return (4 * stream + 2 * query + key_value + inner + activated) * width + result
    return stream * width


def _layer_per_token(model: DecoderConfig, tensor: int) -> float:
    """Returns the bytes of a position that are alive while one layer runs backwards."""
    width = jnp.dtype(model.compute_dtype).itemsize
    inner = (4 if model.gated_mlp else 3) * model.d_ff / tensor
    heads = 4 * model.num_heads * model.head_dim / tensor
    return (max(inner, heads) + 4 * model.d_model) * width


def _layer_weights(model: DecoderConfig) -> float:
    attention = 2 * (model.num_heads + model.num_kv_heads) * model.head_dim * model.d_model
    return attention + (3 if model.gated_mlp else 2) * model.d_ff * model.d_model
