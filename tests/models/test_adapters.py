"""Adapters beside a frozen base: what they compute, and what the base is stored in."""

from __future__ import annotations

import dataclasses
import functools
from statistics import NormalDist
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.attach import join, split
from granite_fc.models.adapters.config import QUANTIZED_DTYPES, AdapterConfig
from granite_fc.models.adapters.low_rank import Adapter
from granite_fc.models.adapters.quantization import NF4, dequantize, quantize
from granite_fc.models.cache import init_cache
from granite_fc.models.cached_decoder import extend
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import (
    abstract_params,
    adapt_params,
    count_params,
    hidden_states,
    init_params,
    logical_axes,
)
from granite_fc.models.head import logits
from tests.models.families import FAMILIES, GPT_BIGCODE, GRANITE, LLAMA, random_params, sequence

ADAPTER = AdapterConfig(rank=4, alpha=8, base_dtype="float32", block_size=16)


def adapted(config: DecoderConfig, **changes: Any) -> DecoderConfig:
    return dataclasses.replace(config, adapter=dataclasses.replace(ADAPTER, **changes))


def adapted_params(config: DecoderConfig, *, trained: bool) -> dict[str, Any]:
    """Random parameters of every kind; B is no longer 0 where it has been trained."""
    base = random_params(dataclasses.replace(config, adapter=None))
    params = adapt_params(config, base, jax.random.key(1))
    if not trained:
        return params
    adapters, frozen = split(params)
    keys = iter(jax.random.split(jax.random.key(2), 100))
    adapters = jax.tree.map(lambda x: 0.2 * jax.random.normal(next(keys), x.shape), adapters)
    return join(adapters, frozen)


@functools.partial(jax.jit, static_argnums=0)
def run(config: DecoderConfig, params: Any, key: Any = None) -> jax.Array:
    inputs = sequence(config, 2, 9)
    return logits(config, params, hidden_states(config, params, *inputs, dropout_key=key))


@functools.partial(jax.jit, static_argnums=0)
def loss_and_gradients(config: DecoderConfig, params: Any, key: Any = None) -> Any:
    adapters, frozen = split(params)
    inputs = sequence(config, 2, 9)

    def loss(adapters: Any) -> jax.Array:
        whole = join(adapters, frozen)
        return jnp.sum(jnp.sin(hidden_states(config, whole, *inputs, dropout_key=key)))

    return jax.value_and_grad(loss)(adapters)


def assert_trees_close(a: Any, b: Any, tolerance: float) -> None:
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        scale = max(1.0, float(np.abs(y).max()))
        np.testing.assert_allclose(x, y, atol=tolerance * scale, rtol=0)


def dense(config: DecoderConfig, params: Any) -> Any:
    """The parameters of the model without adapters that computes the same; merges in float32."""

    def walk(node: Any) -> Any:
        if not isinstance(node, dict):
            return node.astype(jnp.float32)
        node = dict(node)
        if "kernel" in node:
            kernel = node["kernel"]["values"].astype(jnp.float32)
            if "adapter" in node:
                a, b = node["adapter"]["lora_a"], node["adapter"]["lora_b"]
                update = jax.vmap(lambda a, b: jnp.tensordot(a, b, axes=1))(a, b)
                kernel = kernel + config.adapter.alpha / config.adapter.rank * update
            node = {"kernel": kernel} | {k: node[k] for k in node if k == "bias"}
        return {name: walk(child) for name, child in node.items()}

    return walk(params)


@pytest.mark.parametrize(
    ("config", "dtype"),
    [*((config, "float32") for config in FAMILIES.values()), (GPT_BIGCODE, "bfloat16")],
    ids=[*FAMILIES, "bfloat16"],
)
def test_new_adapters_change_no_logit(config: DecoderConfig, dtype: str) -> None:
    config = dataclasses.replace(config, compute_dtype=dtype, param_dtype=dtype)
    params = random_params(config)
    adapted_config = adapted(config, base_dtype=dtype, dropout=0.5)
    with_adapters = adapt_params(adapted_config, params, jax.random.key(1))
    np.testing.assert_array_equal(
        run(adapted_config, with_adapters, jax.random.key(3)), run(config, params)
    )


@pytest.mark.parametrize("config", [GPT_BIGCODE, GRANITE], ids=["gpt_bigcode", "granite"])
def test_values_and_gradients_are_those_of_the_merged_kernels(config: DecoderConfig) -> None:
    config = adapted(config, target=["blocks/attention/(query|output)", "blocks/mlp/.*"])
    params = adapted_params(config, trained=True)
    adapters, frozen = split(params)
    assert "adapter" not in frozen["blocks"]["attention"]["key"]
    plain, inputs = dataclasses.replace(config, adapter=None), sequence(config, 2, 9)

    @jax.jit
    @jax.value_and_grad
    def merged_loss(adapters: Any) -> jax.Array:
        merged = dense(config, join(adapters, frozen))
        return jnp.sum(jnp.sin(hidden_states(plain, merged, *inputs)))

    loss, gradients = loss_and_gradients(config, params)
    expected_loss, expected = merged_loss(adapters)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-4)
    assert_trees_close(gradients, expected, 2e-5)
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradients))


