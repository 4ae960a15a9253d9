"""Every kernel against the reference implementation: results and gradients, packed and padded."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from granite_fc.errors import ConfigurationError
from granite_fc.models import logical
from granite_fc.models.attention import attention, splash
from granite_fc.models.attention.blocks import needed_blocks
from granite_fc.models.config import DecoderConfig
from granite_fc.sharding.activate import activate
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.rules import LogicalAxisRules

LENGTH = 512
BATCH = 2
KERNELS = ("splash", "gpu")
# Query heads, key/value heads, width of a head.
MULTI_HEAD, GROUPED, MULTI_QUERY = (4, 4, 80), (4, 2, 128), (4, 1, 64)
TWO_PARTS = MeshConfig(fsdp=2, sequence=2, tensor=2)
FOUR_PARTS = MeshConfig(sequence=4, tensor=2)
FOUR_HEADS = MeshConfig(fsdp=2, tensor=4)


@pytest.fixture(autouse=True)
def several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splash, "LARGEST_BLOCK", 128)


def packed_rows() -> tuple[np.ndarray, np.ndarray]:
    """Segment ids and positions: one row ends in padding, one has some between its segments."""
    lengths = [[(1, 3), (2, 250), (3, 128), (0, 131)], [(1, 200), (0, 20), (2, 292)]]
    ids = np.array([np.repeat(*zip(*row, strict=True)) for row in lengths], np.int32)
    positions = [np.concatenate([np.arange(n) for _, n in row]) for row in lengths]
    return ids, np.array(positions, np.int32)


def results(
    implementation: str,
    heads: tuple[int, int, int],
    dtype: Any,
    mesh_config: MeshConfig | None = None,
    ids: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Returns what attention computes, and the gradients of a weighted sum of it."""
    q_heads, kv_heads, head_dim = heads
    rng = np.random.default_rng(0)
    packed_ids, positions = packed_rows()
    ids = packed_ids if ids is None else ids
    query, key, value, weights = (
        # Rounded before either implementation computes with it.
        jnp.asarray(rng.standard_normal((BATCH, LENGTH, n, head_dim)), dtype)
        for n in (q_heads, kv_heads, kv_heads, q_heads)
    )
    if implementation == "reference":
        query, key, value, weights = (x.astype(jnp.float32) for x in (query, key, value, weights))

    def run(query: Any, key: Any, value: Any) -> Any:
        mixed = attention(
            query,
            key,
            value,
            q_segment_ids=ids,
            kv_segment_ids=ids,
            q_positions=positions,
            kv_positions=positions,
            scale=head_dim**-0.5,
            implementation=implementation,
        )
        return jnp.sum((mixed * weights).astype(jnp.float32)), mixed

    mesh: Any = contextlib.nullcontext()
    if mesh_config is not None:
        mesh = activate(make_mesh(mesh_config, jax.devices()), LogicalAxisRules())
    with mesh:
        (_, mixed), gradients = jax.jit(jax.value_and_grad(run, (0, 1, 2), has_aux=True))(
            query, key, value
        )
    arrays = {"mixed": mixed} | dict(zip(("query", "key", "value"), gradients, strict=True))
    return {name: np.asarray(x, np.float64) for name, x in arrays.items()}


@functools.cache
def reference(heads: tuple[int, int, int], dtype: str) -> dict[str, np.ndarray]:
    """Returns what the reference computes in float32 from operands of this type."""
    return results("reference", heads, dtype)


def assert_close(
    found: dict[str, np.ndarray], expected: dict[str, np.ndarray], tolerance: float
) -> None:
    for name, reference in expected.items():
        error = np.abs(found[name] - reference).max() / np.abs(reference).max()
        assert error <= tolerance, (name, error)


@pytest.mark.parametrize(
    "heads",
    [
        pytest.param(MULTI_HEAD, id="multi_head"),
        pytest.param(GROUPED, id="grouped"),
        pytest.param(MULTI_QUERY, id="multi_query"),
    ],
)
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("bfloat16", 1e-2)])
def test_a_kernel_equals_the_reference(
    kernel: str, heads: tuple[int, int, int], dtype: str, tolerance: float
) -> None:
    found = results(kernel, heads, dtype)
    assert_close(found, reference(heads, dtype), tolerance)
    padding = packed_rows()[0] == 0
    for array in found.values():
        assert (array[padding] == 0).all()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("mesh_config", "heads"),
    [
        pytest.param(TWO_PARTS, MULTI_HEAD, id="two_parts_multi_head"),
        pytest.param(TWO_PARTS, GROUPED, id="two_parts_grouped"),
        pytest.param(TWO_PARTS, MULTI_QUERY, id="two_parts_multi_query"),
        pytest.param(FOUR_PARTS, MULTI_QUERY, id="four_parts_of_a_row"),
        pytest.param(FOUR_HEADS, GROUPED, id="more_parts_than_kv_heads"),
    ],
)
def test_a_kernel_on_parts_equals_the_reference(
    kernel: str, mesh_config: MeshConfig, heads: tuple[int, int, int]
) -> None:
    found = results(kernel, heads, "float32", mesh_config)
    assert_close(found, reference(heads, "float32"), 1e-5)


