"""Prompts that are read before rows are free for their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from granite_fc.decoding.buckets import reading_length
from granite_fc.decoding.programs import prefill
from granite_fc.decoding.room import prompts_together
from granite_fc.decoding.writing import Writing
from granite_fc.models.config import DecoderConfig
from granite_fc.models.logical import Constraint


class Prefilled(NamedTuple):
    """Prompts that were read together.

    Attributes:
        keys: `[layers, prompts, kv_heads, length, head_dim]`.
        values: As `keys`.
        place: Number of a request to which of them is its prompt.
    """

    keys: jax.Array
    values: jax.Array
    place: dict[int, int]


class PromptReader:
    """Reads the prompts of waiting answers, several at a time, and keeps them until they begin."""

    def __init__(
        self,
        config: DecoderConfig,
        constraint: Constraint | None,
        params: dict[str, Any],
        batch_shards: int,
        rows: int,
        prompts: int,
    ) -> None:
        """Takes what prompts are read with.

        Args:
            config: The decoder's shape.
            constraint: The constraint to trace under.
            params: The decoder's parameters.
            batch_shards: Parts that the mesh cuts a batch into.
            rows: Rows of the batch.
            prompts: How many there are to read in all.
        """
        self._config = config
        self._constraint = constraint
        self._params = params
        self._batch_shards = batch_shards
        self._rows = rows
        self._prompts = prompts
        self._read: Prefilled | None = None

    def prompt_of(self, waiting: Sequence[Writing]) -> tuple[Prefilled, int]:
        """Returns the prompts among which the first of the waiting answers' is, and which it is.

        Args:
            waiting: Answers in the order in which they will begin, those of a request together.
        """
        first = waiting[0]
        if self._read is None or first.index not in self._read.place:
            self._read = self._read_some(waiting, reading_length(first.prefilled))
        return self._read, self._read.place[first.index]

    def _read_some(self, waiting: Sequence[Writing], length: int) -> Prefilled:
        # As many places for each length, so that the last prompts need no shape of their own.
        count = prompts_together(length, self._prompts, self._batch_shards, self._rows)
        tokens = np.zeros((count, length), np.int32)
        lengths = np.zeros(count, np.int32)
        place: dict[int, int] = {}
        for writing in waiting:
            if writing.index in place:
                continue
            if len(place) == count:
                break
            row = place[writing.index] = len(place)
            lengths[row] = writing.prefilled
            tokens[row, : writing.prefilled] = writing.request.prompt[:-1]
        keys, values = prefill(self._config, self._constraint, self._params, tokens, lengths)
        return Prefilled(keys, values, place)
