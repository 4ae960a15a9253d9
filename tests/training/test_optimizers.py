from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from granite_fc.errors import ConfigurationError
from granite_fc.training.optimizer import Optimizer
from granite_fc.training.optimizers import Adafactor, AdamW, Muon
from granite_fc.training.parameter_kinds import kind, matrix_dimensions
from granite_fc.training.schedules import LearningRateSchedule
from tests.training.standin import AXES, LAYERS, init_params

RATE = 1e-2


def unstacked(tree: Any) -> Any:
    """The same parameters with one array for every layer."""
    blocks = {
        f"{name}_{layer}": leaf[layer]
        for name, leaf in tree["blocks"].items()
        for layer in range(LAYERS)
    }
    return {**{k: v for k, v in tree.items() if k != "blocks"}, **blocks}


def apply(transformation: optax.GradientTransformation, stacked: bool) -> Any:
    """Three updates with fixed gradients of very different sizes between layers."""
    params = init_params(jax.random.key(0))
    form = (lambda tree: tree) if stacked else unstacked
    state = transformation.init(form(params))
    current = form(params)

    @jax.jit
    def update(number: Any, current: Any, state: Any) -> Any:
        key = jax.random.key(number)
        grads = jax.tree.map(
            lambda p: (
                jax.random.normal(key, p.shape)
                * (10.0 ** jnp.arange(p.shape[0])).reshape(-1, *[1] * (p.ndim - 1))
                if p.shape[0] == LAYERS
                else jax.random.normal(key, p.shape)
            ),
            params,
        )
        updates, state = transformation.update(form(grads), state, current)
        return optax.apply_updates(current, updates), state

    for number in range(3):
        current, state = update(number, current, state)
    return unstacked(current) if stacked else current


def assert_close(a: Any, b: Any, **tolerance: float) -> None:
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, **tolerance), a, b)


MATRICES = ("mix", "back", "up", "down")


def is_matrix(name: str) -> bool:
    return name.rsplit("_", 1)[0] in MATRICES and not name.startswith("mix_bias")


def decayed(params: Any) -> Any:
    return {name: is_matrix(name) or name == "embedding" for name in params}


def test_adamw_is_optax_adamw() -> None:
    ours = AdamW(learning_rate=RATE, weight_decay=0.3).build(AXES, 10)
    reference = optax.adamw(RATE, b1=0.9, b2=0.95, eps=1e-8, weight_decay=0.3, mask=decayed)
    assert_close(apply(ours, True), apply(reference, False), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("scale", [True, False])
def test_adafactor_is_optax_adafactor_on_every_layer_alone(scale: bool) -> None:
    ours = Adafactor(
        learning_rate=RATE, min_dim_size_to_factor=4, multiply_by_parameter_scale=scale
    ).build(AXES, 10)
    reference = optax.adafactor(RATE, min_dim_size_to_factor=4, multiply_by_parameter_scale=scale)
    assert_close(apply(ours, True), apply(reference, False), rtol=1e-5, atol=1e-6)


def test_muon_is_optax_muon_on_every_layer_alone() -> None:
    ours = Muon(learning_rate=RATE, weight_decay=0.0).build(AXES, 10)

    def dimensions(params: Any) -> Any:
        numbers = {
            "mix": optax.contrib.MuonDimensionNumbers(0, (1, 2)),
            "back": optax.contrib.MuonDimensionNumbers((0, 1), 2),
            "up": optax.contrib.MuonDimensionNumbers(0, 1),
            "down": optax.contrib.MuonDimensionNumbers(0, 1),
        }
        return {
            name: numbers[name.rsplit("_", 1)[0]] if is_matrix(name) else None for name in params
        }

    reference = optax.contrib.muon(
        RATE, consistent_rms=0.2, muon_weight_dimension_numbers=dimensions
    )
    # Optax's own fallback is Nesterov's Adam; ours is the plain one.
    adam = apply(optax.adam(RATE, 0.9, 0.95, 1e-8), False)
    expected = {
        name: leaf if is_matrix(name) else adam[name]
        for name, leaf in apply(reference, False).items()
    }
    assert_close(apply(ours, True), expected, rtol=1e-4, atol=1e-5)


def test_muon_makes_the_update_of_every_layer_orthogonal() -> None:
    transformation = Muon(learning_rate=1.0, weight_decay=0.0, rms=1.0).build(AXES, 10)
    params = init_params(jax.random.key(0))
    updates, _ = transformation.update(params, transformation.init(params), params)
    for layer in range(LAYERS):
        mix = updates["blocks"]["mix"][layer].reshape(16, 16) / 4
        singular = np.linalg.svd(mix, compute_uv=False)
        assert 0.5 < singular.min() <= singular.max() < 1.4


def test_decay_leaves_biases_and_norms_alone() -> None:
    transformation = AdamW(learning_rate=1.0, weight_decay=0.5).build(AXES, 10)
    params = jax.tree.map(jnp.ones_like, init_params(jax.random.key(0)))
    zeros = jax.tree.map(jnp.zeros_like, params)
    updates, _ = transformation.update(zeros, transformation.init(params), params)
    for name, update in unstacked(updates).items():
        expected = -0.5 if is_matrix(name) or name == "embedding" else 0.0
        np.testing.assert_allclose(update, expected)


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        (("vocab", "embed"), "embedding"),
        (("position", "embed"), "embedding"),
        (("layers", "embed", "heads", "head_dim"), "matrix"),
        (("layers", "kv_heads", "head_dim"), "vector"),
        (("layers", "embed"), "vector"),
        (("mlp", "embed"), "matrix"),
        (("norm",), "vector"),
        (("layers", "rank", "kv_heads", "head_dim"), "matrix"),
        ((), "vector"),
    ],
)
def test_kinds(axes: tuple[str, ...], expected: str) -> None:
    assert kind(axes) == expected


def test_the_sides_of_a_matrix() -> None:
    assert matrix_dimensions(("layers", "heads", "head_dim", "embed")) == ((1, 2), (3,))
    assert matrix_dimensions(("embed", None, "mlp")) == ((0,), (2,))


@pytest.mark.parametrize("decay", ["cosine", "linear", "constant"])
@pytest.mark.parametrize("warmup", [0, 7])
def test_schedules_are_their_closed_forms(decay: str, warmup: int) -> None:
    schedule = LearningRateSchedule(0.5, warmup_steps=warmup, decay=decay, final_fraction=0.2)  # type: ignore[arg-type]
    total = 50
    for step in range(total + 3):
        p = min((step - warmup) / (total - warmup), 1)
        if step < warmup:
            expected = 0.5 * (step + 1) / (warmup + 1)
        else:
            expected = {
                "cosine": 0.5 * (0.2 + 0.8 * 0.5 * (1 + np.cos(np.pi * p))),
                "linear": 0.5 + p * (0.1 - 0.5),
                "constant": 0.5,
            }[decay]
        np.testing.assert_allclose(schedule.rate(step, total), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "optimizer",
    [
        AdamW(LearningRateSchedule(peak=0.0)),
        AdamW(LearningRateSchedule(peak=math.inf)),
        AdamW(learning_rate=math.inf),
        AdamW(LearningRateSchedule(decay="step")),  # type: ignore[arg-type]
        AdamW(LearningRateSchedule(final_fraction=2.0)),
        AdamW(LearningRateSchedule(warmup_steps=10)),
        Muon(weight_decay=-1.0),
        AdamW(learning_rate=-1.0),
    ],
)
def test_a_wrong_optimizer_is_refused(optimizer: Optimizer) -> None:
    with pytest.raises(ConfigurationError):
        optimizer.check(10)
