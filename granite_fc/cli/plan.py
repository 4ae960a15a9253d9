"""`granite-fc plan`: compiles a run for TPUs that are not there, and tells what it would cost."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from granite_fc import configuration
from granite_fc.planning.environment import ENVIRONMENT

_NOTHING_FITS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the subcommand's arguments."""
    configuration.add_arguments(parser, required=True)
    parser.add_argument(
        "--topology",
        required=True,
        metavar="CHIP:SHAPE",
        help="the chips of one slice, such as v5e:4x4, v6e:8x8 or v5p:4x4x4",
    )
    parser.add_argument(
        "--num_slices", type=int, default=1, metavar="N", help="slices of that shape (default: 1)"
    )
    parser.add_argument(
        "--search",
        action="store_true",
        help="try meshes, microbatches and remat policies that keep the global batch",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument(
        "--save",
        metavar="DIR",
        help="keep the compiled step there, of a search the best layout's, in the form of JAX's "
        "compilation cache",
    )
    parser.add_argument(
        "--plan_cache",
        metavar="DIR",
        help="where plans are kept (default: granite_fc/plans in the user's cache directory)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Plans a run; returns the exit status: 3 where nothing fits."""
    # Before anything of JAX is imported.
    os.environ.update(ENVIRONMENT)
    from granite_fc.planning.plan_cache import default_folder
    from granite_fc.planning.plan_text import print_outcome
    from granite_fc.planning.planner import Planner
    from granite_fc.planning.worker import PlanningError, Request

    folder = Path(arguments.plan_cache).expanduser() if arguments.plan_cache else default_folder()
    request = Request(
        gin_files=arguments.gin_file,
        overrides=arguments.overrides,
        search_paths=[path for path in arguments.gin_search_paths.split(",") if path],
        topology=arguments.topology,
        num_slices=arguments.num_slices,
        cache=str(folder),
        save=str(Path(arguments.save).expanduser().absolute()) if arguments.save else None,
    )
    planner = Planner(request, lambda message: print(message, file=sys.stderr, flush=True))
    try:
        outcome = planner.search() if arguments.search else planner.plan()
    except PlanningError as error:
        print(f"granite-fc: the step does not compile: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(outcome.to_json(), indent=2))
    else:
        print_outcome(outcome)
    return 0 if outcome.plan.fits else _NOTHING_FITS
