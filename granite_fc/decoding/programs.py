"""What runs on the devices: prompts are read, and tokens written."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from granite_fc.decoding.rows import Rows, laid_out
from granite_fc.decoding.sampling import Choice, choose
from granite_fc.models.cached_decoder import extend, read
from granite_fc.models.config import DecoderConfig
from granite_fc.models.head import logits
from granite_fc.models.logical import Constraint, constrain, use_constraint

# Most tokens that a row writes in one call.
MOST_STEPS = 32
# What scores less than any id that a model may choose, and more than what is not allowed.
_LEAST = -2e30


class Program(NamedTuple):
    """What programs are compiled for.

    Attributes:
        config: The decoder's shape.
        constraint: The constraint to trace under.
        num_ids: Ids that the vocabulary has; those beyond are never chosen.
        choice: What choosing a token may take.
    """

    config: DecoderConfig
    constraint: Constraint | None
    num_ids: int
    choice: Choice


@functools.partial(jax.jit, static_argnums=(0, 1))
def prefill(
    config: DecoderConfig,
    constraint: Constraint | None,
    params: dict[str, Any],
    tokens: jax.Array,
    lengths: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Reads prompts.

    Args:
        config: The decoder's shape.
        constraint: The constraint to trace under.
        params: The decoder's parameters.
        tokens: int32 `[prompts, length]`, from the left.
        lengths: int32 `[prompts]`, tokens of each.

    Returns:
        Keys and values, each `[layers, prompts, kv_heads, length, head_dim]`.
    """
    with use_constraint(constraint):
        positions = jnp.broadcast_to(jnp.arange(tokens.shape[1], dtype=jnp.int32), tokens.shape)
        segment_ids = (positions < lengths[:, None]).astype(jnp.int32)
        return read(config, params, tokens, positions, segment_ids)


@functools.partial(jax.jit, static_argnums=0, donate_argnums=2)
def write(
    program: Program,
    params: dict[str, Any],
    rows: Rows,
    stopped: jax.Array,
    eos_id: jax.Array,
    most_steps: jax.Array,
    enough_ended: jax.Array,
) -> tuple[Rows, jax.Array, jax.Array]:
    """Writes tokens until rows have to be looked at.

    Args:
        program: What to compile for.
        params: The decoder's parameters.
        rows: The rows; given up.
        stopped: bool `[batch]`, rows to write no more in.
        eos_id: int32 scalar.
        most_steps: int32 scalar, at most `MOST_STEPS`: tokens after which to return.
        enough_ended: int32 scalar, how many rows have to end here to return at once.

    Returns:
        The rows; int32 `[batch, MOST_STEPS]`, what each wrote; int32 `[batch]`, how much that is.
    """

    class _State(NamedTuple):
        step: jax.Array
        rows: Rows
        tokens: jax.Array
        counts: jax.Array

    with use_constraint(program.constraint):
        rows = rows._replace(running=rows.running & ~stopped)
        began, batch = rows.running.sum(), rows.token.shape[0]

        def going_on(state: _State) -> jax.Array:
            running = state.rows.running.sum()
            enough = (running == 0) | (began - running >= enough_ended)
            return (state.step < most_steps) & ~enough

        def body(state: _State) -> _State:
            scores, rows = _scores(program, params, state.rows)
            token = choose(program.choice, scores, rows.draw, rows.written)
            return _State(
                state.step + 1,
                _advanced(rows, token, eos_id),
                state.tokens.at[:, state.step].set(token),
                state.counts + rows.running,
            )

        tokens = jnp.zeros((batch, MOST_STEPS), jnp.int32)
        counts = jnp.zeros(batch, jnp.int32)
        state = _State(jnp.int32(0), rows, tokens, counts)
        state = jax.lax.while_loop(going_on, body, state)
        # Every process reads every answer.
        return (
            laid_out(state.rows),
            constrain(state.tokens, None, None),
            constrain(state.counts, None),
        )


@functools.partial(jax.jit, static_argnums=0, donate_argnums=2)
def score(
    program: Program, params: dict[str, Any], rows: Rows, stopped: jax.Array
) -> tuple[Rows, jax.Array]:
    """Reads the last tokens and scores what may follow; `pick` has to come next.

    Args:
        program: What to compile for.
        params: The decoder's parameters.
        rows: The rows; given up.
        stopped: bool `[batch]`, rows to write no more in.

    Returns:
        The rows, and float32 `[batch, padded vocabulary]`.
    """
    with use_constraint(program.constraint):
        rows = rows._replace(running=rows.running & ~stopped)
        scores, rows = _scores(program, params, rows)
        return laid_out(rows), scores


@functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
def pick(
    program: Program, rows: Rows, scores: jax.Array, masks: jax.Array, eos_id: jax.Array
) -> tuple[Rows, jax.Array]:
    """Chooses among the ids that masks allow.

    Args:
        program: What to compile for.
        rows: The rows; given up.
        scores: What `score` returned.
        masks: int32 `[batch, ceil(padded vocabulary / 32)]`: bit `i % 32` of word `i // 32` is set
            where id `i` may be chosen.
        eos_id: int32 scalar.

    Returns:
        The rows, and int32 `[batch]`, the tokens.
    """
    with use_constraint(program.constraint):
        bits = (masks[:, :, None] >> jnp.arange(32)) & 1
        allowed = bits.reshape(masks.shape[0], -1)[:, : scores.shape[1]] != 0
        allowed = constrain(allowed, "activation_batch", "activation_vocab")
        # A model that has diverged says NaN, and is to choose what is allowed all the same.
        scores = jnp.where(allowed, jnp.nan_to_num(scores, nan=_LEAST), -jnp.inf)
        token = choose(program.choice, scores, rows.draw, rows.written)
        return laid_out(_advanced(rows, token, eos_id)), constrain(token, None)


def _scores(program: Program, params: dict[str, Any], rows: Rows) -> tuple[jax.Array, Rows]:
    hidden, cache = extend(
        program.config,
        params,
        rows.token[:, None],
        rows.position[:, None],
        rows.running[:, None].astype(jnp.int32),
        rows.cache,
    )
    around = cache.slot == cache.segment_ids.shape[1]
    cache = cache._replace(slot=jnp.where(around, rows.ring, cache.slot))
    scores = logits(program.config, params, hidden)[:, 0]
    if program.num_ids < scores.shape[1]:
        ids = jax.lax.broadcasted_iota(jnp.int32, scores.shape, 1)
        scores = jnp.where(ids < program.num_ids, scores, -jnp.inf)
    return scores, rows._replace(cache=cache)


def _advanced(rows: Rows, token: jax.Array, eos_id: jax.Array) -> Rows:
    """Notes a token for each row; one that is not running is left alone."""
    going = rows.running.astype(jnp.int32)
    written = rows.written + going
    return rows._replace(
        token=jnp.where(rows.running, token, rows.token),
        position=rows.position + going,
        written=written,
        running=rows.running & (token != eos_id) & (written < rows.limit),
    )
