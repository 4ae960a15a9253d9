"""Puts a mesh under the names that models give their activations."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

import jax
from jax.sharding import Mesh, NamedSharding

from granite_fc.models import logical
from granite_fc.sharding.rules import LogicalAxisRules


@dataclasses.dataclass(frozen=True)
class MeshConstraint:
    """Lays an activation out over a mesh by its logical axes.

    Two of the same mesh and rules are equal and hash alike.

    Attributes:
        mesh: The devices.
        rules: What the logical axes mean.
    """

    mesh: Mesh
    rules: LogicalAxisRules

    def __call__(self, x: jax.Array, axes: tuple[str | None, ...]) -> jax.Array:
        """Returns `x` under a sharding constraint."""
        spec = self.rules.partition(axes, x.shape, self.mesh.shape, name=f"activation {x.shape}")
        return jax.lax.with_sharding_constraint(x, NamedSharding(self.mesh, spec))

    def __hash__(self) -> int:
        return hash((self.mesh, repr(self.rules)))


@contextlib.contextmanager
def activate(mesh: Mesh, rules: LogicalAxisRules) -> Iterator[None]:
    """Makes `models.logical.constrain` lay out activations over `mesh` in what is traced inside."""
    with logical.use_constraint(MeshConstraint(mesh, rules)):
        yield
