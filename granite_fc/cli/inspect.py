"""`granite-fc inspect`: what a mixture holds, and what the model sees of it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from granite_fc import configuration
from granite_fc.data import declarations
from granite_fc.data.cache_status import ensure_cache
from granite_fc.data.inspection import InspectedTask, RenderedExample, inspect_mixture
from granite_fc.data.locations import cache_directory
from granite_fc.vocabularies import load_vocabulary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the subcommand's arguments."""
    parser.add_argument(
        "mixture", metavar="MIXTURE_OR_TASK", help="a mixture or a task, such as granite_fc"
    )
    configuration.add_arguments(parser)
    parser.add_argument(
        "--examples",
        type=int,
        default=1,
        metavar="N",
        help="training examples of each task to show (default: 1)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Prints a mixture's tasks, rates, counts and examples; returns the exit status."""
    arguments.gin_file = arguments.gin_file or ["runs/inspect.gin"]
    configuration.parse_arguments(arguments)
    rates = declarations.mixture_rates(arguments.mixture)
    vocabulary = load_vocabulary()
    ensure_cache(list(rates), cache_directory(), vocabulary)
    tasks = inspect_mixture(
        rates, cache_directory(), vocabulary, num_examples=max(arguments.examples, 0)
    )
    if arguments.json:
        print(json.dumps({"mixture": arguments.mixture, "tasks": [t.to_json() for t in tasks]}))
        return 0
    # Without a terminal nothing may be cut off at a width that nobody sees.
    console = Console() if sys.stdout.isatty() else Console(width=160, highlight=False)
    _print_table(arguments.mixture, tasks, console)
    for task in tasks:
        for example in task.rendered:
            _print_example(task, example, console)
    return 0


def _print_table(mixture: str, tasks: Sequence[InspectedTask], console: Console) -> None:
    table = Table(title=f"{mixture}: {len(tasks)} tasks")
    table.add_column("task", no_wrap=True)
    table.add_column("sub-task")
    for column in (
        "rate",
        "of examples",
        "of tokens",
        "of target tokens",
        "train",
        "held out",
        "mean tokens",
        "longest",
        "rejected",
    ):
        table.add_column(column, justify="right")
    for task in sorted(tasks, key=lambda task: (task.subtask, task.source)):
        table.add_row(
            task.name,
            task.subtask,
            f"{task.rate:.4g}",
            f"{task.example_share:.2%}",
            f"{task.token_share:.2%}",
            f"{task.target_share:.2%}",
            f"{task.examples:,}",
            f"{task.validation_examples:,}",
            f"{task.lengths.get('mean', 0):,.0f}",
            f"{task.lengths.get('max', 0):,.0f}",
            f"{sum(task.rejected.values()):,}",
        )
    console.print(table)
    console.print(
        "Shares are of what is drawn, before packing; tokens are inputs, targets and end of "
        "sequence.",
        highlight=False,
    )


def _print_example(task: InspectedTask, example: RenderedExample, console: Console) -> None:
    console.rule(
        f"{task.name}: {example.num_inputs} tokens in, {example.num_targets} tokens that carry loss"
    )
    text = Text(example.inputs)
    # Without colours the arrows alone say where the loss begins and ends.
    text.append("→", style="dim")
    text.append(example.targets, style="bold green")
    text.append("←", style="dim")
    console.print(text)
