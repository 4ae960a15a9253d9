"""What the launchers' command lines have in common."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from granite_fc.errors import ConfigurationError
from launch.pods.pod import Pod
from launch.pods.queued_resource import SliceGone
from launch.pods.secrets import Mask, read_environment
from launch.pods.shell import CommandFailed, Shell

CONFIGURATION_ERROR = 2
_INTERRUPTED = 130

Verb = Callable[[Pod, Shell, argparse.Namespace], int]


def main(
    program: str,
    description: str,
    verbs: Mapping[str, str],
    act: Verb,
    add_arguments: Callable[[argparse.ArgumentParser], None],
    arguments: Sequence[str] | None,
    interrupted: str,
) -> int:
    """Reads a command line, runs a verb and says what went wrong.

    Args:
        program: Name of the script.
        description: One line for its help.
        verbs: What each verb does.
        act: Runs the verb `arguments.verb`; returns the exit status.
        add_arguments: Adds the launcher's own options.
        arguments: The command line; None: the program's own.
        interrupted: What to say when it is interrupted.

    Returns:
        The exit status: 0 done, 1 failed, 2 wrong configuration, 42 stopped after a checkpoint, 130
            interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # All that follows `--` belongs to granite-fc, whatever it looks like.
    split = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(
        prog=program,
        description=description,
        usage=f"{program} VERB --config=pod.toml [--dry_run] [-- train --gin_file=... ...]",
        epilog="verbs:\n" + "\n".join(f"  {verb:9} {what}" for verb, what in verbs.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("verb", choices=verbs, metavar="VERB", help="what to do")
    parser.add_argument("--config", required=True, type=Path, help="launch/pod.toml.example")
    parser.add_argument("--dry_run", action="store_true", help="print the commands, run none")
    add_arguments(parser)
    options = parser.parse_args(words[:split])
    options.command = words[split + 1 :]
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        pod = Pod.read(options.config)
        environment = read_environment(pod.environment_path) if pod.environment_path else {}
        mask = Mask(environment.values())
        return act(pod, Shell(dry_run=options.dry_run, mask=mask), options)
    except ConfigurationError as error:
        print(f"{program}: {error.message}", file=sys.stderr)
        return CONFIGURATION_ERROR
    except SliceGone as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    except CommandFailed as error:
        print(mask(f"{program}: {error}\n{error.output}".rstrip()), file=sys.stderr)
        return 1
    except FileNotFoundError as error:
        print(f"{program}: {error.filename} is not installed here", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{program}: interrupted. {interrupted}", file=sys.stderr)
        return _INTERRUPTED


def required(options: argparse.Namespace) -> list[str]:
    """Returns the arguments of granite-fc.

    Raises:
        ConfigurationError: There are none.
    """
    if not options.command:
        raise ConfigurationError(
            "--",
            found="no command",
            expected="what granite-fc is to do",
            remedy="For example: -- train --gin_file=runs/real_data.gin --gin.MODEL_DIR=...",
        )
    return options.command


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
