"""Puts a mesh under the names that models give their activations."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from granite_fc.models import logical
from granite_fc.models.logical import AxisNames
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.shardings import BATCH_AXES, ways


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

    def gathered(self, parameter: jax.Array, axes: AxisNames) -> jax.Array:
        """Returns a parameter whole over the mesh axes that cut batches and lengths."""
        spec = self.rules.partition(
            axes, parameter.shape, self.mesh.shape, name=f"parameter {parameter.shape}"
        )
        batch = self.rules.mesh_axes(*BATCH_AXES)
        kept = [
            tuple(
                axis
                for axis in ((entry,) if isinstance(entry, str) else entry or ())
                if axis not in batch
            )
            for entry in spec
        ]
        spec = PartitionSpec(*(entry or None for entry in kept))
        return jax.lax.with_sharding_constraint(parameter, NamedSharding(self.mesh, spec))

    @property
    def platform(self) -> str:
        """The kind of the mesh's devices, present or only compiled for."""
        return self.mesh.devices.flat[0].platform

    def ways(self, axis: str, length: int) -> int:
        """Returns into how many parts an axis of this name and length is cut."""
        spec = self.rules.partition((axis,), (length,), self.mesh.shape, name=f"activation {axis}")
        return ways(spec, self.mesh.shape)

    def on_shards(
        self,
        function: Callable[..., jax.Array],
        arrays: Sequence[jax.Array],
        in_axes: Sequence[AxisNames],
        out_shape: Sequence[int],
        out_axes: AxisNames,
    ) -> jax.Array:
        """Calls `function` under a `jax.shard_map`; see `granite_fc.models.logical.on_shards`."""

        def partition(shape: Sequence[int], axes: AxisNames) -> PartitionSpec:
            return self.rules.partition(axes, shape, self.mesh.shape, name=f"activation {shape}")

        return jax.shard_map(
            function,
            mesh=self.mesh,
            in_specs=tuple(
                partition(x.shape, axes) for x, axes in zip(arrays, in_axes, strict=True)
            ),
            out_specs=partition(out_shape, out_axes),
            # Kernels do not say over which mesh axes their results vary.
            check_vma=False,
        )(*arrays)

    def __hash__(self) -> int:
        return hash((self.mesh, repr(self.rules)))


@contextlib.contextmanager
def activate(mesh: Mesh, rules: LogicalAxisRules) -> Iterator[None]:
    """Makes `models.logical.constrain` lay out activations over `mesh` in what is traced inside."""
    with logical.use_constraint(MeshConstraint(mesh, rules)):
        yield
