"""Answers to many requests, in rows that are taken again as their answers end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gin
import jax

from granite_fc.decoding.batch import Batch
from granite_fc.decoding.programs import MOST_STEPS, Program
from granite_fc.decoding.request import Answer, Request, Written
from granite_fc.decoding.room import Room
from granite_fc.decoding.sampling import needed
from granite_fc.decoding.writing import Writing
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.attach import join, split
from granite_fc.models.config import DecoderConfig
from granite_fc.models.logical import current_constraint, ways
from granite_fc.vocabularies.vocabulary import Vocabulary


@gin.configurable(
    module="granite_fc.decoding", denylist=["config", "params", "vocabulary", "adapters"]
)
class Engine:
    """Lets a decoder answer requests.

    Many answers are written together, a row of a batch each, up to 32 tokens in one call of a
    compiled program. Beside an answer with a grammar all go token by token, since the host says
    what may come next. Rows that have ended take waiting requests when one in eight has, or at the
    end of a call. Prompts are read a few at a time, padded to one of few lengths, and n answers to
    one prompt share that. Nothing of this changes an answer: it depends on the request alone, up to
    the rounding of sums.

    Several adapters may stand beside one frozen base, one a sub-task for instance. Requests that
    name the same are answered together, one such group after the other; the base is held once.

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
        adapters: Mapping[str, dict[str, Any]] | None = None,
        most_rows: int = 64,
        cache_gib: float = 4.0,
    ) -> None:
        """Takes a decoder.

        Args:
            config: The decoder's shape.
            params: Its parameters, on any devices.
            vocabulary: Its ids; the id that ends an answer is the vocabulary's.
            adapters: Others than those in `params` that requests may name, each the adapters' part
                of parameters (`granite_fc.models.adapters.attach.split`) of the same `config`.
            most_rows: Answers that are written together: fewer where their cache would not fit, and
                at least one for each part that the mesh cuts a batch into.
            cache_gib: What keys and values may take on one device, in GiB. One row is taken even
                where that is not enough for it.

        Raises:
            ConfigurationError: The vocabulary has ids that the decoder has not, a limit is not
                above 0, or adapters are not those of the decoder.
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
        own, self._frozen = split(params)
        for name, other in (adapters or {}).items():
            if not self._frozen or _shapes(other) != _shapes(own):
                raise ConfigurationError(
                    f"adapters[{name!r}]",
                    found="adapters of other projections or of another rank"
                    if self._frozen
                    else "adapters beside a model that has none",
                    expected="those of the model's DecoderConfig.adapter",
                )
        self._config = config
        self._params = params
        self._adapters = dict(adapters or {})
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
            _check(self._config, index, request, self._adapters)
        return self._run(requests, min(max(steps, 1), MOST_STEPS))

    def _run(self, requests: Sequence[Request], steps: int) -> Iterator[Written]:
        for adapter in dict.fromkeys(request.adapter for request in requests):
            chosen = [index for index, each in enumerate(requests) if each.adapter == adapter]
            params = self._params
            if adapter is not None:
                params = join(self._adapters[adapter], self._frozen)
            yield from self._run_with(params, requests, chosen, steps)

    def _run_with(
        self, params: dict[str, Any], requests: Sequence[Request], chosen: list[int], steps: int
    ) -> Iterator[Written]:
        """Answers some of the requests with some parameters."""
        # The longest prompts come first, so that a batch that does not fit into memory fails at
        # once, and the rows' region for prompts only ever shrinks.
        order = sorted(chosen, key=lambda index: -len(requests[index].prompt))
        waiting = deque(
            Writing(index, sample, requests[index], self._config, self._vocabulary)
            for index in order
            for sample in range(requests[index].samples)
        )
        batch = Batch(
            Program(
                self._config,
                self._constraint,
                self._vocabulary.size,
                needed(requests[index].sampling for index in chosen),
            ),
            params,
            self._vocabulary.eos_id,
            self._room,
            waiting,
        )
        while True:
            yield from batch.refill()
            if not batch.is_busy:
                return
            yield from batch.go_on(steps)


def _shapes(params: dict[str, Any]) -> Any:
    return jax.tree.map(lambda leaf: leaf.shape, params)


def _check(
    config: DecoderConfig, index: int, request: Request, adapters: Mapping[str, Any]
) -> None:
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
    if request.adapter is not None and request.adapter not in adapters:
        raise ConfigurationError(
            f"requests[{index}].adapter",
            found=request.adapter,
            expected=f"one of {', '.join(adapters) or '(there are none)'}",
        )
    if request.seed >= 2**64:
        raise ConfigurationError(
            f"requests[{index}].seed", found=request.seed, expected="at most 2**64 - 1"
        )
