"""The decoder as the function that steps are made of."""

from __future__ import annotations

from typing import Any

import jax

from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import hidden_states
from granite_fc.models.head import TokenStatistics, token_statistics
from granite_fc.training.loss import Batch, StatisticsFunction


def decoder_statistics(config: DecoderConfig) -> StatisticsFunction:
    """Returns the decoder's function from parameters, batch and dropout key to statistics."""

    def statistics(params: Any, batch: Batch, dropout_key: jax.Array | None) -> TokenStatistics:
        hidden = hidden_states(
            config,
            params,
            batch["tokens"],
            batch["positions"],
            batch["segment_ids"],
            dropout_key=dropout_key if has_dropout(config) else None,
        )
        return token_statistics(config, params, hidden, batch["targets"])

    return statistics


def has_dropout(config: DecoderConfig) -> bool:
    """Whether training draws random numbers."""
    return any((config.embedding_dropout, config.attention_dropout, config.residual_dropout))
