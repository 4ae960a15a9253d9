"""Answers to many requests, in rows that are taken again as their answers end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import gin

from granite_fc.decoding.batch import Batch
from granite_fc.decoding.programs import MOST_STEPS, Program
from granite_fc.decoding.request import Answer, Request, Written
from granite_fc.decoding.room import Room
from granite_fc.decoding.sampling import needed
from granite_fc.decoding.writing import Writing
from granite_fc.errors import ConfigurationError
from granite_fc.models.config import DecoderConfig
from granite_fc.models.logical import current_constraint, ways
from granite_fc.vocabularies.vocabulary import Vocabulary


@gin.configurable(module="granite_fc.decoding", denylist=["config", "params", "vocabulary"])
class Engine:
    """Lets a decoder answer requests.

    Many answers are written together, a row of a batch each, up to 32 tokens in one call of a
    compiled program. Beside an answer with a grammar all go token by token, since the host says
    what may come next. Rows that have ended take waiting requests when one in eight has, or at the
    end of a call. Prompts are read a few at a time, padded to one of few lengths, and n answers to
    one prompt share that. Nothing of this changes an answer: it depends on the request alone, up to
    the rounding of sums.

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
        cache_gib: float = 4.0,
    ) -> None:
        """Takes a decoder.

        Args:
            config: The decoder's shape.
            params: Its parameters, on any devices.
            vocabulary: Its ids; the id that ends an answer is the vocabulary's.
            most_rows: Answers that are written together: fewer where their cache would not fit, and
                at least one for each part that the mesh cuts a batch into.
            cache_gib: What keys and values may take on one device, in GiB. One row is taken even
                where that is not enough for it.

        Raises:
            ConfigurationError: The vocabulary has ids that the decoder has not, or a limit is not
                above 0.
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
        if not 0 < cache_gib < float("inf"):
            raise ConfigurationError("Engine.cache_gib", found=cache_gib, expected="more than 0")
        self._config = config
        self._params = params
        self._vocabulary = vocabulary
        self._constraint = current_constraint()
        self._room = Room(
            # A length of 0 is cut into as many parts as the mesh has.
            batch_shards=ways("activation_batch", 0),
            head_shards=ways("activation_kv_heads", config.num_kv_heads),
            most_rows=most_rows,
            cache_bytes=int(cache_gib * 2**30),
        )

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
        batch = Batch(
            Program(
                self._config,
                self._constraint,
                self._vocabulary.size,
                needed(request.sampling for request in requests),
            ),
            self._params,
            self._vocabulary.eos_id,
            self._room,
            waiting,
        )
        while True:
            yield from batch.refill()
            if not batch.is_busy:
                return
            yield from batch.go_on(steps)


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
