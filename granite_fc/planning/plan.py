"""Compiles a run's training step for a topology and tells what it would cost."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax

from granite_fc.models.decoder import count_params
from granite_fc.planning.hlo import Summary, summarize
from granite_fc.planning.memory import GIB, Memory, held, memory_of, needed_bytes
from granite_fc.planning.step_time import METHOD, StepTime, step_time
from granite_fc.planning.wires import Wires
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.topology import Topology
from granite_fc.training.compilation_cache import use_compilation_cache
from granite_fc.training.mfu import FORMULA, ModelFlops
from granite_fc.training.programs import Programs
from granite_fc.training.recipe import Recipe
from granite_fc.training.unused_settings import check_no_unused_settings
from granite_fc.versions import versions

MFU_METHOD = (
    "Model FLOPs over the estimated step time and the chips' peak, were every row one example: "
    + FORMULA
)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a run would need and how fast it would be; all fields can be written as JSON.

    Attributes:
        fits: Whether the compiler found room for the step in a chip's memory.
        topology: As in "v5p:4x4x4".
        num_slices: Slices of that shape.
        chips: Chips in all.
        hosts: Hosts in all.
        mesh: Mesh axis to size.
        batch_size: Rows of the global batch.
        sequence_length: Positions a row.
        microbatches: Parts of a batch that run one after the other.
        remat_policy: What the backward pass computes again.
        num_params: The model's parameters.
        train_steps: Steps of the run.
        hbm_gib: Memory of one chip that a program may use.
        peak_gib: The most that is in use at once; where it does not fit, at least what is needed.
        parameters_gib: Of it, parameters, and their average where one is kept.
        optimizer_gib: The optimizer's state, without what lies in the host's memory.
        host_optimizer_gib: One chip's part of the optimizer's state in its host's memory.
        batch_gib: One step's batch.
        activations_gib: Activations, gradients and all else at the peak.
        temporaries_gib: The sum of the compiler's temporary buffers; see `Memory.temporaries`.
        compile_seconds: Tracing and compiling.
        estimated_cycles: The compiler's, on one chip, counted through loops.
        flops: Of one chip, recomputation and attention kernels included.
        kernel_flops: Of it, attention kernels'.
        model_flops: Of all chips, what the model itself needs; see `mfu_method`.
        collectives: Totals by kind and axes, for one chip: `count`, `num_bytes` of the output,
            `received_bytes`, `asynchronous_bytes`.
        unknown_loops: Loops whose trip count was not found, counted once.
        step_seconds: The estimated time of a step; see `method`.
        compute_seconds: Of it, what the compiler estimates.
        kernel_seconds: Of it, attention kernels.
        exposed_seconds: Of it, waiting for collectives.
        synchronous_seconds: Collectives that nothing runs beside.
        asynchronous_seconds: Collectives that other work runs beside.
        tokens_per_second: Positions a second, over all chips.
        tokens_per_second_per_chip: The same over the chips.
        mfu_bound: Model FLOPs utilisation at that time.
        train_hours: For all steps.
        chip_hours: For all steps and chips.
        method: How the time was estimated.
        mfu_method: What `mfu_bound` is.
        versions: Of jax, jaxlib and libtpu.
    """

    fits: bool
    topology: str
    num_slices: int
    chips: int
    hosts: int
    mesh: dict[str, int]
    batch_size: int
    sequence_length: int
    microbatches: int
    remat_policy: str
    num_params: int
    train_steps: int
    hbm_gib: float
    peak_gib: float
    parameters_gib: float
    optimizer_gib: float
    batch_gib: float
    compile_seconds: float
    versions: dict[str, str]
    host_optimizer_gib: float = 0.0
    activations_gib: float | None = None
    temporaries_gib: float | None = None
    estimated_cycles: int | None = None
    flops: float | None = None
    kernel_flops: float | None = None
    model_flops: float | None = None
    collectives: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    unknown_loops: list[str] = dataclasses.field(default_factory=list)
    step_seconds: float | None = None
    compute_seconds: float | None = None
    kernel_seconds: float | None = None
    exposed_seconds: float | None = None
    synchronous_seconds: float | None = None
    asynchronous_seconds: float | None = None
    tokens_per_second: float | None = None
    tokens_per_second_per_chip: float | None = None
    mfu_bound: float | None = None
    train_hours: float | None = None
    chip_hours: float | None = None
    method: str = METHOD
    mfu_method: str = MFU_METHOD

    def to_json(self) -> dict[str, Any]:
        """Returns the fields as JSON would hold them."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> Plan:
        """Returns the plan that `to_json` gave the fields of."""
        return Plan(**fields)


def make_plan(
    recipe: Recipe,
    mesh_config: MeshConfig,
    rules: LogicalAxisRules,
    topology: Topology,
    *,
    save: Path | None = None,
) -> Plan:
    """Compiles the training step of a run, exactly as the run would.

    Args:
        recipe: What is computed.
        mesh_config: The sizes of the mesh axes.
        rules: What logical axes mean on it.
        topology: The chips.
        save: A folder in which JAX's compilation cache keeps the compiled step.

    Raises:
        ConfigurationError: The run cannot be made as configured, or the compiler is not installed.
        jax.errors.JaxRuntimeError: The step does not compile, for another reason than memory.
    """
    mesh_config = mesh_config.resolve(topology.num_devices)
    mesh_config.check_batch(recipe.batch_size, recipe.microbatches, recipe.sequence_length)
    recipe.optimizer.check(recipe.train_steps)
    check_no_unused_settings(recipe.model, recipe.optimizer)
    rules.check()
    mesh = make_mesh(mesh_config, topology.devices())
    programs = Programs(recipe, mesh, rules)
    state, batch = programs.abstract_state, programs.abstract_batch()
    parameters = sum(held(state.get(part, ())) for part in ("params", "frozen", "ema"))
    facts: dict[str, Any] = {
        "topology": topology.name,
        "num_slices": topology.num_slices,
        "chips": topology.num_devices,
        "hosts": topology.num_hosts,
        "mesh": mesh_config.sizes(),
        "batch_size": recipe.batch_size,
        "sequence_length": recipe.sequence_length,
        "microbatches": recipe.microbatches,
        "remat_policy": recipe.model.remat_policy,
        "num_params": count_params(recipe.model),
        "train_steps": recipe.train_steps,
        "hbm_gib": topology.chip.hbm_bytes / GIB,
        "parameters_gib": parameters / GIB,
        "optimizer_gib": held(state["opt_state"]) / GIB,
        "host_optimizer_gib": held(state["opt_state"], host=True) / GIB,
        "batch_gib": held(batch) / GIB,
        "versions": versions(),
    }
    if save is not None:
        use_compilation_cache(str(save), save)
        # By default JAX keeps only what took long to compile.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    begun = time.perf_counter()
    try:
        compiled, seconds = programs.compile_train_step()
    except jax.errors.JaxRuntimeError as error:
        needed = needed_bytes(str(error), held(state) + held(batch))
        if needed is None:
            raise
        return Plan(
            fits=False,
            peak_gib=needed / GIB,
            compile_seconds=time.perf_counter() - begun,
            **facts,
        )
    memory = memory_of(compiled)
    summary = summarize(compiled.as_text(), mesh.shape)
    wires = Wires.of(topology, list(mesh.devices.flat))
    estimate = step_time(summary, wires, recipe.model.head_dim)
    return Plan(
        fits=True,
        compile_seconds=seconds,
        **facts,
        **_memory(memory),
        **_work(summary),
        **_speed(estimate, recipe, topology),
    )


def _memory(memory: Memory) -> dict[str, Any]:
    return {
        "peak_gib": memory.peak / GIB,
        "activations_gib": memory.activations / GIB,
        "temporaries_gib": memory.temporaries / GIB,
    }


def _work(summary: Summary) -> dict[str, Any]:
    return {
        "estimated_cycles": summary.cycles,
        "flops": summary.flops + summary.kernel_flops,
        "kernel_flops": summary.kernel_flops,
        "collectives": [dataclasses.asdict(total) for total in summary.collectives],
        "unknown_loops": list(summary.unknown_loops),
    }


def _speed(estimate: StepTime, recipe: Recipe, topology: Topology) -> dict[str, Any]:
    rows, length = recipe.batch_shape
    flops = ModelFlops.of(recipe.model, recipe.held)
    model_flops = flops.total(rows * length, rows * length * (length + 1) / 2)
    seconds, chips = estimate.total, topology.num_devices
    hours = seconds * recipe.train_steps / 3600
    return {
        "model_flops": model_flops,
        "step_seconds": seconds,
        "compute_seconds": estimate.compute,
        "kernel_seconds": estimate.kernels,
        "exposed_seconds": estimate.exposed,
        "synchronous_seconds": estimate.synchronous,
        "asynchronous_seconds": estimate.asynchronous,
        "tokens_per_second": rows * length / seconds,
        "tokens_per_second_per_chip": rows * length / seconds / chips,
        "mfu_bound": model_flops / (seconds * chips * topology.chip.peak_flops),
        "train_hours": hours,
        "chip_hours": hours * chips,
    }
