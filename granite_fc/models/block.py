"""One block of the decoder: attention, then an MLP, each normalised before and added after."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax.ad_checkpoint import checkpoint_name

from granite_fc.models import remat
from granite_fc.models.activation import activate
from granite_fc.models.attention import attention
from granite_fc.models.attention.cached import Kept, cached_attention
from granite_fc.models.config import DecoderConfig
from granite_fc.models.dropout import dropout
from granite_fc.models.initialization import matrix_std, output_matrix_std
from granite_fc.models.layers import Norm, Projection
from granite_fc.models.logical import constrain
from granite_fc.models.rope import apply_rope

# Where in a block a dropout mask is drawn; folded into the block's key.
_DROPOUT_ATTENTION, _DROPOUT_AFTER_ATTENTION, _DROPOUT_AFTER_MLP, _DROPOUT_ADAPTERS = range(4)


class Place(NamedTuple):
    """Where the queries of a call stand.

    Attributes:
        positions: int32 `[batch, length]`, counted within the segment.
        segment_ids: int32 `[batch, length]`; 0 is no segment.
        rope: Cosines and sines of `positions`, or None where positions are learned.
    """

    positions: jax.Array
    segment_ids: jax.Array
    rope: tuple[jax.Array, jax.Array] | None


class KeysAndValues(NamedTuple):
    """A layer's keys and values of one call, for a cache to keep.

    Attributes:
        keys: `[batch, length, kv_heads, head_dim]`.
        values: As `keys`.
    """

    keys: jax.Array
    values: jax.Array


class Attention(nnx.Module):
    """Self-attention with its four projections."""

    def __init__(self, config: DecoderConfig, *, rngs: nnx.Rngs) -> None:
        self.config = config
        embed = {"embed": config.d_model}
        heads = {"heads": config.num_heads, "head_dim": config.head_dim}
        kv_heads = {"kv_heads": config.num_kv_heads, "head_dim": config.head_dim}

        def project(inputs: dict[str, int], outputs: dict[str, int], std: float) -> Projection:
            return Projection(
                inputs, outputs, use_bias=config.attention_bias, std=std, config=config, rngs=rngs
            )

        self.query = project(embed, heads, matrix_std(config))
        self.key = project(embed, kv_heads, matrix_std(config))
        self.value = project(embed, kv_heads, matrix_std(config))
        self.output = project(heads, embed, output_matrix_std(config))

    def __call__(
        self,
        x: jax.Array,
        place: Place,
        kept: Kept | None,
        dropout_key: jax.Array | None,
        adapter_key: jax.Array | None,
    ) -> tuple[jax.Array, KeysAndValues]:
        """Maps `[batch, length, d_model]` to the same shape; returns its keys and values too."""
        query, key, value = (
            project(x, adapter_key) for project in (self.query, self.key, self.value)
        )
        if place.rope is not None:
            query, key = apply_rope(query, place.rope), apply_rope(key, place.rope)
        heads = ("activation_batch", "activation_length", "activation_heads", None)
        kv_heads = ("activation_batch", "activation_kv_length", "activation_kv_heads", None)
        query = checkpoint_name(constrain(query, *heads), remat.QUERY_KEY_VALUE)
        key = checkpoint_name(constrain(key, *kv_heads), remat.QUERY_KEY_VALUE)
        value = checkpoint_name(constrain(value, *kv_heads), remat.QUERY_KEY_VALUE)
        if kept is not None:
            mixed = cached_attention(
                query,
                key,
                value,
                segment_ids=place.segment_ids,
                positions=place.positions,
                kept=kept,
                scale=self.config.attention_scale,
            )
        else:
            mixed = attention(
                query,
                key,
                value,
                q_segment_ids=place.segment_ids,
                kv_segment_ids=place.segment_ids,
                q_positions=place.positions,
                kv_positions=place.positions,
                scale=self.config.attention_scale,
                dropout_rate=self.config.attention_dropout,
                dropout_key=dropout_key,
                block=self.config.attention_block,
                implementation=self.config.attention,
            )
        return self.output(constrain(mixed, *heads), adapter_key), KeysAndValues(key, value)


class MLP(nnx.Module):
    """Two projections with an activation between, or three with a gate."""

    def __init__(self, config: DecoderConfig, *, rngs: nnx.Rngs) -> None:
        self.activation = config.activation
        embed, inner = {"embed": config.d_model}, {"mlp": config.d_ff}

        def project(inputs: dict[str, int], outputs: dict[str, int], std: float) -> Projection:
            return Projection(
                inputs, outputs, use_bias=config.mlp_bias, std=std, config=config, rngs=rngs
            )

        self.gate = project(embed, inner, matrix_std(config)) if config.gated_mlp else None
        self.up = project(embed, inner, matrix_std(config))
        self.down = project(inner, embed, output_matrix_std(config))

    def __call__(self, x: jax.Array, adapter_key: jax.Array | None) -> jax.Array:
        """Maps `[batch, length, d_model]` to the same shape."""
        up = checkpoint_name(self.up(x, adapter_key), remat.MLP_PROJECTIONS)
        if self.gate is None:
            inner = activate(self.activation, up, None)
        else:
            gate = checkpoint_name(self.gate(x, adapter_key), remat.MLP_PROJECTIONS)
            inner = activate(self.activation, gate, up)
        inner = constrain(inner, "activation_batch", "activation_length", "activation_mlp")
        return self.down(inner, adapter_key)


class Block(nnx.Module):
    """`x + r * attention(norm(x))`, then `x + r * mlp(norm(x))`, with r the residual multiplier."""

    def __init__(self, config: DecoderConfig, *, rngs: nnx.Rngs) -> None:
        self.config = config
        self.attention_norm = Norm(config)
        self.attention = Attention(config, rngs=rngs)
        self.mlp_norm = Norm(config)
        self.mlp = MLP(config, rngs=rngs)

    def __call__(
        self,
        x: jax.Array,
        place: Place,
        kept: Kept | None = None,
        dropout_key: jax.Array | None = None,
    ) -> tuple[jax.Array, KeysAndValues]:
        """Applies the block.

        Args:
            x: `[batch, length, d_model]` of the compute type.
            place: Positions and segments of `x`.
            kept: Keys and values of earlier calls; None to attend within this call.
            dropout_key: A PRNG key of this block and step; None switches dropout off.

        Returns:
            An array like `x`, and the keys and values of this call.
        """

        def key_for(site: int) -> jax.Array | None:
            return None if dropout_key is None else jax.random.fold_in(dropout_key, site)

        x = checkpoint_name(_on_residual_stream(x), remat.BLOCK_INPUT)
        adapter_key = None if self.config.adapter is None else key_for(_DROPOUT_ADAPTERS)
        y, new = self.attention(
            self.attention_norm(x), place, kept, key_for(_DROPOUT_ATTENTION), adapter_key
        )
        x = checkpoint_name(self._add(x, y, key_for(_DROPOUT_AFTER_ATTENTION)), remat.MLP_INPUT)
        y = self.mlp(self.mlp_norm(x), adapter_key)
        return self._add(x, y, key_for(_DROPOUT_AFTER_MLP)), new

    def _add(self, x: jax.Array, y: jax.Array, key: jax.Array | None) -> jax.Array:
        y = dropout(y, self.config.residual_dropout, key)
        if self.config.residual_multiplier != 1.0:
            y = y * jnp.asarray(self.config.residual_multiplier, y.dtype)
        return _on_residual_stream(x + y)


def _on_residual_stream(x: jax.Array) -> jax.Array:
    return constrain(x, "activation_batch", "activation_length", "activation_embed")
