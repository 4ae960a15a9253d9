"""The two sides of the comparison with MaxText: one training step, and how each compiles it."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from granite_fc.errors import ConfigurationError
from granite_fc.planning.configured import ConfiguredRun, read_run
from granite_fc.sharding.mesh import make_mesh
from granite_fc.sharding.topology import Topology
from granite_fc.training.programs import Programs

OURS, THEIRS = "granite-fc", "MaxText"
TOPOLOGY = "v5p:4x4x4"
_CHIPS = 64


@dataclasses.dataclass(frozen=True)
class Case:
    """One training step, as each side is told of it; all fully sharded, with full remat.

    Attributes:
        rows: Rows of one chip's batch.
        length: Positions of a row.
        gin_file: Our model.
        overrides: What our model is given beside.
        arguments: MaxText's model.
    """

    rows: int
    length: int
    gin_file: str
    overrides: dict[str, str]
    arguments: dict[str, str]


CASES = {
    "8b": Case(
        rows=4,
        length=4096,
        gin_file="models/granite_8b_code.gin",
        overrides={"DecoderConfig.attention_bias": "False", "DecoderConfig.mlp_bias": "False"},
        arguments={
            "decoder_block": "llama2",
            "base_emb_dim": "4096",
            "base_num_query_heads": "32",
            "base_num_kv_heads": "8",
            "base_mlp_dim": "14336",
            "base_num_decoder_layers": "36",
        },
    ),
    # MaxText's models of this family have a key and a value to every query, so here ours has too.
    "20b": Case(
        rows=1,
        length=8192,
        gin_file="models/granite_20b_code.gin",
        overrides={"DecoderConfig.num_kv_heads": "48"},
        arguments={
            "decoder_block": "gpt3",
            "mlp_activations": '["gelu"]',
            "trainable_position_size": "8192",
            "base_emb_dim": "6144",
            "base_num_query_heads": "48",
            "base_num_kv_heads": "48",
            "base_mlp_dim": "24576",
            "base_num_decoder_layers": "52",
        },
    ),
}


@dataclasses.dataclass(frozen=True)
class Compiled:
    """A compiled training step.

    Attributes:
        peak_bytes: The most of a chip's memory that is in use at once: the compiler's
            `peak_memory_in_bytes`, on both sides.
        argument_bytes: The state and the batch in it.
        seconds: Tracing and compiling.
        wrap: Which dimensions of the slice are rings, as the compiler was told.
        devices: Where each device of the mesh is in the torus, in the mesh's order.
        text: The program.
    """

    peak_bytes: int
    argument_bytes: int
    seconds: float
    wrap: list[bool]
    devices: list[list[int]]
    text: str

    @staticmethod
    def of(compiled: Any, seconds: float, wrap: Sequence[bool], mesh: Any) -> Compiled:
        """Reads what JAX says of a compiled step.

        Args:
            compiled: `jax.stages.Compiled`.
            seconds: What it took.
            wrap: Of the topology that the devices are of.
            mesh: What it was compiled for.
        """
        memory = compiled.memory_analysis()
        return Compiled(
            memory.peak_memory_in_bytes,
            memory.argument_size_in_bytes,
            seconds,
            list(wrap),
            [list(device.coords) for device in mesh.devices.flat],
            compiled.as_text(),
        )


def our_run(case: Case) -> ConfiguredRun:
    """Returns the run that `granite-fc train` would be."""
    settings = {
        "TRAIN_STEPS": "1000",
        "BATCH_SIZE": str(case.rows * _CHIPS),
        "SEQUENCE_LENGTH": str(case.length),
        "MeshConfig.fsdp": str(_CHIPS),
        "DecoderConfig.remat_policy": "'full'",
    }
    overrides = [*settings.items(), *case.overrides.items()]
    return read_run(["runs/granite_fc_mix.gin", case.gin_file], overrides)


def compile_ours(case: Case) -> Compiled:
    """Compiles the step of that run."""
    run = our_run(case)
    topology = Topology.parse(TOPOLOGY)
    mesh = make_mesh(run.mesh, topology.devices())
    compiled, seconds = Programs(run.recipe, mesh, run.rules).compile_train_step()
    return Compiled.of(compiled, seconds, topology.wrap, mesh)


def their_arguments(case: Case) -> dict[str, str]:
    """Returns what MaxText's command line is given, beside where it may write."""
    return case.arguments | {
        # Google names v5p slices by their cores, of which a chip has two.
        "compile_topology": f"v5p-{2 * _CHIPS}",
        "compile_topology_num_slices": "1",
        "run_name": "benchmark",
        "dataset_type": "synthetic",
        "enable_checkpointing": "False",
        "attention": "flash",
        "remat_policy": "full",
        "head_dim": "128",
        "vocab_size": "49152",
        "logits_via_embedding": "True",
        "per_device_batch_size": str(case.rows),
        "max_target_length": str(case.length),
    }


def compile_theirs(case: Case) -> Compiled:
    """Runs MaxText's ahead-of-time compilation and takes what it compiles."""
    train_compile: Any = importlib.import_module("maxtext.trainers.pre_train.train_compile")
    found: list[Compiled] = []
    wraps: list[Sequence[bool]] = []
    describe: Callable[..., Any] = train_compile.get_topology_desc
    compile_step: Callable[..., Any] = train_compile.jit_and_compile

    def described(**arguments: Any) -> Any:
        wraps.append(arguments["wrap"])
        return describe(**arguments)

    def observed(function: Any, inputs: Any, named: Any, mesh: Any, *others: Any) -> Any:
        begun = time.perf_counter()
        compiled = compile_step(function, inputs, named, mesh, *others)
        found.append(Compiled.of(compiled, time.perf_counter() - begun, wraps[-1], mesh))
        return compiled

    train_compile.get_topology_desc = described
    train_compile.jit_and_compile = observed
    base = Path(train_compile.__file__).parents[2] / "configs" / "base.yml"
    with tempfile.TemporaryDirectory() as folder:
        arguments = their_arguments(case) | {"base_output_directory": folder}
        train_compile.main(["", str(base), *(f"{key}={value}" for key, value in arguments.items())])
    return found[0]


_COMPILERS = {OURS: compile_ours, THEIRS: compile_theirs}


def compile_side(side: str, case: str, path: str) -> None:
    """Compiles one side in this process.

    Args:
        side: `OURS` or `THEIRS`.
        case: A name out of `CASES`.
        path: The JSON file that a `Compiled` is written to.
    """
    try:
        compiled = _COMPILERS[side](CASES[case])
    except ConfigurationError as error:
        print(f"granite-fc: {error.message}", file=sys.stderr)
        sys.exit(2)
    Path(path).write_text(json.dumps(dataclasses.asdict(compiled)))
