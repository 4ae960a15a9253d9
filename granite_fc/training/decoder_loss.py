"""The decoder's loss, the function that steps are made of."""

from __future__ import annotations

from typing import Any

import jax

from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import hidden_states
from granite_fc.models.head import TokenStatistics, weighted_loss
from granite_fc.training.loss import Batch, LossFunction


def decoder_loss(config: DecoderConfig) -> LossFunction:
    """Returns the decoder's function from parameters and batch to loss and statistics."""

    def loss(
        params: Any, batch: Batch, dropout_key: jax.Array | None, z_loss: float
    ) -> tuple[jax.Array, TokenStatistics]:
        hidden = hidden_states(
            config,
            params,
            batch["tokens"],
            batch["positions"],
            batch["segment_ids"],
            dropout_key=dropout_key if has_dropout(config) else None,
        )
        return weighted_loss(
            config, params, hidden, batch["targets"], batch["loss_weights"], z_loss
        )

    return loss


def has_dropout(config: DecoderConfig) -> bool:
    """Whether training draws random numbers."""
    rates = [config.embedding_dropout, config.attention_dropout, config.residual_dropout]
    if config.adapter is not None:
        rates.append(config.adapter.dropout)
    return any(rates)
