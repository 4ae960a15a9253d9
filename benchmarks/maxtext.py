"""Our compiled training step beside MaxText's, for the same TPUs, which need not be there.

    python -m benchmarks.maxtext [8b|20b] [--keep DIR]

Compiles both for v5p:4x4x4, each in a process of its own, with the same jax, libtpu, rings of the
torus and device order, and prints what the compiler says of them: memory, cycles and collectives,
on one chip and counted through loops. MaxText 0.2.5 needs Python 3.12, so the environment is to
have that, this project's requirements, and `pip install "maxtext[tpu]==0.2.5"`. The exit status is
1 where the two were not compiled for the same devices.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.table import Table

from benchmarks.maxtext_sides import CASES, OURS, THEIRS, TOPOLOGY, Compiled
from granite_fc.errors import ConfigurationError
from granite_fc.planning.environment import ENVIRONMENT
from granite_fc.planning.hlo import summarize
from granite_fc.planning.memory import GIB
from granite_fc.planning.plan_text import console, note, table
from granite_fc.versions import versions

_ALWAYS_SHOWN = ("all-gather", "all-reduce", "reduce-scatter", "all-to-all")
_COMPILE = "import sys; from benchmarks import maxtext_sides as m; m.compile_side(*sys.argv[1:])"
# Both could otherwise find the step in a cache of compiled programs, and its time would be none.
_NO_CACHE = {"JAX_ENABLE_COMPILATION_CACHE": "false"}


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


def told_of_devices(ours: Compiled, theirs: Compiled) -> str:
    """Returns a sentence on the devices that both were compiled for."""
    if ours.wrap != theirs.wrap:
        return f"NOT THE SAME RINGS: wrap {ours.wrap} of {OURS}, {theirs.wrap} of {THEIRS}."
    if ours.devices != theirs.devices:
        return f"wrap {ours.wrap} on both sides; devices in ANOTHER ORDER."
    return f"wrap {ours.wrap} and the order of devices are the same."


def compare(case: str, folder: Path) -> bool:
    """Compiles both sides and prints the table.

    Args:
        case: A name out of `CASES`.
        folder: Where the programs are left.

    Returns:
        Whether both were compiled for the same devices.
    """
    ours, theirs = (compiled_apart(side, case, folder) for side in (OURS, THEIRS))
    shape = f"{CASES[case].rows} x {CASES[case].length:,} tokens a chip"
    out = console()
    out.print(comparison(f"{case}, {TOPOLOGY}, {shape}, full remat", ours, theirs))
    packages = ", ".join(f"{name} {version}" for name, version in versions().items())
    note(out, f"Both with {packages}; {told_of_devices(ours, theirs)}")
    note(out, "Peak memory is the compiler's peak_memory_in_bytes on both sides.")
    note(out, "Cycles are the compiler's estimates; collectives and custom kernels have none.")
    return (ours.wrap, ours.devices) == (theirs.wrap, theirs.devices)


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
        return 0 if compare(arguments.case, folder) else 1


if __name__ == "__main__":
    sys.exit(main())
