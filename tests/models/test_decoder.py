"""What must not change results does not, and dropout does what it should."""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from granite_fc.models import decoder
from granite_fc.models.cache import init_cache
from granite_fc.models.cached_decoder import extend
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import (
    abstract_params,
    hidden_states,
    init_params,
    logical_axes,
)
from granite_fc.models.dropout import dropout
from granite_fc.models.head import logits
from granite_fc.models.logical import use_constraint
from granite_fc.models.remat import REMAT_POLICIES
from tests.models.families import FAMILIES, GPT_BIGCODE, GRANITE, LLAMA, random_params, sequence


@functools.partial(jax.jit, static_argnums=0)
def run(
    config: DecoderConfig,
    params: Any,
    tokens: Any,
    positions: Any,
    segment_ids: Any,
    key: Any = None,
) -> jax.Array:
    hidden = hidden_states(config, params, tokens, positions, segment_ids, dropout_key=key)
    return logits(config, params, hidden)


@functools.partial(jax.jit, static_argnums=0)
def loss_and_gradients(config: DecoderConfig, params: Any, key: Any = None) -> Any:
    inputs = sequence(config, 2, 9)

    def loss(params: Any) -> jax.Array:
        return jnp.sum(jnp.sin(hidden_states(config, params, *inputs, dropout_key=key)))

    return jax.value_and_grad(loss)(params)


def assert_trees_close(a: Any, b: Any, tolerance: float) -> None:
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        scale = max(1.0, float(np.abs(y).max()))
        np.testing.assert_allclose(x, y, atol=tolerance * scale, rtol=0)


@pytest.mark.parametrize("config", FAMILIES.values(), ids=FAMILIES.keys())
def test_packed_examples_get_the_logits_that_they_get_alone(config: DecoderConfig) -> None:
    params = random_params(config)
    lengths = (5, 1, 7)
    tokens = np.asarray(sequence(config, 1, 16)[0])
    positions = np.concatenate([*map(np.arange, lengths), [0, 0, 0]])[None]
    segment_ids = np.repeat([1, 2, 3, 0], [*lengths, 3])[None]
    packed = run(config, params, tokens, positions, segment_ids)
    start = 0
    for length in lengths:
        # Padded to one length, so that one program serves all.
        alone = np.zeros((1, 16), np.int32)
        alone[:, :length] = tokens[:, start : start + length]
        row = np.arange(16)[None]
        expected = run(config, params, alone, row, (row < length).astype(np.int32))
        np.testing.assert_allclose(
            packed[:, start : start + length], expected[:, :length], atol=2e-5
        )
        start += length


@pytest.mark.parametrize("name", [name for name in REMAT_POLICIES if name != "none"])
def test_what_is_recomputed_changes_nothing(name: str) -> None:
    params = random_params(GRANITE)
    policy = dataclasses.replace(GRANITE, remat_policy=name)
    assert_trees_close(
        loss_and_gradients(policy, params), loss_and_gradients(GRANITE, params), 1e-5
    )


def test_policies_compute_as_much_again_as_they_say() -> None:
    config = dataclasses.replace(LLAMA, d_model=64, d_ff=256, num_layers=1, scan_layers=False)
    inputs = sequence(config, 2, 32)

    def products(name: str) -> float:
        policy = dataclasses.replace(config, remat_policy=name)

        def loss(params: Any) -> jax.Array:
            return hidden_states(policy, params, *inputs).sum()

        compiled = jax.jit(jax.grad(loss)).lower(abstract_params(config)).compile()
        return len(re.findall(r"= \S+ dot\(|custom-call.*matmul", compiled.as_text()))

    policies = ("none", "projections", "attention", "attention_output", "full")
    kept_all, *counted = (products(name) for name in policies)
    # Computed again are: the attention's scores, as kernels always do; then its projected result,
    # gate and up; then query, key and value; then the attention's second product.
    assert [x - kept_all for x in counted] == [1, 4, 7, 8]


def test_straight_line_code_and_recomputed_masks_equal_the_loop_over_layers() -> None:
    dropping = dataclasses.replace(
        GRANITE, embedding_dropout=0.2, residual_dropout=0.2, attention_dropout=0.2
    )
    params, key = random_params(GRANITE), jax.random.key(3)
    unrolled = dataclasses.replace(dropping, scan_layers=False, remat_policy="full")
    assert_trees_close(
        loss_and_gradients(unrolled, params, key), loss_and_gradients(dropping, params, key), 1e-5
    )


