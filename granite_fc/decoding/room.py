"""How many rows a batch has, and how many prompts are read at once."""

from __future__ import annotations

import jax.numpy as jnp

from granite_fc.models.config import DecoderConfig

# What the key/value cache of one device may take.
_CACHE_BYTES = 2**31
# Positions that keep a device busy while it reads prompts.
_PREFILL_POSITIONS = 2048


def rows_together(model: DecoderConfig, length: int, batch_shards: int, most: int) -> int:
    """Returns how many answers to write at once, so that their key/value cache fits.

    Args:
        model: The decoder.
        length: Slots that a prompt and its answer take.
        batch_shards: Parts that the mesh cuts a batch into, each on devices of its own.
        most: Most rows that are wanted.

    Returns:
        A multiple of `batch_shards`: at least one row a part, at most about `most` rows in all.
    """
    values = 2 * model.num_layers * model.num_kv_heads * model.head_dim * length
    fitting = _CACHE_BYTES // (values * jnp.dtype(model.compute_dtype).itemsize)
    return batch_shards * max(1, min(fitting, most // batch_shards))


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
