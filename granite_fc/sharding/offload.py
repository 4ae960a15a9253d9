"""Arrays that lie in the memory of the hosts while the devices do without them."""

from __future__ import annotations

from typing import Any

import jax
from jax.sharding import NamedSharding

from granite_fc.errors import ConfigurationError

PyTree = Any

# What JAX calls memory that a device can copy from and to without its host's help.
HOST = "pinned_host"


def on_host(shapes: PyTree, shardings: PyTree, *, key: str) -> PyTree:
    """Returns the shardings of arrays split as they are, in the hosts' memory.

    Scalars stay on the devices: a counter is worth no copy.

    Args:
        shapes: Tree of arrays, or of their shapes.
        shardings: Tree of `NamedSharding` of the same form.
        key: The macro that asks for it.

    Raises:
        ConfigurationError: The devices cannot use their hosts' memory.
    """

    def moved(leaf: Any, sharding: NamedSharding) -> NamedSharding:
        return sharding.with_memory_kind(HOST) if leaf.ndim else sharding

    try:
        return jax.tree.map(moved, shapes, shardings)
    except ValueError as error:
        raise ConfigurationError(
            key,
            found=f"True, on devices without {HOST} memory ({error})",
            expected="False on these devices",
            remedy="Leave the optimizer's state on the devices.",
        ) from error


def is_on_host(leaf: Any) -> bool:
    """Whether an array, or an abstract one with a sharding, lies in the hosts' memory."""
    return leaf.sharding.memory_kind == HOST
