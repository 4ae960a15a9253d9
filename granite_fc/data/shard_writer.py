"""One shard of one task's cache, written example by example."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from array_record.python.array_record_module import ArrayRecordWriter

from granite_fc.data import cache_files
from granite_fc.data.line_memo import LineMemo
from granite_fc.data.record import encode_record
from granite_fc.vocabularies.vocabulary import Vocabulary

# Records are read one at a time; ids of uint16 are small as they are.
_WRITER_OPTIONS = "group_size:1,uncompressed"
_ENDS_A_LINE = re.compile(r"[!-~]\n\Z")
_BEGINS_A_LINE = re.compile(r"[!-~]")


@dataclasses.dataclass(frozen=True)
class ShardCounts:
    """What a finished shard holds.

    Attributes:
        examples: Number of examples.
        tokens: Their tokens.
        outcomes: What else became of the source's examples, by reason.
        rejected: Number of rejected examples by reason.
    """

    examples: int
    tokens: int
    outcomes: Mapping[str, int]
    rejected: Mapping[str, int]


class ShardWriter:
    """Writes one shard beside the others in a task's unfinished folder.

    A shard is there in full or not at all: its counts are written last, and what a writer that was
    killed has left is not looked at again.
    """

    def __init__(
        self,
        folder: Path,
        split: str,
        index: int,
        num_shards: int,
        vocabulary: Vocabulary,
        memo: LineMemo,
    ) -> None:
        """Begins an empty shard.

        Args:
            folder: The task's unfinished folder.
            split: The split's name.
            index: Which of the split's shards this is.
            num_shards: Number of shards of the split.
            vocabulary: The vocabulary.
            memo: Its memo, which several writers may share.
        """
        self._paths = ShardPaths(folder, split, index, num_shards)
        self._unfinished = folder / f".{self._paths.records.name}.{os.getpid()}"
        self._writer = ArrayRecordWriter(str(self._unfinished), _WRITER_OPTIONS)
        self._vocabulary = vocabulary
        self._memo = memo
        self._eos = np.array([vocabulary.eos_id], memo.dtype).tobytes()
        self._lengths: list[tuple[int, int]] = []
        self._rejects: list[str] = []
        self._reasons: collections.Counter[str] = collections.Counter()
        self.tokens = 0

    @property
    def examples(self) -> int:
        """Number of examples so far."""
        return len(self._lengths)

    def add(self, inputs: str, targets: str, metadata: Mapping[str, Any] | None = None) -> None:
        """Tokenises one example and adds it, its end of sequence included.

        It is rejected where it has no targets, or where a prompt tokenised alone, as at inference,
        would not be the beginning of the example.
        """
        if not targets:
            self.reject("no_targets", inputs[-80:], metadata)
            return
        input_ids, target_ids = self._memo.encode(inputs), self._memo.encode(targets)
        if not _is_boundary(inputs, targets):
            together = np.array(self._vocabulary.encode(inputs + targets), self._memo.dtype)
            if together.tobytes() != input_ids + target_ids:
                self.reject("no_token_boundary", f"{inputs[-40:]!r} {targets[:40]!r}", metadata)
                return
        self._write(input_ids, target_ids + self._eos, metadata)

    def add_ids(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        """Adds one example of ids; the end of sequence is appended where it is not there."""
        if not len(targets):
            self.reject("no_targets", "")
            return
        target_ids = targets.astype(self._memo.dtype).tobytes()
        if targets[-1] != self._vocabulary.eos_id:
            target_ids += self._eos
        self._write(inputs.astype(self._memo.dtype).tobytes(), target_ids, None)

    def reject(self, reason: str, detail: str, metadata: Mapping[str, Any] | None = None) -> None:
        """Counts and lists an example that is not used."""
        self._reasons[reason] += 1
        entry = {"reason": reason, "detail": detail, **(metadata or {})}
        self._rejects.append(json.dumps(entry, sort_keys=True))

    def finish(self, outcomes: Mapping[str, int]) -> ShardCounts:
        """Closes the shard; from here on it counts as written.

        Args:
            outcomes: What else became of the source's examples, by reason.
        """
        self._writer.close()
        cache_files.sync(self._unfinished)
        self._unfinished.replace(self._paths.records)
        np.save(self._paths.lengths, np.array(self._lengths, np.uint32).reshape(-1, 2))
        text = "".join(f"{line}\n" for line in self._rejects)
        self._paths.rejects.write_text(text, encoding="utf-8")
        counts = ShardCounts(self.examples, self.tokens, dict(outcomes), dict(self._reasons))
        cache_files.write_json(self._paths.counts, dataclasses.asdict(counts))
        return counts

    def abandon(self) -> None:
        """Closes the shard without keeping it."""
        self._writer.close()
        with contextlib.suppress(FileNotFoundError):
            self._unfinished.unlink()

    def _write(self, inputs: bytes, targets: bytes, metadata: Mapping[str, Any] | None) -> None:
        dtype = self._memo.dtype
        num_inputs = len(inputs) // dtype.itemsize
        num_tokens = num_inputs + len(targets) // dtype.itemsize
        self._writer.write(encode_record(inputs + targets, dtype, num_inputs, metadata))
        self._lengths.append((num_tokens, num_inputs))
        self.tokens += num_tokens


class ShardPaths:
    """The files of one shard: `records` stay, the others are merged into the split's."""

    def __init__(self, folder: Path, split: str, index: int, num_shards: int) -> None:
        name = cache_files.shard_name(split, index, num_shards)
        self.records = folder / f"{name}.arrayrecord"
        self.lengths = folder / f"{name}.lengths.npy"
        self.rejects = folder / f"{name}.rejects.jsonl"
        self.counts = folder / f"{name}.counts.json"

    def read_counts(self) -> ShardCounts | None:
        """Returns the counts of a finished shard, or None."""
        try:
            return ShardCounts(**json.loads(self.counts.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None


def _is_boundary(inputs: str, targets: str) -> bool:
    """Whether every vocabulary promises that ids add up here."""
    return bool(_ENDS_A_LINE.search(inputs, max(len(inputs) - 2, 0))) and bool(
        _BEGINS_A_LINE.match(targets)
    )
