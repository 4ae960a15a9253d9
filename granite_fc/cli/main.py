"""The `granite-fc` command."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from granite_fc import __version__, configuration
from granite_fc.errors import ConfigurationError

SUBCOMMANDS = {
    "train": "train a model; evaluate and report per sub-task",
    "cache": "tokenise what a run needs, once",
    "plan": "compile a run for TPUs that are not there: does it fit, how fast will it be",
    "evaluate": "measure answers per sub-task and kind of mistake, on mixtures and public suites",
    "inspect": "show what a mixture holds and what the model sees of it",
    "generate": "let a trained model answer: one request, a file of them, or a conversation",
    "convert": "Hugging Face directories and GGUF files into checkpoints, and back",
    "vocabulary": "train a SentencePiece vocabulary on a mixture",
    "simulate": "print episodes of the built-in simulator",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand.

    Returns:
        The exit status: 0 done, 1 failed, 2 wrong configuration or input, 3 nothing fits
            (plan), 42 preempted after a checkpoint, 43 another host of the run was lost.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    # TensorFlow and XLA's C++ logs say nothing that a user can act on.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    configuration.importable_from_working_directory()
    try:
        overrides, arguments = configuration.split_overrides(arguments)
        parser = argparse.ArgumentParser(prog="granite-fc", description=__doc__)
        parser.add_argument("--version", action="version", version=f"granite_fc {__version__}")
        subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
        for name, summary in SUBCOMMANDS.items():
            subparser = subparsers.add_parser(name, help=summary, description=summary)
            # Only the chosen one is imported: some load JAX, some TensorFlow, some neither.
            if name == next((word for word in arguments if not word.startswith("-")), None):
                module = importlib.import_module(f"granite_fc.cli.{name}")
                module.add_arguments(subparser)
                subparser.set_defaults(run=module.run)
        parsed = parser.parse_args(arguments)
        parsed.overrides = overrides
        return parsed.run(parsed)
    except ConfigurationError as error:
        # Not str(error): gin appends the chain of configurables to it.
        print(f"granite-fc: {error.message}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
