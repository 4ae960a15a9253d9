"""Where a run's wall time went: what the shares mean, and their table in `report.html`."""

from __future__ import annotations

import datetime
import html
from collections.abc import Mapping

PREFIX = "goodput/"
SHARE = f"{PREFIX}share"
STEPS = "steps"

# In the order of the table; every second since the run's first start is in exactly one.
DEFINITIONS = {
    STEPS: "training steps that are part of the result; the goodput is their share of all below",
    "lost_steps": "steps after the last checkpoint before an earlier start ended, done again since",
    "data_wait": "the host waited for its next batch (the devices may still have been computing)",
    "start_up": "from the start of the program until it restores or compiles: imports, the other "
    "hosts, writing and opening caches, laying out devices and programs",
    "restoring": "reading a checkpoint, or drawing the first parameters",
    "compiling": "tracing and compiling the training step, or reading it from the compilation "
    "cache",
    "evaluation": "held-out losses and answers, their programs' compilation included",
    "checkpointing": "steps stood still for a checkpoint: copying it off the devices, and "
    "writing it where the program then ends",
    "other": "reports, profiles, collecting garbage, ending",
}


def seconds_of(scalars: Mapping[str, float]) -> dict[str, float]:
    """Returns the seconds of every kind from a run's scalars; empty where they have none."""
    if SHARE not in scalars:
        return {}
    return {kind: scalars.get(f"{PREFIX}{kind}_seconds", 0.0) for kind in DEFINITIONS}


def describe_goodput(scalars: Mapping[str, float]) -> str:
    """Returns the goodput and the largest of what else took time, on one line."""
    seconds = seconds_of(scalars)
    total = sum(seconds.values())
    others = sorted((kind for kind in seconds if kind != STEPS), key=seconds.__getitem__)
    shares = [
        f"{kind.replace('_', ' ')} {seconds[kind] / total:.1%}"
        for kind in reversed(others)
        if seconds[kind] > 0
    ]
    return (
        f"goodput {scalars[SHARE]:.1%} of {_duration(total)} in steps; {', '.join(shares[:5])}; "
        f"starts: {scalars[f'{PREFIX}starts']:.0f}"
    )


def goodput_table(scalars: Mapping[str, float]) -> str:
    """Returns the table as HTML; empty where the run has not counted."""
    seconds = seconds_of(scalars)
    total = sum(seconds.values())
    if not total:
        return ""
    rows = "".join(
        f'<tr><td class="words">{kind.replace("_", " ")}</td><td>{_duration(seconds[kind])}</td>'
        f'<td>{seconds[kind] / total:.1%}</td><td class="words">{html.escape(meaning)}</td></tr>'
        for kind, meaning in DEFINITIONS.items()
    )
    return (
        f"<p>Goodput {scalars[SHARE]:.1%}: the share of {_duration(total)} that went into steps, "
        f"over {scalars[f'{PREFIX}starts']:.0f} starts of the program, on the host that writes. "
        "Time in which the program did not run is not counted.</p>"
        '<div class="scroll"><table><thead><tr><th class="words">wall time</th><th>h:mm:ss</th>'
        '<th>share</th><th class="words">what it is</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _duration(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))