@pytest.mark.parametrize("config", [GPT_BIGCODE, LLAMA], ids=["gpt_bigcode", "llama"])
def test_straight_line_code_equals_the_loop_over_layers(config: DecoderConfig) -> None:
    params, inputs = random_params(config), sequence(config, 2, 16)
    unrolled = dataclasses.replace(config, scan_layers=False)
    np.testing.assert_allclose(
        run(unrolled, params, *inputs), run(config, params, *inputs), atol=2e-5
    )


@pytest.mark.parametrize("config", FAMILIES.values(), ids=FAMILIES.keys())
def test_bfloat16_is_close_to_float32(config: DecoderConfig) -> None:
    params, inputs = random_params(config), sequence(config, 2, 16)
    exact = np.asarray(run(config, params, *inputs))
    rounded_config = dataclasses.replace(config, compute_dtype="bfloat16")
    rounded = run(rounded_config, params, *inputs)
    assert rounded.dtype == jnp.float32
    assert np.abs(rounded - exact).mean() < 0.03 * exact.std()
    hidden = jax.eval_shape(lambda params: hidden_states(rounded_config, params, *inputs), params)
    assert hidden.dtype == jnp.bfloat16


def test_padding_is_finite_forwards_and_backwards() -> None:
    params = random_params(GPT_BIGCODE)
    tokens, positions, _ = sequence(GPT_BIGCODE, 2, 8)
    segment_ids = jnp.array([[1] * 3 + [0] * 5, [0] * 8])

    def loss(params: Any) -> jax.Array:
        return hidden_states(GPT_BIGCODE, params, tokens, positions, segment_ids)[0, :3].sum()

    value, gradients = jax.jit(jax.value_and_grad(loss))(params)
    assert np.isfinite(value)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))


class TestDropout:
    CONFIG = dataclasses.replace(
        GPT_BIGCODE, embedding_dropout=0.1, attention_dropout=0.1, residual_dropout=0.1
    )

    def test_masks_differ_by_step_and_repeat_by_key(self) -> None:
        params, inputs = random_params(self.CONFIG), sequence(self.CONFIG, 2, 8)
        step = [jax.random.fold_in(jax.random.key(0), number) for number in range(2)]
        first = run(self.CONFIG, params, *inputs, step[0])
        assert (first == run(self.CONFIG, params, *inputs, step[0])).all()
        assert not np.allclose(first, run(self.CONFIG, params, *inputs, step[1]))

    def test_no_key_means_no_dropout(self) -> None:
        params, inputs = random_params(self.CONFIG), sequence(self.CONFIG, 2, 8)
        assert (run(self.CONFIG, params, *inputs) == run(GPT_BIGCODE, params, *inputs)).all()

    @pytest.mark.parametrize("scan_layers", [True, False])
    def test_every_layer_and_place_draws_its_own_mask(self, scan_layers: bool) -> None:
        # Biases alone reach the residual stream, so that its entries count the masks they passed.
        config = dataclasses.replace(
            self.CONFIG,
            num_layers=3,
            embedding_dropout=0.5,
            attention_dropout=0.0,
            residual_dropout=0.5,
            scan_layers=scan_layers,
        )
        params = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), abstract_params(config))
        params["embedding"]["table"] = jnp.full_like(params["embedding"]["table"], 0.5)
        powers = 2.0 ** jnp.arange(3)[:, None]
        attention_bias = params["blocks"]["attention"]["output"]["bias"]
        params["blocks"]["attention"]["output"]["bias"] = attention_bias + powers
        params["blocks"]["mlp"]["down"]["bias"] = attention_bias + 8 * powers
        # An identity in place of the final norm: the raw residual stream is wanted.
        params["final_norm"]["scale"] = jnp.ones(config.d_model)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decoder, "final_norm", lambda config, params, x: x)
            stream = jax.jit(functools.partial(hidden_states, config))(
                params, *sequence(config, 2, 64), dropout_key=jax.random.key(5)
            )
        counts = np.asarray(stream).astype(np.int32).reshape(-1)
        masks = [(counts >> bit) & 2 > 0 for bit in range(6)]
        masks.append(np.asarray(stream).reshape(-1) % 2 == 1)
        for mask in masks:
            assert abs(mask.mean() - 0.5) < 0.05
        for i, mask in enumerate(masks):
            for other in masks[i + 1 :]:
                assert abs((mask == other).mean() - 0.5) < 0.05

    def test_is_unbiased(self) -> None:
        x = jnp.linspace(-2, 2, 7)
        keys = jax.random.split(jax.random.key(0), 20_000)
        samples = np.asarray(jax.jit(jax.vmap(lambda key: dropout(x, 0.3, key)))(keys))
        np.testing.assert_allclose(samples.mean(0), x, atol=5 * 2 * 0.66 / np.sqrt(len(keys)))
        np.testing.assert_allclose((samples[:, 0] == 0).mean(), 0.3, atol=0.02)


