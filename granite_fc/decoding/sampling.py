"""Choosing the next token."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable
from typing import NamedTuple

import gin
import jax
import jax.numpy as jnp

from granite_fc.errors import ConfigurationError


@gin.configurable(module="granite_fc.decoding")
@dataclasses.dataclass(frozen=True)
class SamplingConfig:
    """How tokens are drawn from what the model predicts.

    Attributes:
        temperature: Logits are divided by it; 0 takes the most likely token, the lowest id in a
            tie.
        top_k: Only tokens are drawn that fewer than this many others are more likely than; 0 is no
            limit.
        top_p: Only tokens are drawn whose more likely ones together have less than this share of
            the probability, of what `top_k` leaves (nucleus sampling, Holtzman et al., 2020); 1 is
            no limit. Tokens that are equally likely stay or go together.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        """Checks the values.

        Raises:
            ConfigurationError: One is out of its range.
        """
        if not 0.0 <= self.temperature < float("inf"):
            self._reject("temperature", "a number of at least 0")
        if isinstance(self.top_k, bool) or not isinstance(self.top_k, int) or self.top_k < 0:
            self._reject("top_k", "an integer of at least 0")
        if not 0.0 < self.top_p <= 1.0:
            self._reject("top_p", "a share above 0, of at most 1")

    def _reject(self, name: str, expected: str) -> None:
        raise ConfigurationError(
            f"SamplingConfig.{name}", found=getattr(self, name), expected=expected
        )


GREEDY = SamplingConfig()


class Choice(enum.IntEnum):
    """What a program for choosing tokens can do; each can do what those before it can."""

    GREEDY = 0
    SAMPLE = 1
    FILTER = 2


def needed(configs: Iterable[SamplingConfig]) -> Choice:
    """Returns the least that serves all of them."""

    def of(config: SamplingConfig) -> Choice:
        if config.temperature == 0:
            return Choice.GREEDY
        return Choice.SAMPLE if config.top_k == 0 and config.top_p == 1 else Choice.FILTER

    return max(map(of, configs), default=Choice.GREEDY)


class Draw(NamedTuple):
    """How each row draws its tokens.

    Attributes:
        key: uint32 `[batch, 2]`, words of a Threefry key of the row's request and sample.
        temperature: float32 `[batch]`.
        top_k: int32 `[batch]`.
        top_p: float32 `[batch]`.
    """

    key: jax.Array
    temperature: jax.Array
    top_k: jax.Array
    top_p: jax.Array


def choose(choice: Choice, logits: jax.Array, draw: Draw, step: jax.Array) -> jax.Array:
    """Chooses a token for every row.

    Tokens are drawn by the Gumbel-max trick: the most likely after noise of the standard Gumbel
    distribution has been added to each logit. The noise is a function of the row's key, `step` and
    the token's id alone, so neither other rows nor the mesh change it.

    Args:
        choice: What is to be possible.
        logits: float32 `[batch, vocabulary]`; ids that may not be chosen score -inf or at most
            -1e30.
        draw: How each row draws.
        step: int32 `[batch]`, how many tokens the row has drawn before.

    Returns:
        int32 `[batch]`.
    """
    if choice == Choice.GREEDY:
        return _most_likely(logits)
    temperature = draw.temperature[:, None]
    scaled = logits / jnp.where(temperature > 0, temperature, 1.0)
    if choice == Choice.FILTER:
        scaled = jnp.where(kept(scaled, draw.top_k, draw.top_p), scaled, -jnp.inf)

    def noise(key: jax.Array, step: jax.Array) -> jax.Array:
        key = jax.random.wrap_key_data(key, impl="threefry2x32")
        return jax.random.gumbel(jax.random.fold_in(key, step), logits.shape[1:])

    drawn = scaled + jax.vmap(noise)(draw.key, step)
    return _most_likely(jnp.where(temperature > 0, drawn, logits))


def kept(logits: jax.Array, top_k: jax.Array, top_p: jax.Array) -> jax.Array:
    """Returns which tokens may be drawn; see `SamplingConfig`.

    Both limits keep all tokens from some logit upwards. That logit is found bit by bit, by what 32
    thresholds would leave, in place of sorting the vocabulary.

    Args:
        logits: float32 `[batch, vocabulary]`, divided by the temperature.
        top_k: int32 `[batch]`; 0 is no limit.
        top_p: float32 `[batch]`; 1 is no limit.

    Returns:
        bool `[batch, vocabulary]`.
    """
    top_k, top_p = top_k[:, None], top_p[:, None]
    ranks = _ranks(logits)

    def beyond(threshold: jax.Array, weights: jax.Array) -> jax.Array:
        return jnp.sum(jnp.where(ranks > threshold, weights, 0), -1, keepdims=True)

    ones = jnp.ones_like(ranks)
    by_count = (top_k == 0) | (ranks >= _least(ranks, lambda t: beyond(t, ones) < top_k))
    masses = jnp.where(by_count, jnp.exp(logits - logits.max(-1, keepdims=True)), 0.0)
    share = top_p * masses.sum(-1, keepdims=True)
    by_mass = (top_p == 1) | (ranks >= _least(ranks, lambda t: beyond(t, masses) < share))
    return by_count & by_mass


def _most_likely(scores: jax.Array) -> jax.Array:
    """Returns the id that scores most, the lowest in a tie; 0 where a score is no number.

    In two passes, which CPUs take several entries at a time through; `argmax` takes one.
    """
    ids = jax.lax.broadcasted_iota(jnp.int32, scores.shape, 1)
    largest = scores.max(-1, keepdims=True)
    first = jnp.where(scores == largest, ids, scores.shape[1]).min(-1)
    return jnp.where(first < scores.shape[1], first, 0)


def _ranks(logits: jax.Array) -> jax.Array:
    """Returns int32 numbers that are ordered as the floats are."""
    bits = jax.lax.bitcast_convert_type(logits + 0.0, jnp.int32)  # -0 + 0 is 0
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


def _least(ranks: jax.Array, holds: Callable[[jax.Array], jax.Array]) -> jax.Array:
    """Returns the least int32 `[batch, 1]` for which a condition holds that holds from there on."""

    def halve(_: jax.Array, bounds: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = bounds
        middle = (low & high) + ((low ^ high) >> 1)  # their mean, without overflow
        enough = holds(middle)
        return jnp.where(enough, low, middle + 1), jnp.where(enough, middle, high)

    bounds = ranks.min(-1, keepdims=True), ranks.max(-1, keepdims=True)
    return jax.lax.fori_loop(0, 32, halve, bounds)[0]
