"""What `granite-fc plan` prints: tables, and the sentences that say what their figures are."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from granite_fc.planning.memory import GIB
from granite_fc.planning.plan import Plan
from granite_fc.planning.planner import Outcome, Overrides
from granite_fc.planning.search import SearchResult, Trial, describe

# Without a terminal nothing may be cut off at a width that nobody sees.
_WIDTH_OF_A_PIPE = 160
_SHOWN = 12


def console() -> Console:
    """Returns where tables are printed."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE)


def table(title: str, columns: Iterable[str], *, right: int = 1) -> Table:
    """Returns an empty table: ruled on a terminal, plain text elsewhere.

    Args:
        title: Above it.
        columns: Their headings.
        right: Columns from this one on hold numbers and are set flush right.
    """
    style = box.ROUNDED if sys.stdout.isatty() else None
    result = Table(title=title, title_justify="left", box=style, show_header=True)
    for index, name in enumerate(columns):
        result.add_column(name, justify="right" if index >= right else "left", no_wrap=True)
    return result


def print_outcome(outcome: Outcome) -> None:
    """Prints a plan, what a search tried, and where nothing fits what would."""
    out = console()
    if outcome.search is not None:
        out.print(_tried(outcome.search))
        for line in (*_failed(outcome.search), *_pruned(outcome.search)):
            note(out, line)
    _print_plan(outcome.plan, out)
    if outcome.overrides is not None:
        out.print(Text("This layout is selected by", style="bold"))
        _print_overrides(outcome.overrides, out)
    if not outcome.plan.fits:
        _print_nearest(outcome, out)


def _print_nearest(outcome: Outcome, out: Console) -> None:
    if outcome.nearest is None:
        out.print(Text("No change was found with which it would fit.", style="bold"))
        return
    nearest = outcome.nearest
    out.print(
        Text(
            f"It would fit, with {nearest.plan.peak_gib:.2f} GiB and "
            f"{duration(nearest.plan.step_seconds or 0)} a step (compiled), on {nearest.topology} "
            "with",
            style="bold",
        ),
        soft_wrap=True,
    )
    _print_overrides(nearest.overrides, out)


def _print_overrides(overrides: Overrides, out: Console) -> None:
    for name, value in overrides:
        out.print(Text(f"  --gin.{name}={value}"), soft_wrap=True)


def _tried(search: SearchResult) -> Table:
    result = table(
        "Layouts that were compiled",
        ("layout", "outcome", "peak GiB", "estimated", "step", "estimated", "MFU bound"),
        right=2,
    )
    for trial in search.tried:
        plan, estimate = trial.plan, trial.estimate
        seconds = plan.step_seconds if plan else None
        result.add_row(
            describe(trial.candidate) + (" *" if trial is search.best else ""),
            trial.outcome.partition(":")[0],
            f"{plan.peak_gib:.2f}" if plan else "-",
            f"{estimate.peak_bytes / GIB:.2f}" if estimate else "-",
            duration(seconds) if seconds else "-",
            duration(estimate.step_seconds) if estimate else "-",
            f"{plan.mfu_bound:.1%}" if plan and plan.mfu_bound else "-",
        )
    return result


def _failed(search: SearchResult) -> list[str]:
    """Returns a sentence on each layout that the compiler did not finish."""
    return [
        f"{describe(trial.candidate)} {trial.outcome}"
        for trial in search.tried
        if trial.plan is None
    ]


def _pruned(search: SearchResult) -> list[str]:
    """Returns sentences on the layouts that were not compiled, by the kind of reason."""
    kinds: dict[str, list[Trial]] = {}
    for trial in search.pruned:
        kinds.setdefault(re.sub(r"[\d.e+-]+ (GiB|s)\b|:.*", "", trial.outcome).strip(), []).append(
            trial
        )
    lines = []
    for trials in sorted(kinds.values(), key=len, reverse=True):
        nearest = trials[0]
        lines.append(
            f"{len(trials)} layouts not compiled, such as {describe(nearest.candidate)}: "
            f"{nearest.outcome}."
        )
    return lines


