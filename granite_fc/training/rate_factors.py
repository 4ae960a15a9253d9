"""What the learning rate of single weights, and of single layers of them, is multiplied by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from granite_fc.errors import ConfigurationError
from granite_fc.sharding.shardings import Axes, is_axes, path_name
from granite_fc.training.parameter_kinds import is_stacked
from granite_fc.training.weight_names import matching, weight_names

# What the first block reads.
_BELOW_BLOCKS = ("embedding", "positions")

Multipliers = Sequence[tuple[str, float]]


def rate_factors(
    axes: Any, *, layer_decay: float, num_layers: int, multipliers: Multipliers, key: str
) -> Any:
    """Returns the tree of factors: a number for every weight, or float32 [layers, 1, ...] of them.

    With d = `layer_decay` and N layers, block i (from 0, the one that reads the embeddings) has
    d^(N - 1 - i), embeddings have d^N, the head and the final norm 1: the discriminative
    fine-tuning of Howard and Ruder (2018) in the form of ELECTRA (Clark et al., 2020) and BEiT (Bao
    et al., 2022). Below the head those have two powers of d more and one; theirs is new, and a
    language model's is no newer than its blocks. A table that is both embedding and head has the
    embedding's factor.

    Args:
        axes: Tree of the trained parameters' logical axes.
        layer_decay: d; 1 for all layers alike.
        num_layers: N.
        multipliers: Pairs of a regular expression and what the weights are multiplied by whose
            whole name it is the first to match, besides the above; as `lr_mults` in Google's
            big_vision.
        key: The setting that the multipliers are from.

    Raises:
        ConfigurationError: A pattern is the first to match for no weight; names the weights.
    """
    names = weight_names(axes)
    of_name = dict.fromkeys(names, 1.0)
    left = set(names)
    for pattern, factor in multipliers:
        matched = matching(pattern, left)
        if not matched:
            raise ConfigurationError(
                key,
                found=pattern,
                expected="a regular expression that is the first to match the whole name of a "
                "trained weight: " + ", ".join(names),
            )
        of_name |= dict.fromkeys(matched, float(factor))
        left -= matched

    def factor_of(path: Any, leaf: Axes) -> float | np.ndarray:
        name = path_name(path)
        if is_stacked(leaf) and layer_decay != 1.0:
            powers = np.float64(layer_decay) ** np.arange(num_layers - 1, -1, -1)
            column = (of_name[name] * powers).astype(np.float32)
            return column.reshape(-1, *[1] * (len(leaf) - 1))
        below = name.split("/")[0] in _BELOW_BLOCKS
        return of_name[name] * (layer_decay**num_layers if below else 1.0)

    return jax.tree_util.tree_map_with_path(factor_of, axes, is_leaf=is_axes)


def scale_by_factors(factors: Any) -> optax.GradientTransformation:
    """Returns the transformation that multiplies every update by its factor.

    Args:
        factors: As from `rate_factors`.
    """

    def scale(factor: float | np.ndarray, update: jax.Array) -> jax.Array:
        return update * jnp.asarray(factor, update.dtype)

    return optax.stateless(lambda updates, _: jax.tree.map(scale, factors, updates))
