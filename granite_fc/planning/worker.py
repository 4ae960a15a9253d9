"""Makes one plan in a process of its own, whose memory ends with it.

`python -m granite_fc.planning.worker` reads a request as JSON and writes the answer as JSON.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from granite_fc.errors import ConfigurationError
from granite_fc.planning.environment import ENVIRONMENT
from granite_fc.planning.plan import Plan


class PlanningError(Exception):
    """A plan was not finished: the compiler failed or took too long."""


@dataclasses.dataclass(frozen=True)
class Request:
    """What a plan is made of.

    Attributes:
        gin_files: As on the command line.
        overrides: (name, value) pairs, as on the command line.
        search_paths: As on the command line.
        topology: As on the command line.
        num_slices: As on the command line.
        cache: The folder that plans are kept in.
        save: The folder that the compiled step is kept in, or None.
    """

    gin_files: Sequence[str]
    overrides: Sequence[tuple[str, str]]
    search_paths: Sequence[str]
    topology: str
    num_slices: int
    cache: str
    save: str | None = None


def answer(request: Request) -> Plan:
    """Returns the plan of a request, from the cache where it is kept."""
    from granite_fc.planning.configured import read_run
    from granite_fc.planning.plan import make_plan
    from granite_fc.planning.plan_cache import PlanCache, plan_key
    from granite_fc.sharding.topology import Topology

    run = read_run(request.gin_files, request.overrides, request.search_paths)
    topology = Topology.parse(request.topology, request.num_slices)
    cache = PlanCache(Path(request.cache))
    key = plan_key(run.recipe, run.mesh, run.rules, topology)
    kept = cache.get(key)
    if kept is not None and (request.save is None or not kept.fits):
        return kept
    plan = make_plan(
        run.recipe,
        run.mesh,
        run.rules,
        topology,
        save=Path(request.save) if request.save else None,
    )
    if kept is not None:
        # It was compiled to be saved. What was kept tells how long compiling takes; this may tell
        # how long a saved step takes to read.
        return kept
    cache.put(key, plan)
    return plan


def ask(request: Request, timeout: float | None = None) -> Plan:
    """Returns the plan of a request, made in another process.

    Args:
        request: What to plan.
        timeout: Seconds after which it is given up.

    Raises:
        ConfigurationError: The run cannot be made as configured.
        PlanningError: The compiler failed or took too long.
    """
    try:
        finished = subprocess.run(
            [sys.executable, "-m", "granite_fc.planning.worker"],
            input=json.dumps(dataclasses.asdict(request)),
            capture_output=True,
            text=True,
            timeout=timeout,
            env=os.environ | ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PlanningError(f"not compiled within {timeout:.0f} s") from None
    lines = finished.stdout.strip().splitlines()
    try:
        reply: Mapping[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        last = finished.stderr.strip().splitlines()[-1:] or ["no message"]
        raise PlanningError(f"exit status {finished.returncode}: {last[0]}") from None
    if "error" in reply:
        raise ConfigurationError(**reply["error"])
    if "failure" in reply:
        raise PlanningError(reply["failure"])
    return Plan.from_json(reply["plan"])


def main() -> int:
    """Answers the request on standard input."""
    fields = json.load(sys.stdin)
    fields["overrides"] = [tuple(pair) for pair in fields["overrides"]]
    try:
        reply: dict[str, Any] = {"plan": answer(Request(**fields)).to_json()}
    except ConfigurationError as error:
        reply = {
            "error": {
                "key": error.key,
                "found": error.found if _is_plain(error.found) else str(error.found),
                "expected": error.expected,
                "remedy": error.remedy,
            }
        }
    except Exception as error:
        reply = {"failure": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply))
    return 0


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


if __name__ == "__main__":
    sys.exit(main())
