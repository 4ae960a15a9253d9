"""Whether every sub-task gives full marks to its own right answers, over whole data sets.

    python -m benchmarks.gold_replay [--sources NAME ...] [--episodes N] \
        --gin_file=runs/granite_fc_mix.gin --gin.DATA_DIR=... --gin.MODEL_DIR=...

Renders the held-out episodes of every source for every sub-task that it serves, and judges each
target as the answer to its own prompt. Prints, for every source, the number of examples of each
sub-task and how many are judged less than exact, or by a metric less than its best; then the first
of these. The exit status is 1 where there is one.
"""

from __future__ import annotations

import argparse
import collections
import sys

from benchmarks.round_trips import episodes_of
from granite_fc import configuration
from granite_fc.data.cache_files import HELD_OUT_SPLITS
from granite_fc.evaluation.judgement import Judgement
from granite_fc.evaluation.metrics import METRICS
from tasks.episode_renderer import EPISODE, SPLIT, present_renderer
from tasks.judging import judge
from tasks.rates import SOURCES_OF_SUBTASK
from tasks.sources.registry import SOURCES
from tasks.subtasks import SUBTASKS, UMBRELLA

_SUBTASKS = (*SUBTASKS, UMBRELLA)
_FAILURES_PRINTED = 5
# Sums of which a share of the examples has few: 1e-9 is what adding them up may lose.
_TOLERANCE = 1e-9


def shortfall(found: Judgement) -> str | None:
    """What a judgement of gold lacks, or None."""
    if not found.exact or found.wrong:
        return f"not exact: {[part.detail for part in found.wrong]}"
    for name, (numerator, denominator) in found.counts.items():
        best = {True: denominator, False: 0.0, None: numerator}[METRICS[name].higher_is_better]
        # BLEU is told by sums that have no best of their own.
        if abs(numerator - best) > _TOLERANCE * denominator and not name.startswith("bleu_"):
            return f"{name} is {numerator} of {denominator}"
    return None


def replay(source: str, num_episodes: int | None) -> tuple[dict[str, int], list[str]]:
    """Returns the number of examples of each sub-task, and what some of them lack."""
    counts: collections.Counter[str] = collections.Counter()
    lacking: list[str] = []
    renderers = {
        subtask: present_renderer(subtask)
        for subtask in _SUBTASKS
        if source in SOURCES_OF_SUBTASK[subtask]
    }
    judges = {subtask: judge(subtask, source) for subtask in renderers}
    for split, episode in episodes_of(source, num_episodes, HELD_OUT_SPLITS):
        record = {EPISODE: episode.to_json(), SPLIT: split}
        for subtask, renderer in renderers.items():
            for made in renderer(record):
                counts[subtask] += 1
                found = judges[subtask](made["inputs"], made["targets"], made["targets"])
                if (lacks := shortfall(found)) is not None:
                    lacking.append(f"{subtask} {episode.episode_id}: {lacks}")
    return dict(counts), lacking


def main() -> None:
    """Prints the table."""
    overrides, rest = configuration.split_overrides(sys.argv[1:])
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    configuration.add_arguments(parser, required=True)
    names = [name for name in SOURCES if name != "user"]
    parser.add_argument("--sources", nargs="+", default=names, choices=names)
    parser.add_argument("--episodes", type=int, default=None, help="of each split; default: all")
    arguments = parser.parse_args(rest)
    arguments.overrides = overrides
    configuration.parse_arguments(arguments)
    num_lacking = 0
    for source in arguments.sources:
        counts, lacking = replay(source, arguments.episodes)
        of_subtasks = ", ".join(f"{subtask} {number:,}" for subtask, number in counts.items())
        print(f"{source}: {len(lacking):,} lacking of {of_subtasks or 'none'}", flush=True)
        for line in lacking[:_FAILURES_PRINTED]:
            print(f"    {line}", flush=True)
        num_lacking += len(lacking)
    sys.exit(num_lacking > 0)


if __name__ == "__main__":
    main()
