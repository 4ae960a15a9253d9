"""The validation examples of one task, packed once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from granite_fc.data.assembly import Batch, assemble
from granite_fc.data.examples import TokenizedExamples
from granite_fc.data.packing import pack
from granite_fc.data.permutation import key_of, shuffled
from granite_fc.data.planner import PlannedRow
from granite_fc.data.too_long import TooLong, fitting_examples
from granite_fc.errors import ConfigurationError


class EvaluationBatches:
    """A fixed list of batches that holds every example once.

    The last batch is filled up with rows without examples. Records are read when a batch is asked
    for.

    Args:
        examples: The examples of one task.
        subtask_id: The number under which their losses are counted.
        sequence_length: Positions a row.
        batch_size: Rows a batch, over all hosts.
        limit: Take only so many examples, chosen by `seed`; a smaller choice is part of a larger
            one.
        seed: Keys that choice, and nothing else.
        too_long: What to do with examples that fit no row: see `Batches`.
        rows: Which rows of each batch to return; all if None. A host asks for its own.

    Attributes:
        num_examples: Examples in the batches.
        num_too_long: Examples left out because they fit no row.

    Raises:
        ConfigurationError: There are no examples, one is too long, or `limit` is below 1.
    """

    def __init__(
        self,
        examples: TokenizedExamples,
        *,
        subtask_id: int,
        sequence_length: int,
        batch_size: int,
        limit: int | None = None,
        seed: int = 0,
        too_long: TooLong = "drop",
        rows: slice | None = None,
    ) -> None:
        if limit is not None and limit < 1:
            raise ConfigurationError(
                "limit of the evaluation's examples", found=limit, expected="at least 1, or None"
            )
        lengths = examples.lengths
        fitting = fitting_examples(examples.name, lengths, sequence_length, too_long)
        chosen = fitting[shuffled(len(fitting), key_of(seed, "evaluation", examples.name))]
        chosen = np.sort(chosen[:limit]).astype(np.int64)
        taken = lengths[chosen].astype(np.int64) - 1
        row_of, num_rows = pack(taken, sequence_length)
        padded = -(-num_rows // batch_size) * batch_size
        order = np.argsort(row_of, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(row_of, minlength=padded))])
        self._rows = [
            PlannedRow(np.zeros(end - start, np.int64), chosen[part], taken[part])
            for start, end in itertools.pairwise(starts.tolist())
            for part in [order[start:end]]
        ]
        self._examples = examples
        self._subtask_id = subtask_id
        self._sequence_length = sequence_length
        self._batch_size = batch_size
        self._wanted = rows or slice(None)
        self.num_examples = len(chosen)
        self.num_too_long = len(lengths) - len(fitting)

    def __len__(self) -> int:
        return len(self._rows) // self._batch_size

    def __getitem__(self, number: int) -> Batch:
        """Reads one batch; see `granite_fc.data.assembly.assemble`."""
        first = range(0, len(self._rows), self._batch_size)[number]
        return assemble(
            self._rows[first : first + self._batch_size][self._wanted],
            [self._examples],
            [self._subtask_id],
            self._sequence_length,
        )

    def __iter__(self) -> Iterator[Batch]:
        return (self[number] for number in range(len(self)))
