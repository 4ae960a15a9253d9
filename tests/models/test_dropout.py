"""Which entries dropout drops: as many as asked for, each for itself, on every layout the same."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from granite_fc.models.dropout import dropout
from granite_fc.sharding.mesh import MeshConfig, make_mesh

RATE, SHAPE = 0.1, (16, 128, 512)


def dropped(seed: int) -> np.ndarray:
    x = jnp.ones(SHAPE, jnp.bfloat16)
    return np.asarray(dropout(x, RATE, jax.random.key(seed)) == 0).astype(np.float64)


def test_entries_are_dropped_independently_of_each_other() -> None:
    mask = dropped(0)
    variance = RATE * (1 - RATE)
    np.testing.assert_allclose(mask.mean(), RATE, atol=5 * np.sqrt(variance / mask.size))
    # Sums over rows and over columns vary as those of independent draws do.
    for axis in range(3):
        sums = mask.sum(axis)
        np.testing.assert_allclose(sums.var(), SHAPE[axis] * variance, rtol=0.05)
    neighbours = [
        (mask[..., 1:], mask[..., :-1]),
        (mask[..., 64:], mask[..., :-64]),
        (mask[:, 1:], mask[:, :-1]),
        (mask[1:], mask[:-1]),
        (mask, dropped(1)),
    ]
    for one, other in neighbours:
        correlation = np.corrcoef(one.ravel(), other.ravel())[0, 1]
        assert abs(correlation) < 5 / np.sqrt(one.size)


def test_the_mask_is_the_same_on_every_mesh() -> None:
    mesh = make_mesh(MeshConfig(data=2, fsdp=2, tensor=2))
    sharding = jax.NamedSharding(mesh, jax.P(("data", "fsdp"), None, "tensor"))
    x = jax.device_put(jnp.ones(SHAPE, jnp.bfloat16), sharding)
    drop = jax.jit(lambda x: dropout(x, RATE, jax.random.key(0)), out_shardings=sharding)
    np.testing.assert_array_equal(np.asarray(drop(x)) == 0, dropped(0) == 1)
    compiled = drop.lower(x).compile().as_text()
    assert "all-" not in compiled and "collective-" not in compiled
