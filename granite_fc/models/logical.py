"""Logical names on activations, for a sharding that models do not know.

A model says `constrain(x, "activation_batch", "activation_length", "activation_embed")`. Who lays
arrays out over devices installs a constraint with `use_constraint`; without one, nothing happens.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator

import jax

AxisNames = tuple[str | None, ...]
Constraint = Callable[[jax.Array, AxisNames], jax.Array]

_constraint: contextvars.ContextVar[Constraint | None] = contextvars.ContextVar(
    "granite_fc_constraint", default=None
)


def constrain(x: jax.Array, *axis_names: str | None) -> jax.Array:
    """Names the axes of an activation.

    Args:
        x: Any array.
        axis_names: One logical name an axis of `x`; None leaves an axis free.

    Returns:
        `x`, laid out as the constraint in force says, or unchanged where there is none.

    Raises:
        ValueError: If there are not as many names as axes.
    """
    if len(axis_names) != x.ndim:
        raise ValueError(f"{len(axis_names)} names {axis_names} for an array of shape {x.shape}.")
    constraint = _constraint.get()
    return x if constraint is None else constraint(x, axis_names)


def current_constraint() -> Constraint | None:
    """Returns the constraint in force, or None."""
    return _constraint.get()


@contextlib.contextmanager
def use_constraint(constraint: Constraint | None) -> Iterator[None]:
    """Puts a constraint in force for what is traced inside.

    A jitted function keeps what was in force when it was traced, so a caller that jits under one
    constraint and calls under another must make the constraint part of its static arguments.

    Args:
        constraint: Called with an array and its axes' logical names; returns the array. Hashable.
            None lifts a constraint.
    """
    token = _constraint.set(constraint)
    try:
        yield
    finally:
        _constraint.reset(token)
