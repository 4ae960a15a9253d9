"""The rows of a batch on the devices, and how answers begin in them.

A row's slots in the cache are a region for the prompt, written when the row is taken, and a ring
for what follows, where all rows write the same slot at a time. The ring is as long as an answer
may be, so that a slot comes round again only when its row has long been taken by another answer.
What an answer before left in a row has segment 0, which nobody attends to.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from granite_fc.decoding.sampling import Draw
from granite_fc.models.cache import KEPT_AXES, Cache, init_cache
from granite_fc.models.config import DecoderConfig
from granite_fc.models.logical import Constraint, constrain, use_constraint, ways


class Rows(NamedTuple):
    """All arrays but those of `cache` are `[batch]`.

    Attributes:
        cache: Keys and values; `slot` is the ring's next.
        ring: int32 scalar, the ring's first slot.
        token: int32, the last token, which the decoder has not read yet.
        position: int32, where it stands.
        written: int32, tokens of the answer so far.
        limit: int32, most tokens of the answer.
        running: bool, whether the row writes an answer.
        draw: How the answer is drawn.
    """

    cache: Cache
    ring: jax.Array
    token: jax.Array
    position: jax.Array
    written: jax.Array
    limit: jax.Array
    running: jax.Array
    draw: Draw


class Beginning(NamedTuple):
    """Answers that begin, each array `[answers]` but `seed`.

    Attributes:
        source: int32, which row of the prefilled ones has the prompt.
        row: int32, which row to take; one that is not there begins nothing.
        token: int32, the prompt's last token, which is not among the prefilled.
        position: int32, where it stands: how many were prefilled.
        limit: int32, most tokens to write.
        seed: uint32 `[answers, 2]`, the high and the low word.
        sample: int32, number of the answer among those of its prompt.
        temperature: float32.
        top_k: int32.
        top_p: float32.
    """

    source: np.ndarray
    row: np.ndarray
    token: np.ndarray
    position: np.ndarray
    limit: np.ndarray
    seed: np.ndarray
    sample: np.ndarray
    temperature: np.ndarray
    top_k: np.ndarray
    top_p: np.ndarray


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3, 4))
def empty_rows(
    config: DecoderConfig, constraint: Constraint | None, batch: int, prompt: int, ring: int
) -> Rows:
    """Returns rows that write nothing.

    Args:
        config: The decoder's shape.
        constraint: The constraint to trace under.
        batch: Number of rows.
        prompt: Slots for a prompt.
        ring: Slots for what follows it.
    """
    with use_constraint(constraint):
        integers, reals = jnp.zeros(batch, jnp.int32), jnp.zeros(batch, jnp.float32)
        return laid_out(
            Rows(
                cache=init_cache(config, batch, prompt + ring)._replace(slot=jnp.int32(prompt)),
                ring=jnp.int32(prompt),
                token=integers,
                position=integers,
                written=integers,
                limit=integers,
                running=jnp.zeros(batch, bool),
                draw=Draw(jnp.zeros((batch, 2), jnp.uint32), reals, integers, reals),
            )
        )


def begin(
    constraint: Constraint | None,
    rows: Rows,
    keys: jax.Array,
    values: jax.Array,
    beginning: Beginning,
) -> Rows:
    """Lets rows begin new answers, in the place of what they did.

    Args:
        constraint: The constraint to trace under.
        rows: The rows as they are; given up.
        keys: Those of prefilled prompts, `[layers, prompts, kv_heads, length, head_dim]`. Padding
            may be longer than the region for prompts: nobody attends to it.
        values: As `keys`.
        beginning: The answers, padded to as many as there are rows.
    """
    cache = _with_prompts(
        constraint,
        rows.cache,
        keys,
        values,
        beginning.source,
        beginning.row,
        beginning.position,
        (beginning.row < len(beginning.row)).sum(dtype=np.int32),
    )
    return Rows(cache, rows.ring, *_begun(constraint, rows[2:], beginning))


@functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
def _with_prompts(
    constraint: Constraint | None,
    cache: Cache,
    keys: jax.Array,
    values: jax.Array,
    source: jax.Array,
    row: jax.Array,
    filled: jax.Array,
    count: jax.Array,
) -> Cache:
    """Copies prompts into rows of a cache, one after the other.

    A prompt may lie on other devices than its row. One at a time travels, so that what a device
    needs for it does not grow with the batch; all together, they would be on every device at once.

    Args:
        constraint: The constraint to trace under.
        cache: The rows' keys and values; given up.
        keys: Those of the prompts.
        values: As `keys`.
        source: int32 `[batch]`, which prompts to copy.
        row: int32 `[batch]`, and into which rows.
        filled: int32 `[batch]`, how many tokens they have.
        count: int32 scalar, how many to copy: the first of those listed.
    """
    slots = jnp.arange(cache.segment_ids.shape[1], dtype=jnp.int32)[None]

    def one(prompts: jax.Array, index: jax.Array) -> jax.Array:
        prompts = prompts[:, :, :, : slots.shape[1]]
        if ways(KEPT_AXES[1], prompts.shape[1]) == 1:
            prompt = jax.lax.dynamic_slice_in_dim(prompts, index, 1, 1)
        else:
            # Of what is cut, the partitioner would gather all to take a slice. It adds parts that
            # are 0 but for one's.
            places = jnp.arange(prompts.shape[1])[:, None, None, None]
            prompt = jnp.where(places == index, prompts, 0).sum(1, keepdims=True)
        return constrain(prompt, None, None, *KEPT_AXES[2:])

    def put(all_rows: jax.Array, of_row: jax.Array, *start: int | jax.Array) -> jax.Array:
        return jax.lax.dynamic_update_slice(all_rows, of_row.astype(all_rows.dtype), start)

    def copy(i: jax.Array, cache: Cache) -> Cache:
        at = row[i]
        return _cache_laid_out(
            cache._replace(
                keys=put(cache.keys, one(keys, source[i]), 0, at, 0, 0, 0),
                values=put(cache.values, one(values, source[i]), 0, at, 0, 0, 0),
                positions=put(cache.positions, slots, at, 0),
                segment_ids=put(cache.segment_ids, slots < filled[i], at, 0),
            )
        )

    with use_constraint(constraint):
        return jax.lax.fori_loop(0, count, copy, _cache_laid_out(cache))


@functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
def _begun(
    constraint: Constraint | None, of_rows: tuple[Any, ...], beginning: Beginning
) -> tuple[Any, ...]:
    """Returns what `Rows` has beside the cache, with answers begun in some rows."""
    with use_constraint(constraint):
        none = jnp.zeros_like(beginning.limit)
        limits = beginning.temperature, beginning.top_k, beginning.top_p
        keys = jax.vmap(_key_of)(beginning.seed, beginning.sample)
        draw = Draw(keys, *map(jnp.asarray, limits))
        begun = beginning.token, beginning.position, none, beginning.limit, none == 0, draw
        return _whole(
            jax.tree.map(
                lambda old, new: old.at[beginning.row].set(new, mode="drop"), of_rows, begun
            )
        )


@functools.partial(jax.jit, static_argnums=(0, 2, 3))
def with_shorter_prompts(constraint: Constraint | None, rows: Rows, prompt: int, ring: int) -> Rows:
    """Cuts the region for prompts to `prompt` slots, which hold those of all running rows."""
    with use_constraint(constraint):
        cache = rows.cache
        cut = cache.segment_ids.shape[1] - ring - prompt

        def shortened(x: jax.Array, axis: int) -> jax.Array:
            length = x.shape[axis]
            parts = (
                jax.lax.slice_in_dim(x, 0, prompt, axis=axis),
                jax.lax.slice_in_dim(x, length - ring, length, axis=axis),
            )
            return jnp.concatenate(parts, axis)

        cache = Cache(
            keys=shortened(cache.keys, 3),
            values=shortened(cache.values, 3),
            positions=shortened(cache.positions, 1),
            segment_ids=shortened(cache.segment_ids, 1),
            slot=cache.slot - cut,
        )
        return laid_out(rows._replace(cache=cache, ring=rows.ring - cut))


def laid_out(rows: Rows) -> Rows:
    """Lays rows out the same way wherever they come from, so that one program serves them all."""
    return Rows(_cache_laid_out(rows.cache), *_whole(rows[1:]))


def _cache_laid_out(cache: Cache) -> Cache:
    slots = "activation_batch", "activation_kv_length"
    return Cache(
        keys=constrain(cache.keys, *KEPT_AXES),
        values=constrain(cache.values, *KEPT_AXES),
        positions=constrain(cache.positions, *slots),
        segment_ids=constrain(cache.segment_ids, *slots),
        slot=constrain(cache.slot),
    )


def _whole(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    return jax.tree.map(lambda x: constrain(x, *(None,) * x.ndim), arrays)


def _key_of(seed: Any, sample: Any) -> jax.Array:
    key = jax.random.wrap_key_data(seed, impl="threefry2x32")
    return jax.random.key_data(jax.random.fold_in(key, sample))
