"""Whether every label says the calls of its episode, over whole data sets.

    python -m benchmarks.round_trips [--sources NAME ...] [--num_workers N] \
        --gin_file=runs/granite_fc_mix.gin --gin.DATA_DIR=... --gin.MODEL_DIR=...

Renders every episode of every split for the sub-tasks that write calls, as the configuration says,
augmentations and shortening included. A target passes if its dialect parses it without remainder;
if its calls are those of whole exchanges of the episode (of one whole call turn, for nested and
parallel calls), exactly: names, values and their types, references, with labels numbered anew; if
it has none only where the last request is answered by none; if each of its references leads to a
call that it makes itself or that the prompt shows with that label; and if its calls, written in
every dialect and parsed again, are the same. Prints a table and the first failures; the exit status
is 1 where there is one.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import multiprocessing
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from granite_fc import configuration
from granite_fc.calls.call import Call
from granite_fc.calls.reference import Reference, references_in
from granite_fc.data.cache_files import SPLITS
from tasks.dialects import DIALECTS, dialect_of_calls
from tasks.episode_renderer import EPISODE, SPLIT, present_renderer
from tasks.rates import SOURCES_OF_SUBTASK
from tasks.sources.episode import CallTurn, Episode, UserTurn
from tasks.sources.locations import source_locations
from tasks.sources.registry import SOURCES
from tasks.subtasks import CALL_SUBTASKS, NESTED_CALLS, PARALLEL_CALLS, UMBRELLA

_FAILURES_PRINTED = 5
# Sub-tasks whose targets are the calls of one call turn.
_OF_ONE_TURN = (NESTED_CALLS, PARALLEL_CALLS)


class Tally(NamedTuple):
    """What was found in one source.

    Attributes:
        source: Its name.
        examples: Number of examples by sub-task.
        failures: "SUBTASK EPISODE: what is wrong", for every example that does not pass.
    """

    source: str
    examples: Mapping[str, int]
    failures: Sequence[str]


def problem(episode: Episode, subtask: str, inputs: str, targets: str) -> str | None:
    """What is wrong with the target of an example, or None.

    Args:
        episode: The episode that it shows, as augmented.
        subtask: What the example is of.
        inputs: The prompt.
        targets: The calls as text.
    """
    dialect = dialect_of_calls(targets)
    result = dialect.parse_calls(targets)
    if result.error is not None or result.text:
        return f"does not parse: {result.error or result.text!r}"
    calls = [call for _, turn in episode.call_turns() for call in turn.calls]
    if not result.calls and not _is_answered_by_none(episode):
        return f"calls nothing: {targets}"
    of_one = subtask in _OF_ONE_TURN
    bounds = _bounds(episode, of_turns=of_one)
    spans = itertools.pairwise(bounds) if of_one else itertools.combinations(bounds, 2)
    if result.calls and not any(same_calls(result.calls, calls[a:b]) for a, b in spans):
        return f"no calls of the episode: {targets}"
    own = {call.label for call in result.calls}
    unescaped = inputs.replace('\\"', '"')
    for call in result.calls:
        for reference in references_in(call.arguments):
            if reference.label not in own and f'"{reference.label}"' not in unescaped:
                return f"{reference} leads to no call: {targets}"
    for other in DIALECTS.values():
        again = other.parse_calls(other.print_calls(result.calls))
        if again.error is not None or again.text or not _identical(again.calls, result.calls):
            return f"is something else in {other.name}: {targets}"
    return None


def _is_answered_by_none(episode: Episode) -> bool:
    asks = [index for index, turn in enumerate(episode.turns) if isinstance(turn, UserTurn)]
    calls = [index for index, _ in episode.call_turns()]
    return episode.no_call_reason is not None or not calls or calls[-1] < asks[-1]


def _bounds(episode: Episode, *, of_turns: bool) -> list[int]:
    """How many calls come before each exchange, or each call turn, and how many there are."""
    bounds, number = [0], 0
    for turn in episode.turns:
        if isinstance(turn, CallTurn):
            number += len(turn.calls)
        if isinstance(turn, CallTurn if of_turns else UserTurn):
            bounds.append(number)
    return [*bounds, number]


def same_calls(written: Sequence[Call], calls: Sequence[Call]) -> bool:
    """Whether calls are the same but for the names of labels, and have no label in vain."""
    if len(written) != len(calls):
        return False
    renamed: dict[str, str] = {}
    for first, second in zip(written, calls, strict=True):
        if first.name != second.name or first.arguments.keys() != second.arguments.keys():
            return False
        for key, value in first.arguments.items():
            own, other = (list(references_in(v)) for v in (value, second.arguments[key]))
            if len(own) != len(other):
                return False
            for reference, meant in zip(own, other, strict=True):
                if renamed.setdefault(reference.label, meant.label) != meant.label:
                    return False
            if _typed(value, renamed) != _typed(second.arguments[key], {}):
                return False
    used = {reference.label for call in written for reference in references_in(call.arguments)}
    labels = {call.label: other.label for call, other in zip(written, calls, strict=True)}
    labels.pop(None, None)
    return all(label in used and renamed[label] == meant for label, meant in labels.items())


def _identical(first: Sequence[Call], second: Sequence[Call]) -> bool:
    return len(first) == len(second) and all(
        one.name == other.name
        and one.label == other.label
        and _typed(one.arguments, {}) == _typed(other.arguments, {})
        for one, other in zip(first, second, strict=True)
    )


def _typed(value: Any, renamed: Mapping[str, str]) -> Any:
    """A form of a value in which equality tells 1 from 1.0 and true, and references from text."""
    if isinstance(value, Reference):
        return "reference", renamed.get(value.label, value.label), value.path
    if isinstance(value, Mapping):
        return {key: _typed(item, renamed) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_typed(item, renamed) for item in value]
    return type(value).__name__, value


def check_source(name: str, num_episodes: int | None = None) -> Tally:
    """Checks the examples of a source under the present gin configuration.

    Args:
        name: The source.
        num_episodes: How many of each split; None: all.
    """
    renderers = {
        subtask: present_renderer(subtask)
        for subtask in CALL_SUBTASKS
        if name in SOURCES_OF_SUBTASK[subtask]
    }
    examples: collections.Counter[str] = collections.Counter()
    failures: list[str] = []
    for split, episode in episodes_of(name, num_episodes):
        record = {EPISODE: episode.to_json(), SPLIT: split}
        for subtask, renderer in renderers.items():
            for shown, found in renderer.rendered(record):
                examples[subtask] += len(found)
                for made in found:
                    wrong = problem(shown, subtask, made.inputs, made.targets)
                    if wrong is not None:
                        failures.append(f"{subtask} {episode.episode_id}: {wrong}")
    return Tally(name, dict(examples), failures)


def episodes_of(
    name: str, num_episodes: int | None, splits: Sequence[str] = SPLITS
) -> Iterator[tuple[str, Episode]]:
    """Yields splits and episodes of a source, the first `num_episodes` of each split."""
    source = SOURCES[name]
    division = source.division(source_locations().data_dir, source.settings())
    for split in splits:
        records = (record for record in division.records(split) if isinstance(record, Episode))
        for episode in itertools.islice(records, num_episodes):
            yield split, episode


def main() -> None:
    """Prints the table."""
    overrides, rest = configuration.split_overrides(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    configuration.add_arguments(parser, required=True)
    writing = [name for name in SOURCES_OF_SUBTASK[UMBRELLA] if name != "user"]
    parser.add_argument("--sources", nargs="+", default=writing, choices=writing)
    parser.add_argument("--num_workers", type=int, default=2)
    parser.add_argument("--episodes", type=int, default=None, help="of each split; default: all")
    arguments = parser.parse_args(rest)
    arguments.overrides = overrides
    print(f"{'source':<14}" + "".join(f"{subtask:>20}" for subtask in CALL_SUBTASKS) + "    wrong")
    num_wrong = 0
    spawned = multiprocessing.get_context("spawn")
    with spawned.Pool(arguments.num_workers, configuration.parse_arguments, (arguments,)) as pool:
        jobs = [pool.apply_async(check_source, (n, arguments.episodes)) for n in arguments.sources]
        for job in jobs:
            tally = job.get()
            counts = "".join(f"{tally.examples.get(s, 0):>20,}" for s in CALL_SUBTASKS)
            print(f"{tally.source:<14}{counts}{len(tally.failures):>9,}", flush=True)
            for failure in tally.failures[:_FAILURES_PRINTED]:
                print(f"    {failure}", flush=True)
            num_wrong += len(tally.failures)
    sys.exit(num_wrong > 0)


if __name__ == "__main__":
    main()
