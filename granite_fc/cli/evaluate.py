"""`granite-fc evaluate`: how good a model's answers are, per sub-task and per kind of mistake."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Literal, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from granite_fc import configuration
from granite_fc.cli.ending import status_of
from granite_fc.data import cache_files
from granite_fc.errors import ConfigurationError

if TYPE_CHECKING:
    from granite_fc.evaluation.results import Evaluation

_DEFAULT_FILE = "runs/inspect.gin"
# Without a terminal nothing may be cut off at a width that nobody sees.
_WIDTH_OF_A_PIPE = 160


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the subcommand's arguments."""
    parser.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        metavar="[NAME=]DIR",
        help="a MODEL_DIR, its checkpoints or one of them; may be repeated, to compare models",
    )
    parser.add_argument(
        "--adapter",
        action="append",
        default=[],
        metavar="[SUBTASK=]DIR",
        help="with one --checkpoint of adapters: others of the same base, which answer in place of "
        "its own what is asked of a sub-task, or of all that have none; may be repeated",
    )
    parser.add_argument(
        "--predictions",
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help="any model's answers as JSON lines, or a folder of them; may be repeated",
    )
    parser.add_argument("--suite", metavar="NAME", help="a public suite; --list names them")
    parser.add_argument(
        "--suite_dir",
        metavar="DIR",
        help="where the suite's data is, where it is not found by itself",
    )
    parser.add_argument(
        "--dots_as_underscores",
        action="store_true",
        help="with --suite=bfcl and --predictions: the models were offered function names with _ "
        "for the dots that interfaces such as OpenAI's do not take",
    )
    parser.add_argument(
        "--mixture", metavar="NAME", help="held-out examples of a mixture or a task instead"
    )
    parser.add_argument(
        "--split",
        choices=cache_files.HELD_OUT_SPLITS,
        help="with --mixture: the held-out split (default: validation)",
    )
    parser.add_argument(
        "--examples",
        type=int,
        metavar="N",
        help="requests of each task or category at most, always the same ones; 0 is all "
        "(default: those that the first file of answers answers, else 100 of a task, and all of a "
        "suite)",
    )
    parser.add_argument(
        "--constrained",
        action="store_true",
        help="let checkpoints write nothing but what fits the functions on offer",
    )
    parser.add_argument(
        "--max_new_tokens",
        type=int,
        metavar="N",
        help="most tokens of an answer (default: what the longest right answer of a mixture takes "
        "and some more; 512 for a suite)",
    )
    parser.add_argument(
        "--compatibility",
        action="store_true",
        help="score calls as the NESTFUL scorer and Hammer's evaluation do as well, faults "
        "included, to set numbers beside published ones",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--html", metavar="FILE", help="a page that needs no network, as well")
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="every answer with what is wrong with it, as JSON lines; of one model",
    )
    parser.add_argument("--list", action="store_true", help="name the suites and mixtures")
    configuration.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Evaluates; returns the exit status."""
    if arguments.list:
        _list(arguments)
        return 0
    _check(arguments)
    # Only whoever evaluates loads JAX.
    from granite_fc.evaluation.evaluation_run import EvaluationRun
    from granite_fc.evaluation.evaluation_settings import Settings, Subject
    from granite_fc.training.hosts import join_hosts

    subjects = [
        Subject.parse(text, is_checkpoint=option == "checkpoint")
        for option in ("checkpoint", "predictions")
        for text in getattr(arguments, option)
    ]
    settings = Settings(
        suite=arguments.suite,
        suite_dir=arguments.suite_dir,
        dots_as_underscores=arguments.dots_as_underscores,
        mixture=arguments.mixture,
        split=arguments.split or "validation",
        examples=arguments.examples,
        constrained=arguments.constrained,
        max_new_tokens=arguments.max_new_tokens,
        compatibility=arguments.compatibility,
        adapters=arguments.adapter,
        gin_files=arguments.gin_file,
        default_file=_DEFAULT_FILE,
        overrides=arguments.overrides,
        search_paths=[path for path in arguments.gin_search_paths.split(",") if path],
    )
    run = EvaluationRun(subjects, settings)

    def evaluate() -> None:
        with join_hosts() as hosts, _Progress(enabled=hosts.is_leader) as progress:
            evaluation = run.evaluate(hosts, progress.tell)
            if hosts.is_leader:
                _write(evaluation, arguments)

    return status_of(evaluate)


def _write(evaluation: Evaluation, arguments: argparse.Namespace) -> None:
    if arguments.json:
        from granite_fc.evaluation.evaluation_json import evaluation_to_json

        print(json.dumps(evaluation_to_json(evaluation)))
    else:
        from granite_fc.evaluation.evaluation_text import print_evaluation

        width = None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE
        print_evaluation(evaluation, Console(highlight=False, width=width))
    if arguments.output:
        with _opened(arguments.output, "--output") as file:
            for answer in evaluation.models[0].answers:
                file.write(json.dumps(answer.to_json(), ensure_ascii=False) + "\n")
    if arguments.html:
        from granite_fc.evaluation.page.evaluation_page import evaluation_page

        with _opened(arguments.html, "--html") as file:
            file.write(evaluation_page(evaluation))
    for file_name in filter(None, (arguments.html, arguments.output)):
        print(f"wrote {file_name}", file=sys.stderr)


def _check(arguments: argparse.Namespace) -> None:
    if not arguments.checkpoint and not arguments.predictions:
        raise ConfigurationError(
            "what to evaluate",
            found="neither --checkpoint nor --predictions",
            expected="at least one of them",
        )
    if arguments.adapter and len(arguments.checkpoint) != 1:
        raise ConfigurationError(
            "--adapter",
            found="several --checkpoint" if arguments.checkpoint else "no --checkpoint",
            expected="one, beside whose base the adapters stand",
        )
    if (arguments.suite is None) == (arguments.mixture is None):
        raise ConfigurationError(
            "--suite",
            found="--mixture too" if arguments.suite else "neither --suite nor --mixture",
            expected="one of the two",
            remedy="`granite-fc evaluate --list` names them.",
        )
    for option, number, least in (
        ("examples", arguments.examples, 0),
        ("max_new_tokens", arguments.max_new_tokens, 1),
    ):
        if number is not None and number < least:
            raise ConfigurationError(f"--{option}", found=number, expected=f"at least {least}")
    for option, given, needs in (
        ("split", arguments.split is not None, "mixture"),
        ("max_new_tokens", arguments.max_new_tokens is not None, "checkpoint"),
    ):
        if given and not getattr(arguments, needs):
            raise ConfigurationError(f"--{option}", found=f"no --{needs}", expected="one")
    if arguments.suite_dir is not None and arguments.suite is None:
        raise ConfigurationError("--suite_dir", found="no --suite", expected="one")
    if arguments.dots_as_underscores and (arguments.checkpoint or arguments.suite is None):
        raise ConfigurationError(
            "--dots_as_underscores",
            found="a --checkpoint, which is offered names as they are"
            if arguments.checkpoint
            else "no --suite",
            expected="--suite=bfcl and --predictions",
        )
    if arguments.constrained and not arguments.checkpoint:
        raise ConfigurationError(
            "--constrained", found="--predictions, which are written", expected="a --checkpoint"
        )
    if arguments.output and len(arguments.checkpoint) + len(arguments.predictions) > 1:
        raise ConfigurationError("--output", found="several models", expected="one")
    for option in ("html", "output"):
        path = getattr(arguments, option)
        if path is not None:
            # Now, and not when everything has been answered.
            with _opened(path, f"--{option}", mode="a"):
                pass


def _opened(path: str, key: str, mode: Literal["w", "a"] = "w") -> TextIO:
    try:
        return open(path, mode, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigurationError(
            key, found=f"{path}: {error.strerror}", expected="a file that can be written"
        ) from None


def _list(arguments: argparse.Namespace) -> None:
    configuration.parse(
        arguments.gin_file or [_DEFAULT_FILE],
        arguments.overrides,
        [path for path in arguments.gin_search_paths.split(",") if path],
    )
    from granite_fc.data import declarations
    from granite_fc.evaluation.suites.registry import SUITES

    for name, entry in SUITES.items():
        print(f"--suite={name}\n    {entry.about}\n    needs {entry.needs}")
    print("--mixture=NAME, one of")
    for name in declarations.mixture_names():
        print(f"    {name}")
    print("    or a task of one (`granite-fc inspect NAME` lists them)")


class _Progress:
    """A bar for each model on a terminal, a line now and then elsewhere."""

    def __init__(self, *, enabled: bool) -> None:
        console = Console(stderr=True)
        self._enabled = enabled
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._told: dict[str, int] = {}

    def __enter__(self) -> _Progress:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def tell(self, model: str, done: int, total: int) -> None:
        """Tells how many requests a model has answered."""
        if not self._enabled:
            return
        if not self._bars.disable:
            if model not in self._tasks:
                self._tasks[model] = self._bars.add_task(model, total=total)
            self._bars.update(self._tasks[model], completed=done)
            return
        tenths = 10 * done // max(total, 1)
        if self._told.get(model) != tenths:
            self._told[model] = tenths
            print(f"{model}: {done:,} of {total:,} requests", file=sys.stderr, flush=True)
