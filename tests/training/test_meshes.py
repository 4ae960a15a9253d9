"""Twenty steps of a real decoder, its own programs and a packed batch: the same on every mesh."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from granite_fc.models.config import DecoderConfig
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.training.optimizer import Optimizer
from granite_fc.training.optimizers import AdamW
from granite_fc.training.placement import BatchPlacement
from granite_fc.training.programs import Programs
from granite_fc.training.recipe import Recipe
from granite_fc.training.schedules import LearningRateSchedule

ROWS, LENGTH, STEPS = 8, 16, 20
LLAMA = DecoderConfig(
    vocab_size=32,
    d_model=16,
    num_layers=2,
    num_heads=4,
    num_kv_heads=2,
    head_dim=4,
    d_ff=32,
    max_positions=LENGTH,
    compute_dtype="float32",
    residual_dropout=0.1,
)
# One key/value head, which no tensor axis can split, and everything else that is different.
GPT_BIGCODE = DecoderConfig(
    vocab_size=32,
    d_model=16,
    num_layers=2,
    num_heads=4,
    num_kv_heads=1,
    head_dim=4,
    d_ff=32,
    max_positions=LENGTH,
    positions="learned",
    norm="layernorm",
    activation="gelu_tanh",
    gated_mlp=False,
    attention_bias=True,
    mlp_bias=True,
    compute_dtype="float32",
)


def batch(step: int) -> dict[str, np.ndarray]:
    """Two packed examples a row with prompts that carry no loss, of unequal lengths."""
    rng = np.random.default_rng(step)
    tokens = rng.integers(0, 32, (ROWS, LENGTH + 1)).astype(np.int32)
    cuts = rng.integers(4, 12, (ROWS, 1))
    index = np.arange(LENGTH)[None]
    second = index >= cuts
    positions = np.where(second, index - cuts, index)
    return {
        "tokens": tokens[:, :-1],
        "targets": tokens[:, 1:],
        "positions": positions.astype(np.int32),
        "segment_ids": np.where(second, 2, 1).astype(np.int32),
        "loss_weights": (positions >= 2).astype(np.float32),
        "subtask_ids": second.astype(np.int32),
    }


def small_recipe(
    model: DecoderConfig, optimizer: Optimizer, train_steps: int, *, offload: bool = False
) -> Recipe:
    """A run on `batch`."""
    return Recipe(
        model=model,
        optimizer=optimizer,
        train_steps=train_steps,
        batch_size=ROWS,
        sequence_length=LENGTH,
        microbatches=1,
        num_subtasks=2,
        seed=0,
        z_loss=1e-4,
        clip_norm=1.0,
        offload_optimizer=offload,
    )


def losses_and_norms(model: DecoderConfig, mesh: MeshConfig, devices: int) -> np.ndarray:
    recipe = small_recipe(model, AdamW(LearningRateSchedule(peak=3e-3, warmup_steps=5)), STEPS)
    programs = Programs(recipe, make_mesh(mesh, jax.devices()[:devices]), LogicalAxisRules())
    placement = BatchPlacement(programs.batch_sharding, recipe.batch_shape)
    train_step, _ = programs.compile_train_step()
    state = programs.init()
    found = []
    for step in range(STEPS):
        state, metrics = train_step(state, placement.put(batch(step)))
        found.append([float(metrics["loss"]), float(metrics["grad_norm"])])
    return np.asarray(found)


@pytest.mark.parametrize("model", [LLAMA, GPT_BIGCODE], ids=["llama", "gpt_bigcode"])
def test_twenty_steps_of_a_decoder_are_the_same_on_every_mesh(model: DecoderConfig) -> None:
    alone = losses_and_norms(model, MeshConfig(fsdp=1), devices=1)
    assert alone[-1, 0] != alone[0, 0]
    for mesh in (
        MeshConfig(fsdp=4, tensor=2),
        MeshConfig(data=2, fsdp=2, tensor=2),
        MeshConfig(sequence=2, fsdp=4),
    ):
        np.testing.assert_allclose(losses_and_norms(model, mesh, 8), alone, rtol=1e-4)
