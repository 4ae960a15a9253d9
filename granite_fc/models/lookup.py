"""Rows of a table by number, for tables that are spread over devices."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from granite_fc.models.logical import AxisNames, constrain

# A device looks up its part of the width for the rows of all devices that hold other parts.
_AT_THE_TABLE = ("lookup_batch", "lookup_length", "embed")


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def look_up(table: jax.Array, ids: jax.Array, dtype: str, axes: AxisNames) -> jax.Array:
    """Returns `table[ids]` of type `dtype`.

    The table stays where it is: each device reads its part of the width, and what travels between
    devices, when the result is laid out as the residual stream, are the rows read, in `dtype`. The
    gradient goes the same way back and is summed in float32.

    Args:
        table: `[rows, width]`, as stored.
        ids: int32 `[batch, length]`.
        dtype: The type of the result.
        axes: The logical names of the table's axes.

    Returns:
        `[batch, length, width]`, laid out as the table, so that rows of several tables are added
            before they travel.
    """
    ids = constrain(ids, *_AT_THE_TABLE[:2])
    # Said again for the table, or the whole of one that is gathered for logits would be read.
    return constrain(constrain(table.astype(dtype), *axes)[ids], *_AT_THE_TABLE)


def _forward(
    table: jax.Array, ids: jax.Array, dtype: str, axes: AxisNames
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    # An empty slice carries the table's shape and type without keeping it alive.
    return look_up(table, ids, dtype, axes), (ids, table[:, :0])


def _backward(
    dtype: str, axes: AxisNames, saved: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, None]:
    ids, empty = saved
    ids = constrain(ids, *_AT_THE_TABLE[:2])
    gradient = constrain(gradient, *_AT_THE_TABLE)
    zeros = constrain(jnp.zeros((empty.shape[0], gradient.shape[-1]), jnp.float32), *axes)
    summed = zeros.at[ids].add(gradient.astype(jnp.float32))
    return constrain(summed, *axes).astype(empty.dtype), None


look_up.defvjp(_forward, _backward)
