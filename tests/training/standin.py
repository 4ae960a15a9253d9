"""A language model small enough to read: two stacked layers with dropout, tied logits."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from granite_fc.models.head import TokenStatistics
from granite_fc.models.logical import constrain
from granite_fc.training.step import TrainState, begin, initial_key

VOCAB, WIDTH, LAYERS, HEADS, HEAD_DIM, INNER = 64, 16, 2, 4, 4, 32

AXES = {
    "embedding": ("vocab", "embed"),
    "blocks": {
        "mix": ("layers", "embed", "heads", "head_dim"),
        "mix_bias": ("layers", "heads", "head_dim"),
        "back": ("layers", "heads", "head_dim", "embed"),
        "up": ("layers", "embed", "mlp"),
        "down": ("layers", "mlp", "embed"),
        "scale": ("layers", "norm"),
    },
    "final_scale": ("norm",),
}


def init_params(key: jax.Array) -> dict[str, Any]:
    keys = jax.random.split(key, 5)

    def normal(key: jax.Array, *shape: int) -> jax.Array:
        return 0.3 * jax.random.normal(key, shape)

    return {
        "embedding": normal(keys[0], VOCAB, WIDTH),
        "blocks": {
            "mix": normal(keys[1], LAYERS, WIDTH, HEADS, HEAD_DIM),
            "mix_bias": jnp.zeros((LAYERS, HEADS, HEAD_DIM)),
            "back": normal(keys[2], LAYERS, HEADS, HEAD_DIM, WIDTH),
            "up": normal(keys[3], LAYERS, WIDTH, INNER),
            "down": normal(keys[4], LAYERS, INNER, WIDTH),
            "scale": jnp.ones((LAYERS, WIDTH)),
        },
        "final_scale": jnp.ones(WIDTH),
    }


def init_state(transformation: optax.GradientTransformation, seed: int) -> TrainState:
    return begin(init_params(initial_key(seed)), transformation)


def make_loss(dropout: float) -> Any:
    def loss(
        params: Any, batch: Any, key: jax.Array | None, z_loss: float
    ) -> tuple[jax.Array, TokenStatistics]:
        x = params["embedding"][batch["tokens"]]
        x = constrain(x, "activation_batch", "activation_length", "activation_embed")
        same = batch["segment_ids"][:, :, None] == batch["segment_ids"][:, None, :]
        causal = jnp.tril(jnp.ones(same.shape[1:], bool)) & same
        attention = causal / jnp.maximum(causal.sum(-1, keepdims=True), 1)
        for layer in range(LAYERS):
            block = jax.tree.map(lambda p, layer=layer: p[layer], params["blocks"])
            h = x * block["scale"]
            h = jnp.einsum("bqk,bkd,dhe->bqhe", attention, h, block["mix"]) + block["mix_bias"]
            h = constrain(h, "activation_batch", "activation_length", "activation_heads", None)
            x = x + jnp.einsum("bqhe,hed->bqd", h, block["back"])
            h = jax.nn.silu(x @ block["up"])
            h = constrain(h, "activation_batch", "activation_length", "activation_mlp")
            if key is not None and dropout:
                kept = jax.random.bernoulli(jax.random.fold_in(key, layer), 1 - dropout, h.shape)
                h = jnp.where(kept, h / (1 - dropout), 0.0)
            x = x + h @ block["down"]
            x = constrain(x, "activation_batch", "activation_length", "activation_embed")
        logits = (x * params["final_scale"]) @ params["embedding"].T
        log_p = jax.nn.log_softmax(logits)
        targets = batch["targets"]
        statistics = TokenStatistics(
            nll=-jnp.take_along_axis(log_p, targets[..., None], -1)[..., 0],
            logsumexp=jax.nn.logsumexp(logits, -1),
            correct=(logits.argmax(-1) == targets).astype(jnp.float32),
            entropy=-jnp.sum(jnp.exp(log_p) * log_p, -1),
        )

        z = z_loss * jnp.square(statistics.logsumexp)
        return jnp.sum(batch["loss_weights"] * (statistics.nll + z)), statistics

    return loss


def make_batch(step: int, rows: int = 8, length: int = 16, groups: int = 3) -> dict[str, Any]:
    """Rows of two examples each, with uneven loss masks, empty ends and one empty row."""
    rng = np.random.default_rng(step)
    tokens = rng.integers(0, VOCAB, (rows, length + 1))
    segment_ids = np.zeros((rows, length), np.int32)
    positions = np.zeros((rows, length), np.int32)
    weights = np.zeros((rows, length), np.float32)
    subtask_ids = np.zeros((rows, length), np.int32)
    for row in range(rows - 1):
        first = int(rng.integers(3, length - 6))
        last = int(rng.integers(first + 3, length + 1))
        for segment, (start, stop) in enumerate([(0, first), (first, last)], 1):
            segment_ids[row, start:stop] = segment
            positions[row, start:stop] = np.arange(stop - start)
            weights[row, int(rng.integers(start, stop)) : stop] = 1.0
            subtask_ids[row, start:stop] = rng.integers(groups)
    return {
        "tokens": tokens[:, :-1].astype(np.int32),
        "targets": ((tokens[:, :-1] * 7 + 3) % VOCAB).astype(np.int32),
        "positions": positions,
        "segment_ids": segment_ids,
        "loss_weights": weights,
        "subtask_ids": subtask_ids,
    }
