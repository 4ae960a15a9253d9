"""What is counted beside the loss, as sums that microbatches, hosts and packing leave alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from granite_fc.models.head import TokenStatistics

Batch = dict[str, jax.Array]
Sums = dict[str, jax.Array]


# (parameters, batch, dropout key or None, weight of the z-loss) -> the summed loss of a batch, and
# statistics. The loss is to be divided by the weights of the whole global batch.
LossFunction = Callable[[Any, Batch, jax.Array | None, float], tuple[jax.Array, TokenStatistics]]


def weighted_sums(
    statistics: TokenStatistics, batch: Batch, num_subtasks: int, z_loss: float
) -> Sums:
    """Returns the sums that a batch's metrics are made of.

    Args:
        statistics: Of every position.
        batch: `loss_weights` float32, `segment_ids`, `positions` and `subtask_ids` int32, [rows,
            positions].
        num_subtasks: `subtask_ids` lie in `range(num_subtasks)` where there is an example.
        z_loss: Weight of the squared log-partition function.

    Returns:
        float32 [num_subtasks] `weights`, `nll`, `correct`, `entropy` (each weighted) and
            `examples`, float32 scalars `z_loss` (weighted),
        `positions` (those that hold an example) and `attended` (pairs of a position and one
        that it attends to).
    """
    weights = batch["loss_weights"].astype(jnp.float32)
    present = batch["segment_ids"] > 0
    before = jnp.pad(batch["segment_ids"], ((0, 0), (1, 0)))[:, :-1]
    starts = present & (batch["segment_ids"] != before)
    member = batch["subtask_ids"] == jnp.arange(num_subtasks)[:, None, None]

    def by_subtask(values: jax.Array) -> jax.Array:
        return jnp.sum(jnp.where(member, values, 0.0), axis=(1, 2))

    z = z_loss * jnp.square(statistics.logsumexp)
    return {
        "weights": by_subtask(weights),
        "nll": by_subtask(weights * statistics.nll),
        "correct": by_subtask(weights * statistics.correct),
        "entropy": by_subtask(weights * statistics.entropy),
        "examples": by_subtask(starts.astype(jnp.float32)),
        "z_loss": jnp.sum(weights * z),
        "positions": jnp.sum(present, dtype=jnp.float32),
        "attended": jnp.sum(jnp.where(present, batch["positions"] + 1, 0), dtype=jnp.float32),
    }
