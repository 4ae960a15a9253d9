"""Treats every layer of a stacked parameter as a parameter of its own."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import optax

from granite_fc.training.parameter_kinds import is_stacked, map_axes


class PerLayerState(NamedTuple):
    """States of the stacked parameters, a layers axis first on every leaf, and of the others."""

    stacked: Any
    single: Any


def per_layer(
    transformation: optax.GradientTransformation, axes: Any
) -> optax.GradientTransformation:
    """Returns `transformation` mapped over the layers axis of parameters that have one.

    Statistics over a whole parameter (a factored second moment, a root mean square) would otherwise
    mix layers, and a model would train differently when its layers are stacked for a scan.

    Args:
        transformation: What to run; `init` and `update` must not depend on values outside the tree.
        axes: Tree of the parameters' logical axes.
    """
    stacked = map_axes(is_stacked, axes)

    def keep(tree: Any, wanted: bool) -> Any:
        return jax.tree.map(
            lambda is_stack, leaf: leaf if is_stack == wanted else optax.MaskedNode(), stacked, tree
        )

    def init(params: Any) -> PerLayerState:
        return PerLayerState(
            _mapped(transformation.init)(keep(params, True)),
            transformation.init(keep(params, False)),
        )

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, PerLayerState]:
        layers, layers_state = _mapped(transformation.update)(
            keep(updates, True), state.stacked, keep(params, True)
        )
        single, single_state = transformation.update(
            keep(updates, False), state.single, keep(params, False)
        )
        merged = jax.tree.map(lambda is_stack, a, b: a if is_stack else b, stacked, layers, single)
        return merged, PerLayerState(layers_state, single_state)

    return optax.GradientTransformation(init, update)


def _mapped(function: Any) -> Any:
    def call(tree: Any, *rest: Any) -> Any:
        # vmap needs at least one array: a model without stacked layers has none here.
        return (jax.vmap(function) if jax.tree.leaves(tree) else function)(tree, *rest)

    return call
