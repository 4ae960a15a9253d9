from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from granite_fc.errors import ConfigurationError
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params, count_params, logical_axes
from granite_fc.models.logical import constrain
from granite_fc.sharding.activate import activate
from granite_fc.sharding.mesh import AXES, MeshConfig, make_mesh
from granite_fc.sharding.model_info import model_info, write_model_info
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.shardings import named, partitions_of, state_partitions
from granite_fc.training.optimizers import Adafactor, AdamW, Muon

P = jax.P
CODE_20B = DecoderConfig(
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
    gated_mlp=False,
    attention_bias=True,
    mlp_bias=True,
)
MESH_SHAPE = {"data": 2, "fsdp": 16, "sequence": 2, "tensor": 8}


def test_the_open_axis_takes_what_is_left() -> None:
    assert MeshConfig(data=2, tensor=2).resolve(8) == MeshConfig(2, 2, 1, 2)
    assert dict(make_mesh(MeshConfig(fsdp=4, tensor=-1)).shape) == {
        "data": 1,
        "fsdp": 4,
        "sequence": 1,
        "tensor": 2,
    }


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (MeshConfig(fsdp=3), "3 = 3 devices|tensor 1 = 3 devices"),
        (MeshConfig(fsdp=-1, tensor=3), "that 3 divides"),
        (MeshConfig(data=-1, fsdp=-1), "-1 at most once"),
        (MeshConfig(tensor=0), "MeshConfig.tensor"),
        (MeshConfig(tensor=2.0), "MeshConfig.tensor"),  # type: ignore[arg-type]
    ],
)
def test_a_mesh_that_does_not_fit_is_refused(config: MeshConfig, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        config.resolve(8)


def test_devices_stand_in_order_and_tensor_inside() -> None:
    mesh = make_mesh(MeshConfig(fsdp=4, tensor=2), list(reversed(jax.devices())))
    assert mesh.axis_names == AXES
    assert [device.id for device in mesh.devices.flat] == list(range(8))


def test_only_data_crosses_slices() -> None:
    class Device(types.SimpleNamespace):
        __hash__ = object.__hash__

    def device(number: int) -> Any:
        place = number // 4
        return Device(
            id=number,
            slice_index=place,
            process_index=place,
            platform="gpu",
            device_kind="fake",
            client=None,
        )

    devices = [device(number) for number in range(8)]
    mesh = make_mesh(MeshConfig(data=2, fsdp=2, tensor=2), devices)
    assert [{d.slice_index for d in part.flat} for part in mesh.devices] == [{0}, {1}]
    with pytest.raises(ConfigurationError, match="multiple of the 2 slices"):
        make_mesh(MeshConfig(fsdp=8), devices)


@pytest.mark.parametrize(
    ("batch_size", "microbatches", "length", "fits"),
    [(16, 2, 64, True), (16, 4, 64, False), (8, 1, 63, False), (0, 1, 64, False)],
)
def test_batches_are_dealt_out_evenly(
    batch_size: int, microbatches: int, length: int, fits: bool
) -> None:
    config = MeshConfig(data=2, fsdp=4, sequence=2, tensor=4)
    if fits:
        config.check_batch(batch_size, microbatches, length)
    else:
        with pytest.raises(ConfigurationError):
            config.check_batch(batch_size, microbatches, length)


def test_an_open_axis_refuses_nothing_before_it_is_known() -> None:
    MeshConfig(fsdp=-1).check_batch(3, 1, 64)
    with pytest.raises(ConfigurationError, match="multiple of 8"):
        MeshConfig(fsdp=-1).resolve(8).check_batch(3, 1, 64)


def test_parameters_of_a_multi_query_model() -> None:
    axes, shapes = logical_axes(CODE_20B), abstract_params(CODE_20B)
    parts = partitions_of(axes, shapes, MESH_SHAPE, LogicalAxisRules())
    attention = parts["blocks"]["attention"]
    assert attention["query"]["kernel"] == P(None, ("fsdp", "sequence"), "tensor")
    assert attention["key"]["kernel"] == P(None, ("fsdp", "sequence"))
    assert attention["output"]["kernel"] == P(None, "tensor", None, ("fsdp", "sequence"))
    assert parts["blocks"]["mlp"]["down"]["kernel"] == P(None, "tensor", ("fsdp", "sequence"))
    assert parts["embedding"]["table"] == P("tensor", ("fsdp", "sequence"))
    assert parts["final_norm"]["scale"] == P()
    whole = {
        jax.tree_util.keystr(path): np.prod(leaf.shape)
        for (path, leaf), spec in zip(
            jax.tree_util.tree_leaves_with_path(shapes),
            jax.tree.leaves(parts, is_leaf=lambda x: isinstance(x, P)),
            strict=True,
        )
        if spec == P()
    }
    assert sum(whole.values()) < 0.001 * count_params(CODE_20B)


def test_axes_that_do_not_divide_are_errors_unless_declared() -> None:
    rules = LogicalAxisRules()
    shape = {**MESH_SHAPE, "tensor": 5}
    with pytest.raises(ConfigurationError, match=r"query, axis heads.*48 over tensor = 5"):
        rules.partition(("embed", "heads"), (6144, 48), shape, name="query")
    assert rules.partition(("embed", "kv_heads"), (6144, 8), shape) == P(("fsdp", "sequence"))
    lenient = LogicalAxisRules(whole_if_uneven=("heads",))
    assert lenient.partition(("heads",), (48,), shape) == P()
    with pytest.raises(ConfigurationError, match="no rule"):
        rules.partition(("haeds",), (48,), shape)


def test_the_first_rule_whose_axes_are_free_is_used() -> None:
    rules = LogicalAxisRules(extra_rules=[("mlp", "fsdp"), ("mlp", "tensor"), ("norm", "tensor")])
    assert rules.partition(("embed", "mlp"), (64, 64), MESH_SHAPE) == P(
        ("fsdp", "sequence"), "tensor"
    )
    assert rules.partition(("mlp",), (64,), MESH_SHAPE) == P("fsdp")
    assert rules.partition(("mlp", "heads"), (64, 64), {**MESH_SHAPE, "fsdp": 1}) == P(
        None, "tensor"
    )
    with pytest.raises(ConfigurationError, match="mesh axes out of"):
        LogicalAxisRules(extra_rules=[("mlp", "model")]).check()


@pytest.mark.parametrize("optimizer", [AdamW(), Adafactor(), Muon()])
def test_optimizer_state_is_split_like_its_parameters(optimizer: Any) -> None:
    axes, shapes = logical_axes(CODE_20B), abstract_params(CODE_20B)
    parts = partitions_of(axes, shapes, MESH_SHAPE, LogicalAxisRules())
    state = jax.eval_shape(optimizer.build(axes, 10).init, shapes)
    state_parts = state_partitions(state, shapes, parts)
    by_path = jax.tree_util.tree_leaves_with_path(state)
    specs = jax.tree.leaves(state_parts, is_leaf=lambda x: isinstance(x, P))
    large = {
        jax.tree_util.keystr(path): (leaf.shape, spec)
        for (path, leaf), spec in zip(by_path, specs, strict=True)
        if np.prod(leaf.shape) > 10_000_000
    }
    assert all(spec != P() for _, spec in large.values())
    for name, (_, spec) in large.items():
        if "['up']['kernel']" in name:
            assert spec == P(None, ("fsdp", "sequence"), "tensor")
    if isinstance(optimizer, Adafactor):
        found = {
            jax.tree_util.keystr(path): (leaf.shape, spec)
            for (path, leaf), spec in zip(by_path, specs, strict=True)
            if "['up']['kernel']" in jax.tree_util.keystr(path)
        }
        row = next(value for name, value in found.items() if "v_row" in name)
        column = next(value for name, value in found.items() if "v_col" in name)
        assert row == ((52, 6144), P(None, ("fsdp", "sequence")))
        assert column == ((52, 24576), P(None, "tensor"))


def test_factors_of_a_square_matrix_follow_the_right_axis() -> None:
    axes = {"w": ("layers", "embed", "mlp")}
    shapes = {"w": jax.ShapeDtypeStruct((3, 256, 256), jnp.float32)}
    parts = partitions_of(axes, shapes, MESH_SHAPE, LogicalAxisRules())
    transformation = Adafactor().build(axes, 10)
    state = jax.eval_shape(transformation.init, shapes)
    split = state_partitions(state, shapes, parts)
    factors = split[0].stacked[0]
    assert factors.v_row["w"] == P(None, ("fsdp", "sequence"))
    assert factors.v_col["w"] == P(None, "tensor")
    # Which axis a factor keeps is Optax's choice: a gradient with one large row tells.
    grads = {"w": jnp.zeros((3, 256, 256)).at[:, 7].set(1.0)}
    params = {"w": jnp.ones((3, 256, 256))}
    _, after = transformation.update(grads, transformation.init(params), params)
    row = np.asarray(after[0].stacked[0].v_row["w"])[0]
    assert row.argmax() == 7 and row[7] > 100 * np.delete(row, 7).max()


def test_constrain_lays_out_only_what_is_traced_inside() -> None:
    mesh = make_mesh(MeshConfig(data=2, fsdp=2, tensor=2))

    def layout() -> Any:
        return lambda x: constrain(x * 2, "activation_batch", "activation_length", "activation_mlp")

    x = jnp.ones((4, 3, 8))
    with activate(mesh, LogicalAxisRules()):
        inside = jax.jit(layout())(x)
    assert inside.sharding.spec == P(("data", "fsdp"), None, "tensor")
    assert len(jax.jit(layout())(x).devices()) == 1
    with activate(mesh, LogicalAxisRules()), pytest.raises(ConfigurationError, match="batch"):
        jax.jit(layout())(jnp.ones((3, 3, 8)))


def test_model_info_lists_every_parameter_and_adds_up(tmp_path: Path) -> None:
    config = DecoderConfig(
        vocab_size=64,
        d_model=16,
        num_layers=2,
        num_heads=4,
        num_kv_heads=1,
        head_dim=8,
        d_ff=32,
        max_positions=32,
    )
    axes, shapes = logical_axes(config), abstract_params(config)
    mesh = make_mesh(MeshConfig(fsdp=4, tensor=2))
    rules = LogicalAxisRules()
    parts = partitions_of(axes, shapes, mesh.shape, rules)
    state = jax.eval_shape(AdamW().build(axes, 1).init, shapes)
    optimizer_parts = state_partitions(state, shapes, parts)
    text = model_info(shapes, axes, parts, mesh.shape, state, optimizer_parts, count_params(config))
    lines = write_model_info(tmp_path, text).read_text().splitlines()
    (query,) = [line for line in lines if line.startswith("blocks/attention/query/kernel")]
    assert query.split("  ")[1:] and "2 x 16 x 4 x 8" in query
    assert "layers, embed, heads, head_dim" in query and "-, fsdp, tensor" in query
    assert query.endswith(" 512") and "4,096" in query
    assert f"parameters: {count_params(config):,} in {len(jax.tree.leaves(shapes))} arrays" in lines
    placed = jax.tree.map(
        lambda s, sharding: jax.device_put(jnp.zeros(s.shape, s.dtype), sharding),
        shapes,
        named(mesh, parts),
    )
    first = sum(leaf.addressable_shards[0].data.nbytes for leaf in jax.tree.leaves(placed))
    assert any(
        line.startswith("parameter bytes") and f"{first:,} on each device" in line for line in lines
    )
