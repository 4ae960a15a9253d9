"""What is whole on many devices is found, named and refused."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import PartitionSpec

from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params, logical_axes
from granite_fc.sharding.replication import check_replication, replicated_beyond_plan
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.shardings import partitions_of

GRANITE_20B = DecoderConfig(
    vocab_size=49152,
    d_model=6144,
    num_layers=52,
    num_heads=48,
    num_kv_heads=1,
    head_dim=128,
    d_ff=24576,
    max_positions=8192,
    positions="learned",
    norm="layernorm",
    activation="gelu_tanh",
    gated_mlp=False,
    attention_bias=True,
    mlp_bias=True,
)


def mesh_shape(**sizes: int) -> dict[str, int]:
    return {"data": 1, "fsdp": 1, "sequence": 1, "tensor": 1} | sizes


def layout_of(config: DecoderConfig, mesh: dict[str, int], rules: LogicalAxisRules) -> tuple:
    axes, shapes = logical_axes(config), abstract_params(config)
    return shapes, axes, partitions_of(axes, shapes, mesh, rules), mesh, rules


@pytest.mark.parametrize(
    "mesh",
    [
        mesh_shape(fsdp=64),
        mesh_shape(data=2, fsdp=256),
        mesh_shape(fsdp=16, tensor=4),
        mesh_shape(fsdp=8, sequence=2, tensor=8),
    ],
    ids=str,
)
def test_the_default_rules_split_a_multi_query_model(mesh: dict[str, int]) -> None:
    layout = layout_of(GRANITE_20B, mesh, LogicalAxisRules())
    assert check_replication(*layout) < 0.003
    names = [one.name for one in replicated_beyond_plan(*layout)]
    # One key/value head cannot be split over tensor, and that is planned.
    assert not any("attention/key/kernel" in name for name in names)
    assert "blocks/mlp_norm/scale" in names


def test_scales_of_quantised_kernels_are_split_where_their_blocks_do_not_divide() -> None:
    quantised = dataclasses.replace(GRANITE_20B, adapter=AdapterConfig(base_dtype="nf4"))
    layout = layout_of(quantised, mesh_shape(fsdp=64), LogicalAxisRules())
    # 6,144 / 64 = 96 blocks are not divisible by 64; the widths are.
    assert not [one.name for one in replicated_beyond_plan(*layout) if "scales" in one.name]
    whole = dataclasses.replace(
        LogicalAxisRules(), extra_rules=[("mlp_scales", None), ("head_dim_scales", None)]
    )
    layout = layout_of(quantised, mesh_shape(fsdp=64), whole)
    names = [one.name for one in replicated_beyond_plan(*layout)]
    assert "blocks/mlp/up/kernel/scales" in names
    with pytest.raises(ConfigurationError, match="blocks/mlp/up/kernel/scales"):
        check_replication(*layout)


def test_a_rule_that_leaves_kernels_whole_is_refused_and_they_are_named() -> None:
    rules = LogicalAxisRules(extra_rules=[("embed", "sequence")])
    with pytest.raises(ConfigurationError) as error:
        check_replication(*layout_of(GRANITE_20B, mesh_shape(fsdp=8), rules))
    message = str(error.value)
    assert "100.0% of the parameters' bytes" in message
    assert "blocks/mlp/down/kernel" in message and "over fsdp" in message
    assert "max_replicated" in message
    allowed = dataclasses.replace(rules, max_replicated=1.0)
    assert check_replication(*layout_of(GRANITE_20B, mesh_shape(fsdp=8), allowed)) > 0.99


def test_the_share_is_that_of_bytes() -> None:
    shapes = {
        "split": jax.ShapeDtypeStruct((96, 4), jnp.float32),
        "whole": jax.ShapeDtypeStruct((8,), jnp.bfloat16),
    }
    axes = {"split": ("embed", "mlp"), "whole": ("norm",)}
    partitions = {"split": PartitionSpec("fsdp"), "whole": PartitionSpec()}
    share = check_replication(shapes, axes, partitions, mesh_shape(fsdp=2), LogicalAxisRules())
    assert share == 16 / (96 * 4 * 4 + 16)


def test_copies_along_data_are_the_plan() -> None:
    layout = layout_of(GRANITE_20B, mesh_shape(data=8), LogicalAxisRules())
    assert replicated_beyond_plan(*layout) == []
