"""A step with a quantised base as the TPU's compiler leaves it: what is held and what travels."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.config import DecoderConfig
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.training.optimizers import AdamW
from granite_fc.training.programs import Programs
from granite_fc.training.recipe import Recipe

MODEL = DecoderConfig(
    vocab_size=512,
    d_model=1024,
    num_layers=4,
    num_heads=8,
    num_kv_heads=1,
    head_dim=128,
    d_ff=4096,
    max_positions=512,
    positions="learned",
    norm="layernorm",
    activation="gelu_tanh",
    gated_mlp=False,
    attention_bias=True,
    mlp_bias=True,
    adapter=AdapterConfig(rank=8, dropout=0.1, base_dtype="nf4", block_size=64),
)
# Entries of the query's and the output's kernel, and of all kernels of a layer.
KERNEL = 1024 * 1024
LAYER = 2 * KERNEL + 2 * 1024 * 128 + 2 * 1024 * 4096


def arrays(text: str, kind: str) -> list[tuple[str, int]]:
    """Types and sizes of what the collectives of a kind leave on a device."""
    found = re.findall(rf"= \(?(\w+)\[([\d,]*)\]\S* {kind}(?:-start)?\(", text)
    return [(dtype, math.prod(map(int, filter(None, shape.split(","))))) for dtype, shape in found]


def test_codes_travel_and_no_kernel_is_kept_decoded(
    tpu_devices: Callable[[str], list[Any]],
) -> None:
    # Without rematerialisation: what the backward pass keeps is up to the products themselves.
    assert MODEL.remat_policy == "none"
    recipe = Recipe(
        model=MODEL,
        optimizer=AdamW(1e-4),
        train_steps=10,
        batch_size=4,
        sequence_length=256,
        microbatches=1,
        num_subtasks=7,
        seed=0,
        z_loss=0.0,
        clip_norm=1.0,
    )
    mesh = make_mesh(MeshConfig(fsdp=4), tpu_devices("v5e:2x2"))
    compiled, _ = Programs(recipe, mesh, LogicalAxisRules()).compile_train_step()
    text = compiled.as_text()

    gathered = arrays(text, "all-gather")
    assert ("u8", 4 * KERNEL // 2) in gathered
    assert not [(dtype, size) for dtype, size in gathered if dtype != "u8" and size >= KERNEL]
    # Adapters' gradients are split; what is summed whole are metrics.
    assert all(size <= recipe.num_subtasks for _, size in arrays(text, "all-reduce"))

    memory = compiled.memory_analysis()
    # Half a byte an entry and a scale for 64, in four parts: the base goes in and comes out in its
    # place.
    base = MODEL.num_layers * LAYER * (1 / 2 + 4 / 64) / 4
    assert base < memory.alias_size_in_bytes < 2 * base
    # Not one layer's kernels in bfloat16.
    assert memory.temp_size_in_bytes < 2 * LAYER
