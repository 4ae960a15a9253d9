"""The unit of the cache writer's work: one shard of one source, for all tasks that read it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from granite_fc.data import cache_files, seqio_examples
from granite_fc.data.line_memo import LineMemo
from granite_fc.data.shard_writer import ShardPaths, ShardWriter
from granite_fc.vocabularies.vocabulary import Vocabulary

# Called with the examples and tokens that were written since the last call.
Report = Callable[[int, int], None]
_EXAMPLES_BETWEEN_REPORTS = 200


@dataclasses.dataclass(frozen=True)
class Unit:
    """One shard of one split.

    What a shard holds depends on the source alone, not on how many processes share the work.

    Attributes:
        tasks: The tasks whose shard it is; they read one source.
        split: The split's name.
        index: Which shard.
        num_shards: Number of shards of the split.
    """

    tasks: tuple[str, ...]
    split: str
    index: int
    num_shards: int

    def paths(self, cache_dir: str | Path, task: str) -> ShardPaths:
        """The files of this shard in a task's unfinished folder."""
        folder = cache_files.unfinished_folder(cache_dir, task)
        return ShardPaths(folder, self.split, self.index, self.num_shards)

    def without_finished(self, cache_dir: str | Path) -> Unit | None:
        """Returns the unit without the tasks that have this shard; None where all have it."""
        unfinished = tuple(
            task for task in self.tasks if self.paths(cache_dir, task).read_counts() is None
        )
        return dataclasses.replace(self, tasks=unfinished) if unfinished else None


class UnitWriter:
    """Writes units; one in every process."""

    def __init__(self, cache_dir: str | Path, vocabulary: Vocabulary) -> None:
        """Begins with nothing tokenised.

        Args:
            cache_dir: The folder of all caches.
            vocabulary: The vocabulary.
        """
        self._cache_dir = cache_dir
        self._vocabulary = vocabulary
        self._memo = LineMemo(vocabulary)

    def write(self, unit: Unit, report: Report) -> None:
        """Writes the shards of one unit.

        Args:
            unit: The unit.
            report: Told now and then how much was written.

        Raises:
            ConfigurationError: The tasks cannot make examples as they are configured.
        """
        writers = {
            task: ShardWriter(
                cache_files.unfinished_folder(self._cache_dir, task),
                unit.split,
                unit.index,
                unit.num_shards,
                self._vocabulary,
                self._memo,
            )
            for task in unit.tasks
        }
        try:
            outcomes = self._fill(unit, writers, _Reporter(writers, report))
            for task, writer in writers.items():
                writer.finish(outcomes.get(task, {}))
        except BaseException:
            for writer in writers.values():
                writer.abandon()
            raise

    def _fill(
        self, unit: Unit, writers: dict[str, ShardWriter], reporter: _Reporter
    ) -> dict[str, dict[str, int]]:
        tasks = {name: seqio_examples.registered_task(name) for name in unit.tasks}
        shard = (unit.split, unit.index, unit.num_shards)
        first = next(iter(tasks.values()))
        functions = {
            name: function
            for name, task in tasks.items()
            if (function := seqio_examples.plain_function(task)) is not None
        }
        if not functions:
            writer = writers[first.name]
            for inputs, targets in seqio_examples.preprocessed_examples(first, *shard):
                writer.add_ids(inputs, targets)
                reporter.tick()
            reporter.flush()
            return {}
        outcomes = {name: seqio_examples.count_outcomes(plain) for name, plain in functions.items()}
        for position, example in enumerate(seqio_examples.source_examples(first, *shard)):
            for name, function in functions.items():
                writer = writers[name]
                try:
                    examples = list(function(example))
                except ValueError as error:
                    reason = str(error).partition(":")[0] or type(error).__name__
                    place = {"shard": unit.index, "position": position}
                    writer.reject(reason, str(error), place)
                    continue
                for made in examples:
                    metadata = dict(made)
                    writer.add(metadata.pop("inputs"), metadata.pop("targets"), metadata)
            reporter.tick()
        reporter.flush()
        return {name: count() for name, count in outcomes.items()}


class _Reporter:
    """Passes on the sums of several writers every few source examples."""

    def __init__(self, writers: dict[str, ShardWriter], report: Report) -> None:
        self._writers = writers.values()
        self._report = report
        self._ticks = 0
        self._reported = (0, 0)

    def tick(self) -> None:
        self._ticks += 1
        if self._ticks % _EXAMPLES_BETWEEN_REPORTS == 0:
            self.flush()

    def flush(self) -> None:
        examples = sum(writer.examples for writer in self._writers)
        tokens = sum(writer.tokens for writer in self._writers)
        self._report(examples - self._reported[0], tokens - self._reported[1])
        self._reported = (examples, tokens)
