"""Attention as the TPU's compiler leaves it: the kernels, and nothing of the size of a mask."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import NamedSharding

from granite_fc.models import remat
from granite_fc.models.attention import attention
from granite_fc.sharding.activate import activate
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules

LENGTH = 8192
BATCH = 2
Devices = Callable[[str], list[Any]]


def compiled(
    devices: list[Any],
    mesh_config: MeshConfig,
    heads: int,
    kv_heads: int,
    head_dim: int,
    remat_policy: str = "none",
) -> str:
    """Returns the program that attends forwards and backwards."""
    mesh = make_mesh(mesh_config, devices)
    rules = LogicalAxisRules()

    def argument(axes: tuple[str | None, ...], shape: tuple[int, ...], dtype: Any) -> Any:
        spec = rules.partition(axes, shape, mesh.shape)
        return jax.ShapeDtypeStruct(shape, dtype, sharding=NamedSharding(mesh, spec))

    ids = argument(("activation_batch", "activation_length"), (BATCH, LENGTH), jnp.int32)
    query, key = (
        argument(
            ("activation_batch", "activation_length", axis, None),
            (BATCH, LENGTH, count, head_dim),
            jnp.bfloat16,
        )
        for axis, count in (("activation_heads", heads), ("activation_kv_heads", kv_heads))
    )

    def attend(query: Any, key: Any, value: Any, ids: Any) -> Any:
        return attention(
            query,
            key,
            value,
            q_segment_ids=ids,
            kv_segment_ids=ids,
            q_positions=ids,
            kv_positions=ids,
            scale=0.1,
        )

    def loss(*arguments: Any) -> Any:
        mixed = remat.rematerialize(attend, remat_policy, in_scan=False)(*arguments)
        return jnp.sum(jnp.square(mixed.astype(jnp.float32)))

    with activate(mesh, rules):
        lowered = jax.jit(jax.value_and_grad(loss, (0, 1, 2))).lower(query, key, key, ids)
    return str(lowered.compile().as_text())


def num_kernels(program: str) -> int:
    return len(re.findall(r"= .* custom-call\(.*custom_call_target=\"tpu_custom_call\"", program))


SEQUENCE = MeshConfig(sequence=4)


@pytest.mark.parametrize(
    ("topology", "mesh_config", "heads", "kv_heads", "head_dim"),
    [
        pytest.param("v5e:2x2", SEQUENCE, 8, 8, 80, id="v5e_multi_head"),
        pytest.param("v5e:2x2", SEQUENCE, 8, 2, 128, id="v5e_grouped"),
        pytest.param("v5e:2x2", SEQUENCE, 12, 1, 128, id="v5e_multi_query"),
        pytest.param("v5p:2x2x1", SEQUENCE, 8, 8, 80, id="v5p_multi_head"),
        pytest.param("v5p:2x2x1", SEQUENCE, 8, 2, 128, id="v5p_grouped"),
        pytest.param("v5p:2x2x1", SEQUENCE, 12, 1, 128, id="v5p_multi_query"),
        pytest.param("v5e:2x2", MeshConfig(tensor=4), 8, 2, 128, id="more_parts_than_kv_heads"),
    ],
)
def test_runs_kernels_and_holds_no_matrix_of_scores(
    tpu_devices: Devices,
    topology: str,
    mesh_config: MeshConfig,
    heads: int,
    kv_heads: int,
    head_dim: int,
) -> None:
    program = compiled(tpu_devices(topology), mesh_config, heads, kv_heads, head_dim)
    # Forwards, the queries' gradient, and the keys' and values'.
    assert num_kernels(program) == 3
    shapes = [dims.split(",") for dims in re.findall(r"\[(\d[\d,]*)\]", program)]
    # A device's rows are the only long axis of all that it holds.
    assert not [shape for shape in shapes if sum(int(n) >= LENGTH // 4 for n in shape) > 1]


@pytest.mark.parametrize(("policy", "kernels"), [("full", 4), ("attention_output", 3)])
def test_a_result_that_a_policy_keeps_is_not_computed_again(
    tpu_devices: Devices, policy: str, kernels: int
) -> None:
    program = compiled(tpu_devices("v5e:2x2"), SEQUENCE, 12, 1, 128, policy)
    assert num_kernels(program) == kernels