@pytest.mark.parametrize("kernel", KERNELS)
def test_rows_of_padding_alone_give_zeros(kernel: str) -> None:
    found = results(kernel, (2, 1, 16), "float32", ids=np.zeros((BATCH, LENGTH), np.int32))
    for array in found.values():
        assert (array == 0).all()


def test_only_blocks_that_share_a_segment_are_needed() -> None:
    ids = jnp.asarray([[1] * 4 + [2] * 6 + [3] * 2 + [0] * 4])
    needed = needed_blocks(ids, ids, jnp.arange(16), 4, 4)
    np.testing.assert_array_equal(
        needed[0], [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
    )
    second_half = needed_blocks(ids[:, 8:], ids, jnp.arange(8, 16), 4, 4)
    np.testing.assert_array_equal(second_half, needed[:, 2:])


class On:
    """A constraint that lays nothing out and names a platform."""

    def __init__(self, platform: str) -> None:
        self.platform = platform

    def ways(self, axis: str, length: int) -> int:
        return 1

    def on_shards(
        self, function: Callable[..., jax.Array], arrays: Sequence[jax.Array], *layout: Any
    ) -> jax.Array:
        return function(*arrays)


def run(query: jax.Array, implementation: str, **options: Any) -> jax.Array:
    """Attends within one row that is one segment."""
    ids = jnp.ones(query.shape[:2], jnp.int32)
    places = jnp.arange(query.shape[1])[None]
    return attention(
        query,
        query,
        query,
        q_segment_ids=ids,
        kv_segment_ids=ids,
        q_positions=places,
        kv_positions=places,
        scale=1.0,
        implementation=implementation,
        **options,
    )


@pytest.mark.parametrize(
    ("platform", "kernel", "length", "head_dim", "dropout_rate"),
    [
        pytest.param("tpu", "splash", 100, 16, 0.0, id="odd_length"),
        pytest.param("tpu", "splash", 128, 16, 0.1, id="dropout"),
        pytest.param("gpu", "gpu", 128, 256, 0.0, id="wide_heads"),
    ],
)
def test_the_reference_serves_what_a_kernel_cannot(
    platform: str, kernel: str, length: int, head_dim: int, dropout_rate: float
) -> None:
    query = jnp.ones((1, length, 2, head_dim))
    options = {"dropout_rate": dropout_rate, "dropout_key": jax.random.key(0)}
    with logical.use_constraint(On(platform)):
        np.testing.assert_array_equal(
            run(query, "auto", **options), run(query, "reference", **options)
        )
        with pytest.raises(ConfigurationError) as error:
            run(query, kernel, **options)
    assert error.value.key == "DecoderConfig.attention"


def test_a_gpu_gets_kernels_that_triton_takes() -> None:
    def loss(query: jax.Array) -> jax.Array:
        return run(query, "auto").astype(jnp.float32).sum()

    query = jax.ShapeDtypeStruct((1, 256, 2, 80), jnp.bfloat16)
    with logical.use_constraint(On("gpu")):
        traced = jax.jit(jax.value_and_grad(loss)).trace(query)
    try:
        program = traced.lower(lowering_platforms=("cuda",)).as_text()
    except RuntimeError as error:
        pytest.skip(f"this jax lowers for a GPU only where there is one: {error}")
    # Forwards, the queries' gradient, and the keys' and values'.
    assert program.count("custom_call @__gpu$xla.gpu.triton") == 3


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"attention": "splash", "attention_dropout": 0.1}, id="dropout"),
        pytest.param({"attention": "gpu", "head_dim": 256}, id="wide_heads"),
        pytest.param({"attention": "flash"}, id="unknown"),
    ],
)
def test_what_a_kernel_can_never_serve_is_refused_at_once(settings: dict[str, Any]) -> None:
    sizes = {
        "vocab_size": 8,
        "d_model": 8,
        "num_layers": 1,
        "num_heads": 2,
        "num_kv_heads": 1,
        "head_dim": 4,
        "d_ff": 8,
        "max_positions": 8,
    }
    with pytest.raises(ConfigurationError) as error:
        DecoderConfig(**sizes | settings)
    assert error.value.key == "DecoderConfig.attention"