def _print_plan(plan: Plan, out: Console) -> None:
    verdict = "fits" if plan.fits else "DOES NOT FIT"
    out.print(Text(f"{verdict}: {headline(plan)}", style="bold"), soft_wrap=True)
    out.print(_memory(plan))
    if plan.fits:
        out.print(_speed(plan))
        out.print(_collectives(plan))
        if plan.unknown_loops:
            note(out, f"Loops of unknown length, counted once: {', '.join(plan.unknown_loops)}.")
        note(out, f"Time: {plan.method}")
        note(out, f"MFU bound: {plan.mfu_method}.")


def note(out: Console, text: str) -> None:
    """Prints a sentence under a table."""
    out.print(Text(text, style="dim"), soft_wrap=True)


def headline(plan: Plan) -> str:
    """Returns one line on what is planned."""
    slices = f"{plan.num_slices} x " if plan.num_slices > 1 else ""
    return (
        f"{plan.num_params:,} parameters on {slices}{plan.topology} ({plan.chips} chips), mesh "
        f"{mesh(plan.mesh)}; a step of {plan.batch_size} x {plan.sequence_length} positions, "
        f"microbatches {plan.microbatches}, remat {plan.remat_policy}"
    )


def mesh(sizes: dict[str, int]) -> str:
    """Returns a mesh in words; axes of size 1 are left out."""
    return " x ".join(f"{name} {size}" for name, size in sizes.items() if size > 1) or "one chip"


def duration(seconds: float) -> str:
    """Returns a time in words."""
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds:.2f} s"


def _memory(plan: Plan) -> Table:
    result = table("Memory of one chip", ("", "GiB"))
    for name, value in (
        ("parameters", plan.parameters_gib),
        ("optimizer", plan.optimizer_gib),
        ("optimizer in the host's memory, not of the peak", plan.host_optimizer_gib or None),
        ("batch", plan.batch_gib),
        ("activations, gradients and other temporaries at the peak", plan.activations_gib),
        ("peak" if plan.fits else "needed, at least", plan.peak_gib),
        ("usable", plan.hbm_gib),
    ):
        if value is not None:
            result.add_row(name, f"{value:.2f}")
    return result


def _speed(plan: Plan) -> Table:
    assert plan.step_seconds and plan.flops and plan.model_flops and plan.mfu_bound
    assert plan.tokens_per_second and plan.tokens_per_second_per_chip
    assert plan.train_hours is not None and plan.chip_hours is not None
    result = table("One step, estimated", ("", ""))
    for name, value in (
        ("step time", duration(plan.step_seconds)),
        ("  compute", duration(plan.compute_seconds or 0)),
        ("  attention kernels", duration(plan.kernel_seconds or 0)),
        ("  waiting for collectives", duration(plan.exposed_seconds or 0)),
        ("collectives that wait", duration(plan.synchronous_seconds or 0)),
        ("collectives beside other work", duration(plan.asynchronous_seconds or 0)),
        ("tokens/s", f"{plan.tokens_per_second:,.0f}"),
        ("tokens/s a chip", f"{plan.tokens_per_second_per_chip:,.0f}"),
        ("MFU bound", f"{plan.mfu_bound:.1%}"),
        ("compiler's estimated cycles", f"{plan.estimated_cycles:.4g}"),
        ("FLOPs of one chip", f"{plan.flops:.4g}"),
        ("model FLOPs over chips", f"{plan.model_flops / plan.chips:.4g}"),
        (f"{plan.train_steps:,} steps", f"{plan.train_hours:,.1f} hours"),
        ("", f"{plan.chip_hours:,.0f} chip-hours"),
        ("compiled in", f"{plan.compile_seconds:.0f} s"),
    ):
        result.add_row(name, value)
    return result


def _collectives(plan: Plan) -> Table:
    result = table(
        "Collectives of one step, on one chip",
        ("kind", "axes", "count", "output GB", "received GB", "beside other work"),
        right=2,
    )
    for total in plan.collectives[:_SHOWN]:
        size = total["num_bytes"]
        result.add_row(
            total["kind"],
            total["axes"],
            f"{total['count']:,}",
            f"{size / 1e9:.3f}",
            f"{total['received_bytes'] / 1e9:.3f}",
            f"{total['asynchronous_bytes'] / size:.0%}" if size else "-",
        )
    return result
