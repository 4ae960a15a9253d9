"""`granite-fc generate`: lets a trained model answer."""

from __future__ import annotations

import argparse
import sys

from granite_fc import configuration
from granite_fc.cli.ending import status_of
from granite_fc.errors import ConfigurationError

_MODES = ("prompt", "request", "input", "chat")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the subcommand's arguments."""
    parser.add_argument(
        "--checkpoint",
        required=True,
        metavar="DIR",
        help="a MODEL_DIR, its checkpoints or one checkpoint in it",
    )
    parser.add_argument(
        "--adapter",
        action="append",
        default=[],
        metavar="[SUBTASK=]DIR",
        help="other adapters of the checkpoint's base, which answer in its own ones' place what is "
        "asked as a sub-task, or all that has none of its own; may be repeated",
    )
    what = parser.add_argument_group("what to answer, one of")
    what.add_argument("--prompt", metavar="TEXT", help="a text, given to the model as it is")
    what.add_argument(
        "--request", metavar="TEXT", help="what a user says; the model is asked for the calls"
    )
    what.add_argument(
        "--input",
        metavar="FILE",
        help='JSON lines: {"prompt": ...} or OpenAI\'s {"messages": ..., "tools": ...}, each with '
        'an "id" if you like, and as "adapter" the SUBTASK of an --adapter',
    )
    what.add_argument(
        "--chat",
        action="store_true",
        help="a conversation; calls are executed by the simulator's functions",
    )
    parser.add_argument(
        "--output", metavar="FILE", help="with --input: where the answers go (default: printed)"
    )
    parser.add_argument(
        "--functions",
        metavar="FILE",
        help="with --request: a JSON list of functions, as OpenAI's `tools` or as JSON Schema",
    )
    parser.add_argument(
        "--tools",
        metavar="NAME,...",
        help="with --request or --chat: functions or domains of the simulator to offer",
    )
    parser.add_argument(
        "--max_new_tokens", type=int, default=256, metavar="N", help="most tokens of an answer"
    )
    parser.add_argument("--samples", type=int, default=1, metavar="N", help="answers to each")
    parser.add_argument("--temperature", type=float, default=None, help="0 (default) is greedy")
    parser.add_argument("--top_k", type=int, default=None, help="0 is no limit")
    parser.add_argument("--top_p", type=float, default=None, help="1 is no limit")
    parser.add_argument("--seed", type=int, default=0, help="of sampling, and of the simulator")
    parser.add_argument(
        "--constrained",
        action="store_true",
        help="let the model write nothing but calls that fit the functions on offer",
    )
    configuration.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answers; returns the exit status."""
    _check(arguments)
    from granite_fc.decoding import engine as engine  # gin reads its settings
    from granite_fc.training.trained_model import configure

    search_paths = [path for path in arguments.gin_search_paths.split(",") if path]
    directory = configure(
        arguments.checkpoint, arguments.gin_file, arguments.overrides, search_paths
    )
    # Imported after the configuration has been read: gin files name the modules that they need.
    from granite_fc.cli.generate_session import generate
    from granite_fc.training.hosts import join_hosts

    def answer() -> None:
        with join_hosts() as hosts:
            generate(arguments, directory, hosts)

    return status_of(answer)


def _check(arguments: argparse.Namespace) -> None:
    given = [name for name in _MODES if getattr(arguments, name) not in (None, False)]
    if len(given) != 1:
        raise ConfigurationError(
            "what to answer",
            found=", ".join(f"--{name}" for name in given) or "nothing",
            expected=f"one of {', '.join(f'--{name}' for name in _MODES)}",
        )
    for option, modes in (
        ("output", ("input",)),
        ("functions", ("request",)),
        ("tools", ("request", "chat")),
    ):
        if getattr(arguments, option) is not None and given[0] not in modes:
            raise ConfigurationError(
                f"--{option}",
                found=f"beside --{given[0]}",
                expected=" or ".join(f"--{mode}" for mode in modes),
            )
    if arguments.constrained and given[0] == "prompt":
        raise ConfigurationError(
            "--constrained",
            found="a --prompt, which names no functions",
            expected="--request, --input or --chat",
        )
    if arguments.functions is not None and arguments.tools is not None:
        raise ConfigurationError("--tools", found="--functions too", expected="one of the two")
    for option, least in (("max_new_tokens", 1), ("samples", 1), ("seed", 0)):
        if getattr(arguments, option) < least:
            raise ConfigurationError(
                f"--{option}", found=getattr(arguments, option), expected=f"at least {least}"
            )
    if arguments.samples > 1 and arguments.chat:
        raise ConfigurationError("--samples", found=arguments.samples, expected="1 with --chat")
    if arguments.chat and not sys.stdin.readable():
        raise ConfigurationError("--chat", found="no input", expected="a terminal or a pipe")
