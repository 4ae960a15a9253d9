"""The rows of one run, and which answer is written in which."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from granite_fc.decoding.buckets import bucket_length
from granite_fc.decoding.constraint import NoRoomError
from granite_fc.decoding.programs import Program, pick, score, write
from granite_fc.decoding.prompts import Prefilled, PromptReader
from granite_fc.decoding.request import Written
from granite_fc.decoding.room import Room, rows_for, rows_together
from granite_fc.decoding.rows import Beginning, Rows, begin, empty_rows, with_shorter_prompts
from granite_fc.decoding.writing import TOKENS_TO_A_LOOK, Writing

# Rows come back for requests when one in so many has ended.
_ROWS_A_REFILL = 8


class Batch:
    """The rows, on the devices and as the host knows them."""

    def __init__(
        self,
        program: Program,
        params: dict[str, Any],
        eos_id: int,
        room: Room,
        waiting: deque[Writing],
    ) -> None:
        """Makes empty rows for answers that wait, the longest prompts first."""
        self._program = program
        self._params = params
        self._eos_id = np.int32(eos_id)
        self._waiting = waiting
        self._prompt = bucket_length(waiting[0].prefilled)
        self._ring = bucket_length(max(writing.limit for writing in waiting))
        size = rows_together(program.config, room, self._prompt, self._ring, len(waiting))
        size = rows_for(len(waiting), room.batch_shards, size)
        self._of_row: list[Writing | None] = [None] * size
        prompts = len({writing.index for writing in waiting})
        self._reader = PromptReader(
            program.config, program.constraint, params, room.batch_shards, size, prompts
        )
        self._rows: Rows = empty_rows(
            program.config, program.constraint, size, self._prompt, self._ring
        )
        # Rows that the host has ended and the devices have not.
        self._stopped = np.zeros(size, bool)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is written in any row."""
        return any(writing is not None for writing in self._of_row)

    def refill(self) -> Iterator[Written]:
        """Lets free rows take waiting answers; tells of those that have no room to begin."""
        free = [row for row, writing in enumerate(self._of_row) if writing is None]
        self._shorten()
        starting: list[tuple[Writing, int, int]] = []
        reading: Prefilled | None = None
        while free and self._waiting:
            try:
                self._waiting[0].begin()
            except NoRoomError:
                yield self._waiting.popleft().without_room()
                continue
            prefilled, source = self._reader.prompt_of(self._waiting)
            if reading is not None and reading is not prefilled:
                self._begin(reading, starting)
                starting = []
            reading = prefilled
            starting.append((self._waiting.popleft(), source, free.pop(0)))
        if reading is not None:
            self._begin(reading, starting)

    def _shorten(self) -> None:
        """Halves the region for prompts where no prompt needs it any more, again and again."""
        if not self._waiting:
            return
        longest = max(
            self._waiting[0].prefilled,
            *(writing.prefilled for writing in self._of_row if writing is not None),
            0,
        )
        prompt = self._prompt
        while bucket_length(prompt // 2) == prompt // 2 >= longest:
            prompt //= 2
        if prompt < self._prompt:
            self._prompt = prompt
            self._rows = with_shorter_prompts(
                self._program.constraint, self._rows, prompt, self._ring
            )

    def _begin(self, prefilled: Prefilled, starting: list[tuple[Writing, int, int]]) -> None:
        """Lets answers begin, each from one of some prompts and in a row."""
        writings = [writing for writing, _, _ in starting]
        for writing, _, row in starting:
            self._of_row[row] = writing
        nobody = len(self._of_row)
        pad = nobody - len(starting)

        def column(dtype: type, values: list[Any], padding: Any) -> np.ndarray:
            return np.asarray(values + [padding] * pad, dtype)

        samplings = [writing.request.sampling for writing in writings]
        seeds = [writing.request.seed for writing in writings]
        self._rows = begin(
            self._program.constraint,
            self._rows,
            prefilled.keys,
            prefilled.values,
            Beginning(
                source=column(np.int32, [source for _, source, _ in starting], 0),
                row=column(np.int32, [row for _, _, row in starting], nobody),
                token=column(np.int32, [w.request.prompt[-1] for w in writings], 0),
                position=column(np.int32, [w.prefilled for w in writings], 0),
                limit=column(np.int32, [w.limit for w in writings], 0),
                seed=column(np.uint32, [[s >> 32, s & 0xFFFFFFFF] for s in seeds], [0, 0]),
                sample=column(np.int32, [w.sample for w in writings], 0),
                temperature=column(np.float32, [s.temperature for s in samplings], 0),
                top_k=column(np.int32, [s.top_k for s in samplings], 0),
                top_p=column(np.float32, [s.top_p for s in samplings], 1),
            ),
        )
        self._stopped[[row for _, _, row in starting]] = False

    def go_on(self, steps: int) -> Iterator[Written]:
        """Writes some tokens and tells which."""
        busy = [w for w in self._of_row if w is not None]
        if any(writing.constraint is not None for writing in busy):
            tokens = self._one_step()
            counts = np.ones(len(tokens), np.int32)
        else:
            if any(writing.request.complete is not None for writing in busy):
                steps = min(steps, TOKENS_TO_A_LOOK)
            enough = -(-len(self._of_row) // _ROWS_A_REFILL) if self._waiting else len(busy)
            self._rows, *written = write(
                self._program,
                self._params,
                self._rows,
                self._stopped,
                self._eos_id,
                np.int32(steps),
                np.int32(enough),
            )
            tokens, counts = jax.device_get(written)
        for row, writing in enumerate(self._of_row):
            if writing is None:
                continue
            told = writing.add(tokens[row, : counts[row]].tolist(), int(self._eos_id))
            if told.answer is not None:
                self._of_row[row] = None
                self._stopped[row] = True
            yield told

    def _one_step(self) -> np.ndarray:
        self._rows, scores = score(self._program, self._params, self._rows, self._stopped)
        # While the devices read the last tokens, the host works out what may follow.
        masks = np.full((len(self._of_row), -(-scores.shape[1] // 32)), -1, np.int32)
        for writing, mask in zip(self._of_row, masks, strict=True):
            if writing is not None:
                writing.allow(mask)
        self._rows, tokens = pick(self._program, self._rows, scores, masks, self._eos_id)
        return jax.device_get(tokens)[:, None]