def numpy_kernel(kernel: dict[str, Any], inputs: int, qtype: str) -> np.ndarray:
    """What codes [layers, *inputs, *outputs] stand for: each times the scale of its block."""
    codes, scales = np.asarray(kernel["values"]), np.asarray(kernel["scales"])
    if qtype != "int8":
        assert codes.dtype == np.uint8
        # A byte holds a code of its block's first half and, above it, one of its second.
        blocks = np.split(codes, scales.shape[inputs], axis=inputs)
        halves = [half for block in blocks for half in (block % 16, block // 16)]
        codes = np.concatenate(halves, axis=inputs).astype(np.int32) - 8 * (qtype == "int4")
    length = codes.shape[inputs] // scales.shape[inputs]
    values = np.asarray(NF4, np.float32)[codes] if qtype == "nf4" else codes
    return (values * np.repeat(scales, length, axis=inputs)).astype(np.float32)


@pytest.mark.parametrize("qtype", QUANTIZED_DTYPES)
def test_a_quantised_base_computes_what_its_codes_stand_for(qtype: str) -> None:
    config = adapted(GPT_BIGCODE, base_dtype=qtype)
    params = adapted_params(config, trained=True)
    explicit = jax.tree.map(lambda x: x, params)
    for part, name, inputs in (
        *(("attention", name, 1) for name in ("query", "key", "value")),
        ("attention", "output", 2),
        ("mlp", "up", 1),
        ("mlp", "down", 1),
    ):
        node = explicit["blocks"][part][name]
        node["kernel"] = {"values": jnp.asarray(numpy_kernel(node["kernel"], inputs, qtype))}
    # The base's other parameters stay bfloat16 in both.
    plain = adapted(GPT_BIGCODE, base_dtype="float32")
    loss, gradients = loss_and_gradients(config, params)
    expected_loss, expected = loss_and_gradients(plain, explicit)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    assert_trees_close(gradients, expected, 1e-5)


def test_the_nf4_values_follow_from_normal_quantiles() -> None:
    # Dettmers et al. (2023), section 3 and appendix E: 2^k + 1 quantiles of N(0, 1), asymmetric so
    # that 0 has a code of its own (eight steps on the positive side, seven on the negative), the
    # outermost at the mean of the probabilities that 15 and 16 bins would leave out, divided by the
    # largest.
    outermost = 1 - (1 / 32 + 1 / 30) / 2
    quantile = NormalDist().inv_cdf
    positive = [quantile(p) for p in np.linspace(outermost, 0.5, 9)[:-1]]
    negative = [-quantile(p) for p in np.linspace(outermost, 0.5, 8)[:-1]]
    expected = np.sort([*positive, 0.0, *negative]) / max(positive)
    np.testing.assert_allclose(NF4, expected, atol=2e-7)


@pytest.mark.parametrize("qtype", QUANTIZED_DTYPES)
def test_quantisation_rounds_to_the_nearest_within_each_block(qtype: str) -> None:
    rng = np.random.default_rng(0)
    # Blocks of very different sizes, one of them all zero.
    kernel = rng.standard_normal((48, 3)).astype(np.float32)
    kernel[16:32] *= 1e-3
    kernel[32:] = 0.0
    codes, scales = quantize(jnp.asarray(kernel), qtype, 0, 16)
    assert codes.nbytes == 48 * 3 // (1 if qtype == "int8" else 2)
    assert scales.shape == (3, 3) and scales.dtype == jnp.float32
    levels = (
        np.asarray(NF4)
        if qtype == "nf4"
        else np.arange(*{"int8": (-128, 128), "int4": (-8, 8)}[qtype])
    )
    grid = np.repeat(np.asarray(scales), 16, axis=0)[..., None] * levels
    nearest = np.abs(kernel[..., None] - grid).min(-1)
    found = np.asarray(dequantize(codes, scales, qtype, 0))
    np.testing.assert_allclose(np.abs(found - kernel), nearest, atol=1e-6)
    # The scale fits the block: it uses the whole range, and the small block loses no precision.
    relative = np.abs(found - kernel)[:32].reshape(2, -1).max(-1) / np.abs(kernel)[:32].reshape(
        2, -1
    ).max(-1)
    assert (relative < {"int8": 0.005, "int4": 0.08, "nf4": 0.16}[qtype]).all()


def test_a_pattern_that_matches_nothing_is_an_error_that_names_what_there_is() -> None:
    config = adapted(LLAMA, target=("blocks/mlp/.*", "blocks/attention/quer"))
    with pytest.raises(ConfigurationError) as caught:
        abstract_params(config)
    assert "'blocks/attention/quer'" in str(caught.value)
    for name in ("attention/query", "attention/output", "mlp/gate", "mlp/down"):
        assert f"blocks/{name}" in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("rank", 0),
        ("rank", 2.0),
        ("alpha", 0),
        ("alpha", float("inf")),
        ("dropout", 1.0),
        ("base_dtype", "int2"),
        ("block_size", 0),
        ("target", ()),
        ("target", "blocks/("),
        ("target", [3]),
    ],
)
def test_settings_out_of_range_are_refused_by_name(setting: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"AdapterConfig.{setting}"):
        AdapterConfig(**{setting: value})


