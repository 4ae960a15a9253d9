"""Logical names on activations, for a sharding that models do not know.

A model says `constrain(x, "activation_batch", "activation_length", "activation_embed")`. Who lays
arrays out over devices installs a `Constraint` with `use_constraint`; without one, nothing happens.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import jax

AxisNames = tuple[str | None, ...]


class Constraint(Protocol):
    """What lays activations out. Hashable, since functions are compiled for one."""

    @property
    def platform(self) -> str:
        """The kind of the devices: "tpu", "gpu" or "cpu"."""
        ...

    def __call__(self, x: jax.Array, axes: AxisNames) -> jax.Array:
        """Lays an activation out by the names of its axes."""
        ...

    def gathered(self, parameter: jax.Array, axes: AxisNames) -> jax.Array:
        """Lays a parameter out for use beside activations; see `logical.gathered`."""
        ...

    def ways(self, axis: str, length: int) -> int:
        """Returns into how many parts an axis of this name and length is cut."""
        ...

    def on_shards(
        self,
        function: Callable[..., jax.Array],
        arrays: Sequence[jax.Array],
        in_axes: Sequence[AxisNames],
        out_shape: Sequence[int],
        out_axes: AxisNames,
    ) -> jax.Array:
        """Calls `function` on every device's own part of the arrays; see `logical.on_shards`."""
        ...


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


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def gathered(parameter: jax.Array, axes: AxisNames) -> jax.Array:
    """Lays a parameter out for use: whole over whatever cuts the batch or the length.

    Parameters are stored cut into more parts than they are used in. A layer gathers its own just
    before it uses them. The gradient is laid out as the parameter is stored: it is summed over the
    batch's parts, and every device is left with its part of the sum (a reduce-scatter).

    Args:
        parameter: Of the type that it is to be used in: what is gathered is what travels.
        axes: The names of its axes.
    """
    constraint = _constraint.get()
    if constraint is None:
        return parameter
    # Laid out as stored first: what made it of this type is to be done before it travels.
    return constraint.gathered(constraint(parameter, axes), axes)


gathered.defvjp(
    lambda parameter, axes: (gathered(parameter, axes), None),
    lambda axes, _, gradient: (constrain(gradient, *axes),),
)


def on_shards(
    function: Callable[..., jax.Array],
    *arrays: jax.Array,
    in_axes: Sequence[AxisNames],
    out_shape: Sequence[int],
    out_axes: AxisNames,
) -> jax.Array:
    """Calls a function that the partitioner must not look into, such as a kernel, part by part.

    Args:
        function: From one device's part of every array to its part of the result. What it computes
            needs nothing of another part.
        arrays: Whole arrays.
        in_axes: For each array the names of its axes; an axis named None is whole in every part.
        out_shape: The whole result's shape.
        out_axes: The names of its axes.

    Returns:
        The whole result; without a constraint in force that of `function(*arrays)`.
    """
    constraint = _constraint.get()
    if constraint is None:
        return function(*arrays)
    return constraint.on_shards(function, arrays, in_axes, out_shape, out_axes)


def ways(axis: str, length: int) -> int:
    """Returns into how many parts the constraint in force cuts an axis: 1 where it stays whole."""
    constraint = _constraint.get()
    return 1 if constraint is None else constraint.ways(axis, length)


def platform() -> str:
    """Returns "tpu", "gpu" or "cpu": what the constraint in force lays out over, or the default."""
    constraint = _constraint.get()
    return jax.default_backend() if constraint is None else constraint.platform


def current_constraint() -> Constraint | None:
    """Returns the constraint in force, or None."""
    return _constraint.get()


@contextlib.contextmanager
def use_constraint(constraint: Constraint | None) -> Iterator[None]:
    """Puts a constraint in force for what is traced inside.

    A jitted function keeps what was in force when it was traced, so a caller that jits under one
    constraint and calls under another must make the constraint part of its static arguments.

    Args:
        constraint: Lays out what `constrain` names; None lifts the one in force.
    """
    token = _constraint.set(constraint)
    try:
        yield
    finally:
        _constraint.reset(token)
