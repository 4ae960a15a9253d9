"""A merged model computes what its adapters and their base do."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from granite_fc.models.adapters.attach import join, split
from granite_fc.models.adapters.config import QUANTIZED_DTYPES
from granite_fc.models.adapters.merge import merge
from granite_fc.models.decoder import abstract_params, base_config, init_params
from tests.models.families import GPT_BIGCODE, LLAMA
from tests.models.test_adapters import adapted, adapted_params, numpy_kernel, run

TARGET = ("blocks/attention/(query|output)", "blocks/mlp/up")


def test_merged_logits_are_those_of_adapters_and_base() -> None:
    config = adapted(GPT_BIGCODE, base_dtype="nf4", target=TARGET)
    params, plain = adapted_params(config, trained=True), base_config(config)
    merged = merge(config, params, "float32")
    assert jax.tree.structure(merged) == jax.tree.structure(abstract_params(plain))
    expected = run(config, params)
    assert np.abs(expected - run(config, adapted_params(config, trained=False))).max() > 1e-2
    np.testing.assert_allclose(run(plain, merged), expected, atol=1e-5)


def test_in_bfloat16_merging_costs_no_more_than_the_type_itself() -> None:
    # Of the size that models begin with, logits here up to 0.7.
    plain = dataclasses.replace(LLAMA, initializer_range=0.02, param_dtype="bfloat16")
    config = adapted(plain, base_dtype="bfloat16")
    adapters, frozen = split(init_params(config, jax.random.key(0)))
    keys = iter(jax.random.split(jax.random.key(2), 100))
    adapters = jax.tree.map(lambda x: 0.02 * jax.random.normal(next(keys), x.shape), adapters)
    params = join(adapters, frozen)
    merged = merge(config, params, "bfloat16")
    assert all(leaf.dtype == jnp.bfloat16 for leaf in jax.tree.leaves(merged))
    exact = run(config, params)
    # The kernels' rounding alone, then that of everything that is computed with them.
    np.testing.assert_allclose(run(plain, merged), exact, atol=1e-3)
    half = {"compute_dtype": "bfloat16"}
    beside = run(dataclasses.replace(config, **half), params)
    inside = run(dataclasses.replace(plain, **half), merged)
    assert np.abs(inside - beside).mean() < 1e-3
    assert np.abs(inside - exact).max() < 1.5 * np.abs(beside - exact).max()


@pytest.mark.parametrize("qtype", QUANTIZED_DTYPES)
def test_kernels_are_what_codes_stand_for_and_the_adapters_product(qtype: str) -> None:
    config = adapted(GPT_BIGCODE, base_dtype=qtype, target=TARGET)
    params = adapted_params(config, trained=True)
    merged = merge(config, params, "float32")
    for part, name, inputs in (
        ("attention", "output", 2),
        ("attention", "key", 1),
        ("mlp", "up", 1),
    ):
        node = params["blocks"][part][name]
        expected = numpy_kernel(node["kernel"], inputs, qtype)
        if name != "key":
            for layer in range(config.num_layers):
                a, b = (np.asarray(node["adapter"][m][layer]) for m in ("lora_a", "lora_b"))
                product = a.reshape(-1, 4) @ b.reshape(4, -1)
                expected[layer] += 8 / 4 * product.reshape(expected[layer].shape)
        np.testing.assert_allclose(merged["blocks"][part][name]["kernel"], expected, atol=1e-5)