@pytest.mark.parametrize("config", FAMILIES.values(), ids=FAMILIES.keys())
def test_every_parameter_has_a_name_for_each_axis(config: DecoderConfig) -> None:
    shapes = abstract_params(config)
    axes = logical_axes(config)
    jax.tree.map(
        lambda shape, names: assert_names(config, shape.shape, names),
        shapes,
        axes,
        is_leaf=lambda x: isinstance(x, jax.ShapeDtypeStruct),
    )


def assert_names(config: DecoderConfig, shape: tuple[int, ...], names: tuple[str, ...]) -> None:
    lengths = {
        "layers": config.num_layers,
        "vocab": config.vocab_size,
        "embed": config.d_model,
        "heads": config.num_heads,
        "kv_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "mlp": config.d_ff,
        "mlp_bias": config.d_ff,
        "position": config.max_positions,
        "norm": config.d_model,
    }
    assert shape == tuple(lengths[name] for name in names)


def test_initial_parameters_follow_the_documented_deviations() -> None:
    config = dataclasses.replace(
        GRANITE, d_model=64, num_layers=8, vocab_size=500, initializer_range=0.1, logits_scaling=4.0
    )
    params = jax.jit(init_params, static_argnums=0)(config, jax.random.key(0))
    attention = params["blocks"]["attention"]
    np.testing.assert_allclose(params["embedding"]["table"].std(), 0.1, rtol=0.05)
    np.testing.assert_allclose(attention["query"]["kernel"].std(), 0.05, rtol=0.05)
    np.testing.assert_allclose(attention["output"]["kernel"].std(), 0.05 / 4, rtol=0.05)
    np.testing.assert_allclose(params["blocks"]["mlp"]["down"]["kernel"].std(), 0.05 / 4, rtol=0.05)
    layers = attention["query"]["kernel"].reshape(8, -1)
    assert len(np.unique(layers[:, 0])) == 8, "layers must not begin alike"
    assert (params["final_norm"]["scale"] == 1).all()


def test_the_cache_continues_where_the_last_call_ended() -> None:
    params, (tokens, positions, segment_ids) = random_params(LLAMA), sequence(LLAMA, 2, 10)
    whole = jax.jit(functools.partial(hidden_states, LLAMA))(params, tokens, positions, segment_ids)
    continued = jax.jit(functools.partial(extend, LLAMA))
    cache = init_cache(LLAMA, 2, 12)
    parts = []
    for span in (slice(0, 6), slice(6, 7), slice(7, 10)):
        place = positions[:, span], segment_ids[:, span]
        part, cache = continued(params, tokens[:, span], *place, cache)
        parts.append(part)
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, atol=1e-5)
    assert cache.slot == 10


def test_activations_and_parameters_are_named_and_models_obey_the_constraint() -> None:
    laid_out, gathered = set(), set()

    class Recorder:
        platform = "cpu"

        def __call__(self, x: jax.Array, names: tuple[str | None, ...]) -> jax.Array:
            laid_out.update(names)
            return x

        def gathered(self, parameter: jax.Array, names: tuple[str | None, ...]) -> jax.Array:
            gathered.update(names)
            return parameter

        def ways(self, axis: str, length: int) -> int:
            return 1

        def on_shards(self, function, arrays, in_axes, out_shape, out_axes):
            laid_out.update(*in_axes, out_axes)
            return function(*arrays)

    with use_constraint(Recorder()):
        inputs = sequence(LLAMA, 2, 4)
        jax.eval_shape(
            lambda params: logits(LLAMA, params, hidden_states(LLAMA, params, *inputs)),
            abstract_params(LLAMA),
        )
    of_parameters = {"embed", "heads", "kv_heads", "head_dim", "mlp", "vocab"}
    assert gathered == of_parameters
    assert laid_out - {None} - of_parameters == {
        f"activation_{name}"
        for name in ("batch", "length", "embed", "heads", "kv_heads", "kv_length", "mlp", "vocab")
    } | {"lookup_batch", "lookup_length"}
