"""Answers to many requests, with rows that take a waiting request as soon as they are free."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from granite_fc.decoding.buckets import bucket_length
from granite_fc.decoding.programs import MOST_STEPS, Program, pick, score, write
from granite_fc.decoding.prompts import Prefilled, PromptReader
from granite_fc.decoding.request import Answer, Request, Written
from granite_fc.decoding.room import rows_for, rows_together
from granite_fc.decoding.rows import Beginning, Rows, begin, empty_rows, with_shorter_prompts
from granite_fc.decoding.sampling import needed
from granite_fc.decoding.writing import Writing
from granite_fc.errors import ConfigurationError
from granite_fc.models.config import DecoderConfig
from granite_fc.models.logical import current_constraint, ways
from granite_fc.vocabularies.vocabulary import Vocabulary

# Tokens between two looks at whether an answer is complete.
_STEPS_TO_COMPLETION = 8
# Rows come back for requests when one in so many has ended.
_ROWS_A_REFILL = 8


class Engine:
    """Lets a decoder answer requests.

    Many answers are written together, a row of a batch each. Prompts are read a few at a time,
    padded to one of few lengths, and n answers to one prompt share that. A row that has ended takes
    a waiting request at once. Nothing of this changes an answer: it depends on the request alone,
    up to the rounding of sums.

    The parameters are used where they lie, under the constraint in force when the engine is made
    (see `granite_fc.sharding.activate`). Where there are several processes, each makes the same
    engine and asks the same.
    """

    def __init__(
        self,
        config: DecoderConfig,
        params: dict[str, Any],
        vocabulary: Vocabulary,
        *,
        most_rows: int = 64,
    ) -> None:
        """Takes a decoder.

        Args:
            config: The decoder's shape.
            params: Its parameters, on any devices.
            vocabulary: Its ids; the id that ends an answer is the vocabulary's.
            most_rows: Answers that are written together: fewer where their cache would not fit, and
                at least one for each part that the mesh cuts a batch into.

        Raises:
            ConfigurationError: The vocabulary has ids that the decoder has not.
        """
        if vocabulary.size > config.vocab_size:
            raise ConfigurationError(
                "vocabulary",
                found=f"{vocabulary.size} ids in {vocabulary.name}",
                expected=f"at most {config.vocab_size}, the model's vocab_size",
                remedy="Name the vocabulary that the model was trained with.",
            )
        if most_rows < 1:
            raise ConfigurationError("Engine.most_rows", found=most_rows, expected="at least 1")
        self._config = config
        self._params = params
        self._vocabulary = vocabulary
        self._most_rows = most_rows
        self._constraint = current_constraint()
        # A length of 0 is cut into as many parts as the mesh has.
        self._batch_shards = ways("activation_batch", 0)

    def answer(self, requests: Sequence[Request]) -> list[list[Answer]]:
        """Answers every request.

        Args:
            requests: What to answer, in any order; similar ones need not be neighbours.

        Returns:
            For each request its answers, one a sample.

        Raises:
            ConfigurationError: A request cannot be answered.
        """
        answers: list[list[Answer | None]] = [[None] * request.samples for request in requests]
        for written in self.stream(requests):
            if written.answer is not None:
                answers[written.request][written.sample] = written.answer
        return [[answer for answer in each if answer is not None] for each in answers]

    def stream(self, requests: Sequence[Request], *, steps: int = MOST_STEPS) -> Iterator[Written]:
        """Answers every request and tells what is written as it is written.

        Args:
            requests: What to answer.
            steps: Most tokens of an answer between two words of it, from 1 to 32: fewer are heard
                of sooner, more are written faster.

        Returns:
            An iterator over what is added to answers, in the order in which it happens. It has to
            be followed to its end, or dropped, before the parameters are given away.

        Raises:
            ConfigurationError: A request cannot be answered.
        """
        for index, request in enumerate(requests):
            _check(self._config, index, request)
        return self._run(requests, min(max(steps, 1), MOST_STEPS))

    def _run(self, requests: Sequence[Request], steps: int) -> Iterator[Written]:
        # The longest prompts come first, so that a batch that does not fit into memory fails at
        # once, and the rows' region for prompts only ever shrinks.
        order = sorted(range(len(requests)), key=lambda index: -len(requests[index].prompt))
        waiting = deque(
            Writing(index, sample, requests[index], self._config, self._vocabulary)
            for index in order
            for sample in range(requests[index].samples)
        )
        if not waiting:
            return
        batch = _Batch(
            Program(
                self._config,
                self._constraint,
                self._vocabulary.size,
                needed(request.sampling for request in requests),
            ),
            self._params,
            self._vocabulary.eos_id,
            self._batch_shards,
            self._most_rows,
            waiting,
        )
        while batch.refill():
            yield from batch.go_on(steps)


class _Batch:
    """The rows, on the devices and as the host knows them."""

    def __init__(
        self,
        program: Program,
        params: dict[str, Any],
        eos_id: int,
        batch_shards: int,
        most_rows: int,
        waiting: deque[Writing],
    ) -> None:
        """Makes empty rows for answers that wait, the longest prompts first."""
        self._program = program
        self._params = params
        self._eos_id = np.int32(eos_id)
        self._waiting = waiting
        self._prompt = bucket_length(waiting[0].prefilled)
        self._ring = bucket_length(max(writing.limit for writing in waiting))
        size = rows_together(program.config, self._prompt + self._ring, batch_shards, most_rows)
        size = rows_for(len(waiting), batch_shards, size)
        self._of_row: list[Writing | None] = [None] * size
        prompts = len({writing.index for writing in waiting})
        self._reader = PromptReader(
            program.config, program.constraint, params, batch_shards, size, prompts
        )
        self._rows: Rows = empty_rows(
            program.config, program.constraint, size, self._prompt, self._ring
        )
        # Rows that the host has ended and the devices have not.
        self._stopped = np.zeros(size, bool)

    def refill(self) -> bool:
        """Lets free rows take waiting answers; returns whether any row has one."""
        free = [row for row, writing in enumerate(self._of_row) if writing is None]
        self._shorten()
        starting: list[tuple[Writing, int, int]] = []
        reading: Prefilled | None = None
        for row in free:
            if not self._waiting:
                break
            prefilled, source = self._reader.prompt_of(self._waiting)
            if reading is not None and reading is not prefilled:
                self._begin(reading, starting)
                starting = []
            reading = prefilled
            writing = self._waiting.popleft()
            writing.begin()
            self._of_row[row] = writing
            starting.append((writing, source, row))
        if reading is not None:
            self._begin(reading, starting)
        return any(writing is not None for writing in self._of_row)

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
                steps = min(steps, _STEPS_TO_COMPLETION)
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


def _check(config: DecoderConfig, index: int, request: Request) -> None:
    if not 1 <= len(request.prompt) <= config.max_positions:
        raise ConfigurationError(
            f"requests[{index}].prompt",
            found=f"{len(request.prompt)} tokens",
            expected=f"1 to {config.max_positions} tokens, the model's max_positions",
            remedy="Shorten the prompt." if request.prompt else "",
        )
    for name, least in (("max_new_tokens", 1), ("samples", 1), ("seed", 0)):
        if getattr(request, name) < least:
            raise ConfigurationError(
                f"requests[{index}].{name}",
                found=getattr(request, name),
                expected=f"at least {least}",
            )
    if request.seed >= 2**64:
        raise ConfigurationError(
            f"requests[{index}].seed", found=request.seed, expected="at most 2**64 - 1"
        )