@pytest.mark.parametrize("qtype", ["float32", "nf4"])
def test_every_parameter_has_its_axes_and_the_base_is_that_of_the_seed(qtype: str) -> None:
    config = adapted(GPT_BIGCODE, base_dtype=qtype)
    params = init_params(config, jax.random.key(0))
    shapes, axes = abstract_params(config), logical_axes(config)
    jax.tree.map(
        lambda leaf, shape: np.testing.assert_equal(leaf.shape, shape.shape), params, shapes
    )
    jax.tree.map(lambda leaf, names: np.testing.assert_equal(leaf.ndim, len(names)), params, axes)
    attention = axes["blocks"]["attention"]["output"]
    assert attention["kernel"]["values"] == ("layers", "heads", "head_dim", "embed")
    assert attention["adapter"]["lora_a"] == ("layers", "heads", "lora_head_dim", "lora_rank")
    assert attention["adapter"]["lora_b"] == ("layers", "lora_rank", "embed")
    base = init_params(GPT_BIGCODE, jax.random.key(0))
    if qtype == "float32":
        kernel = params["blocks"]["mlp"]["up"]["kernel"]["values"]
        np.testing.assert_array_equal(kernel, base["blocks"]["mlp"]["up"]["kernel"])
    else:
        scales = params["blocks"]["attention"]["output"]["kernel"]["scales"]
        assert scales.shape == (2, 4, 1, 32)  # A head of 8 is shorter than a block of 16.
        assert attention["kernel"]["scales"] == (
            "layers",
            "heads",
            "head_dim_blocks",
            "embed_scales",
        )
    adapters, _ = split(params)
    in_adapters = sum(leaf.size for leaf in jax.tree.leaves(adapters))
    assert count_params(config) == count_params(GPT_BIGCODE) + in_adapters
    # Each layer and projection begins differently.
    first = [leaf for leaf in jax.tree.leaves(adapters) if leaf.any()]
    assert len({float(layer.ravel()[0]) for leaf in first for layer in leaf}) == 2 * len(first)


def test_layers_run_as_a_loop_or_straight_with_the_same_masks() -> None:
    key = jax.random.key(5)
    config = adapted(GPT_BIGCODE, base_dtype="nf4", dropout=0.2, target="blocks/(.*/output|mlp/up)")
    params = adapted_params(config, trained=True)
    expected = loss_and_gradients(config, params, key)
    other_masks = loss_and_gradients(config, params, jax.random.key(6))
    assert abs(float(expected[0]) - float(other_masks[0])) > 1e-3
    for changes in (
        {"remat_policy": "projections"},
        {"scan_layers": False, "remat_policy": "full"},
    ):
        changed = dataclasses.replace(config, **changes)
        assert_trees_close(loss_and_gradients(changed, params, key), expected, 1e-5)


def test_dropout_thins_an_adapters_input_and_keeps_its_mean() -> None:
    config = AdapterConfig(rank=2, alpha=2, dropout=0.25)
    adapter = Adapter((32, 8), ("embed", "mlp"), 1, config, site=3)
    adapter.lora_a[...] = jnp.ones((32, 2))
    adapter.lora_b[...] = jnp.ones((2, 8))
    x = jnp.ones((1, 1, 32))
    keys = jax.random.split(jax.random.key(0), 2000)
    found = np.asarray(jax.vmap(lambda key: adapter(x, key)[0, 0, 0])(keys))
    whole = float(adapter(x, None)[0, 0, 0])
    assert whole == 64.0
    # A sum over 32 entries, each dropped for itself: mean 64, variance 32 * 4 * p / (1 - p).
    np.testing.assert_allclose(found.mean(), whole, rtol=0.01)
    np.testing.assert_allclose(found.var(), 32 * 4 * 0.25 / 0.75, rtol=0.15)
    elsewhere = Adapter((32, 8), ("embed", "mlp"), 1, config, site=4)
    elsewhere.lora_a[...], elsewhere.lora_b[...] = adapter.lora_a[...], adapter.lora_b[...]
    other = np.asarray(jax.vmap(lambda key: elsewhere(x, key)[0, 0, 0])(keys))
    assert abs(np.corrcoef(found, other)[0, 1]) < 0.1


def test_decoding_with_a_cache_uses_the_adapters() -> None:
    config = adapted(LLAMA, base_dtype="int8")
    params = adapted_params(config, trained=True)
    inputs = sequence(config, 2, 9)

    @jax.jit
    def both(params: Any) -> tuple[jax.Array, jax.Array]:
        first, cache = extend(config, params, *(x[:, :5] for x in inputs), init_cache(config, 2, 9))
        second, _ = extend(config, params, *(x[:, 5:] for x in inputs), cache)
        at_once = hidden_states(config, params, *inputs)
        return jnp.concatenate([first, second], 1), at_once

    np.testing.assert_allclose(*both(params), atol=2e-5)
