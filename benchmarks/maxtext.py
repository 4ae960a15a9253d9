"""Our compiled training step beside MaxText's, for the same TPUs, which need not be there.

    python -m benchmarks.maxtext [8b|20b] [--keep DIR]

Compiles both for v5p:4x4x4, each in a process of its own, with the same jax, libtpu and device
order, and prints what the compiler says of them: memory, cycles and collectives, on one chip and
counted through loops. MaxText 0.2.5 needs Python 3.12, so the environment is to have that, this
project's requirements, and `pip install "maxtext[tpu]==0.2.5"`.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.table import Table

from granite_fc.errors import ConfigurationError
from granite_fc.planning.configured import ConfiguredRun, read_run
from granite_fc.planning.environment import ENVIRONMENT
from granite_fc.planning.hlo import summarize
from granite_fc.planning.memory import GIB
from granite_fc.planning.plan_text import console, note, table
from granite_fc.planning.versions import versions
from granite_fc.sharding.mesh import make_mesh
from granite_fc.sharding.topology import Topology
from granite_fc.training.programs import Programs

OURS, THEIRS = "granite-fc", "MaxText"
_TOPOLOGY = "v5p:4x4x4"
_CHIPS = 64
_ALWAYS_SHOWN = ("all-gather", "all-reduce", "reduce-scatter", "all-to-all")
_COMPILE = "import sys; from benchmarks import maxtext; maxtext.compile_side(*sys.argv[1:])"
# Both could otherwise find the step in a cache of compiled programs, and its time would be none.
_NO_CACHE = {"JAX_ENABLE_COMPILATION_CACHE": "false"}


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
        peak_bytes: The most of a chip's memory that is in use at once.
        argument_bytes: The state and the batch in it.
        seconds: Tracing and compiling.
        devices: Where each device of the mesh is in the torus, in the mesh's order.
        text: The program.
    """

    peak_bytes: int
    argument_bytes: int
    seconds: float
    devices: list[list[int]]
    text: str

    @staticmethod
    def of(compiled: Any, seconds: float, mesh: Any) -> Compiled:
        """Reads what JAX says of a compiled step.

        Args:
            compiled: `jax.stages.Compiled`.
            seconds: What it took.
            mesh: What it was compiled for.
        """
        memory = compiled.memory_analysis()
        return Compiled(
            memory.peak_memory_in_bytes,
            memory.argument_size_in_bytes,
            seconds,
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
    mesh = make_mesh(run.mesh, Topology.parse(_TOPOLOGY).devices())
    compiled, seconds = Programs(run.recipe, mesh, run.rules).compile_train_step()
    return Compiled.of(compiled, seconds, mesh)


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
    compile_step: Callable[..., Any] = train_compile.jit_and_compile

    def observed(function: Any, inputs: Any, named: Any, mesh: Any, *others: Any) -> Any:
        begun = time.perf_counter()
        compiled = compile_step(function, inputs, named, mesh, *others)
        found.append(Compiled.of(compiled, time.perf_counter() - begun, mesh))
        return compiled

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


def compiled_apart(side: str, case: str, folder: Path) -> Compiled:
    """Compiles one side in a process of its own, and ends this one where that fails.

    Args:
        side: `OURS` or `THEIRS`.
        case: A name out of `CASES`.
        folder: Where what it says, and the program, are put.
    """
    path = folder / f"{case}-{side}.json"
    finished = subprocess.run(
        [sys.executable, "-c", _COMPILE, side, case, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | ENVIRONMENT | _NO_CACHE | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    if finished.returncode:
        print("\n".join(finished.stdout.splitlines()[-20:]), file=sys.stderr)
        sys.exit(finished.returncode)
    compiled = Compiled(**json.loads(path.read_text()))
    path.with_suffix(".txt").write_text(compiled.text)
    return compiled


def comparison(title: str, ours: Compiled, theirs: Compiled) -> Table:
    """Returns the table: a line a figure, both sides, and ours over theirs."""
    mesh = {"fsdp": len(ours.devices)}
    sides = [(side, summarize(side.text, mesh)) for side in (ours, theirs)]
    lines: list[tuple[str, list[float], str]] = [
        ("peak memory, GiB", [side.peak_bytes / GIB for side, _ in sides], ".2f"),
        ("arguments, GiB", [side.argument_bytes / GIB for side, _ in sides], ".2f"),
        ("estimated cycles, millions", [step.cycles / 1e6 for _, step in sides], ",.1f"),
    ]
    kinds = {total.kind for _, step in sides for total in step.collectives}
    for kind in (*_ALWAYS_SHOWN, *sorted(kinds.difference(_ALWAYS_SHOWN))):
        sizes = [step.num_bytes(kind) / 1e9 for _, step in sides]
        lines.append((f"{kind}, output GB", sizes, ".3f"))
    received = [sum(total.received_bytes for total in step.collectives) for _, step in sides]
    lines.append(("all collectives, received GB", [size / 1e9 for size in received], ".3f"))
    lines.append(("compile, s", [side.seconds for side, _ in sides], ".1f"))

    result = table(title, ("a step on one chip", OURS, THEIRS, "ratio"))
    for name, (mine, other), form in lines:
        ratio = f"{mine / other:.3f}" if other else "-"
        result.add_row(name, f"{mine:{form}}", f"{other:{form}}", ratio)
    return result


def check_installed() -> None:
    """Checks that there is a MaxText to compare with.

    Raises:
        ConfigurationError: There is none.
    """
    if importlib.util.find_spec("maxtext") is None:
        raise ConfigurationError(
            "maxtext",
            found="not installed",
            expected="MaxText in this environment, which needs Python 3.12",
            remedy='Install it with pip install "maxtext[tpu]==0.2.5".',
        )


def compare(case: str, folder: Path) -> None:
    """Compiles both sides and prints the table.

    Args:
        case: A name out of `CASES`.
        folder: Where the programs are left.
    """
    ours, theirs = (compiled_apart(side, case, folder) for side in (OURS, THEIRS))
    shape = f"{CASES[case].rows} x {CASES[case].length:,} tokens a chip"
    out = console()
    out.print(comparison(f"{case}, {_TOPOLOGY}, {shape}, full remat", ours, theirs))
    packages = ", ".join(f"{name} {version}" for name, version in versions().items())
    order = "the same" if ours.devices == theirs.devices else "ANOTHER"
    note(out, f"Both with {packages}; devices in {order} order.")
    note(out, "Cycles are the compiler's estimates; collectives and custom kernels have none.")


def main() -> int:
    """Prints the table; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("case", nargs="?", default="8b", choices=CASES)
    parser.add_argument("--keep", metavar="DIR", help="where the compiled programs are left")
    arguments = parser.parse_args()
    try:
        check_installed()
    except ConfigurationError as error:
        print(f"granite-fc: {error.message}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        compare(arguments.case, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
