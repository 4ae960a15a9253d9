"""How many rows a batch has, and how many prompts are read at once."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from granite_fc.decoding.buckets import reading_length
from granite_fc.models.config import DecoderConfig

# Positions that keep a device busy while it reads prompts.
_PREFILL_POSITIONS = 2048


class Room(NamedTuple):
    """What a batch may take.

    Attributes:
        batch_shards: Parts that the mesh cuts a batch into, each on devices of its own.
        head_shards: Parts that it cuts keys and values into by their heads.
        most_rows: Most rows that are wanted.
        cache_bytes: What keys and values may take on one device.
    """

    batch_shards: int
    head_shards: int
    most_rows: int
    cache_bytes: int


def rows_together(model: DecoderConfig, room: Room, prompt: int, ring: int, answers: int) -> int:
    """Returns how many answers to write at once, so that their keys and values fit.

    Beside the rows' there are those of prompts: of some that are being read while others, read
    before, begin. Where rows are taken again there are for a moment two copies of the rows', the
    second with half the region for prompts.

    Args:
        model: The decoder.
        room: What there is.
        prompt: Slots for the prompt of a row.
        ring: Slots for its answer.
        answers: How many there are to write.

    Returns:
        A multiple of `batch_shards`: at least one row a part, at most about `most_rows` in all.
    """
    of_slot = 2 * model.num_layers * model.num_kv_heads * model.head_dim // room.head_shards
    slots = room.cache_bytes // (of_slot * jnp.dtype(model.compute_dtype).itemsize)
    slots -= 2 * max(_PREFILL_POSITIONS, reading_length(prompt))

    def fitting(of_row: int) -> int:
        of_part = min(slots // of_row, room.most_rows // room.batch_shards)
        return room.batch_shards * max(1, of_part)

    rows = fitting(prompt + ring)
    return rows if answers <= rows else fitting(prompt + ring + prompt // 2 + ring)


def rows_for(answers: int, batch_shards: int, most: int) -> int:
    """Returns the least of `batch_shards` x 1, 2, 4, ... rows that hold `answers`, or `most`."""
    rows = batch_shards
    while rows < answers:
        rows *= 2
    return min(rows, most)


def prompts_together(length: int, prompts: int, batch_shards: int, rows: int) -> int:
    """Returns how many prompts to read at once.

    Args:
        length: Positions that each is padded to.
        prompts: How many there are to read.
        batch_shards: Parts that the mesh cuts a batch into.
        rows: Rows of the batch: as many prompts at most.
    """
    of_part = max(1, _PREFILL_POSITIONS // length)
    return rows_for(prompts, batch_shards, min(rows, of_part * batch_shards))
