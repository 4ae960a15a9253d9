"""The ways in which a run could be laid out on a topology without changing what it computes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

from granite_fc.models.remat import REMAT_POLICIES
from granite_fc.sharding.mesh import MeshConfig
from granite_fc.sharding.topology import Topology
from granite_fc.training.recipe import Recipe

# From what keeps most to what keeps least. Policies that offload are left out: what crosses to the
# host's memory has no estimate.
POLICIES = tuple(name for name in REMAT_POLICIES if not name.startswith("offload_"))
# Beyond, what crosses the axis outweighs what it saves on every chip that is known here.
_MOST_TENSOR = 16
_MOST_SEQUENCE = 16


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One layout.

    Attributes:
        mesh: All sizes given.
        microbatches: Parts of a batch that run one after the other.
        remat_policy: What the backward pass computes again.
    """

    mesh: MeshConfig
    microbatches: int
    remat_policy: str

    @staticmethod
    def of(recipe: Recipe, mesh: MeshConfig, topology: Topology) -> Candidate:
        """Returns the layout that a run is configured to have."""
        return Candidate(
            mesh.resolve(topology.num_devices), recipe.microbatches, recipe.model.remat_policy
        )

    def overrides(self, microbatches_name: str) -> list[tuple[str, str]]:
        """Returns the gin overrides that select it.

        Args:
            microbatches_name: The macro or parameter that binds the number of microbatches.
        """
        return [
            *((f"MeshConfig.{axis}", str(size)) for axis, size in self.mesh.sizes().items()),
            (microbatches_name, str(self.microbatches)),
            ("DecoderConfig.remat_policy", self.remat_policy),
        ]

    def changes(self, other: Candidate) -> int:
        """Counts the settings in which two layouts differ."""
        return (
            2 * (self.mesh != other.mesh)
            + (self.microbatches != other.microbatches)
            + (self.remat_policy != other.remat_policy)
        )


def candidates(recipe: Recipe, topology: Topology) -> Iterator[Candidate]:
    """Yields the layouts that keep the global batch and deal its rows out evenly.

    Args:
        recipe: What is computed.
        topology: Where; only data crosses slices.
    """
    model = recipe.model
    inside = topology.devices_per_slice
    for tensor in _divisors(math.gcd(inside, model.num_heads), _MOST_TENSOR):
        for sequence in _divisors(
            math.gcd(inside // tensor, recipe.sequence_length), _MOST_SEQUENCE
        ):
            rest = inside // tensor // sequence
            for fsdp in _divisors(rest, rest):
                data = rest // fsdp * topology.num_slices
                if recipe.batch_size % (data * fsdp):
                    continue
                mesh = MeshConfig(data=data, fsdp=fsdp, sequence=sequence, tensor=tensor)
                rows = recipe.batch_size // (data * fsdp)
                for microbatches in _divisors(rows, rows):
                    for policy in POLICIES:
                        yield Candidate(mesh, microbatches, policy)


def _divisors(number: int, most: int) -> list[int]:
    return [divisor for divisor in range(1, min(number, most) + 1) if number % divisor == 0]
