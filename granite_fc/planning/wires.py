"""How fast a group of TPUs can exchange bytes, from where its chips sit in the torus."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from granite_fc.planning.collectives import Collective
from granite_fc.sharding.topology import Topology


@dataclasses.dataclass(frozen=True)
class Wires:
    """The links of a topology, for devices in the order of a mesh.

    Attributes:
        topology: The slices.
        coordinates: int `[devices, dimensions]`, the place of each of the mesh's devices in its
            slice.
    """

    topology: Topology
    coordinates: np.ndarray

    @staticmethod
    def of(topology: Topology, devices: Sequence[Any]) -> Wires:
        """Reads the places of a mesh's devices, `mesh.devices.flat`."""
        dimensions = len(topology.shape)
        return Wires(topology, np.array([device.coords[:dimensions] for device in devices]))

    def seconds(self, collective: Collective) -> float:
        """Returns how long a collective keeps its links busy; latency is not counted."""
        return collective.received_bytes / self.bandwidth(collective)

    def bandwidth(self, collective: Collective) -> float:
        """Returns the bytes a second that one chip can receive from its group.

        Along a dimension that the group fills and that is a ring, both links bring bytes; along any
        other, the chip at the end has but one. Dimensions add up: the compiler cuts what is moved
        into parts that go different ways. A permutation uses one link.
        """
        chip = self.topology.chip
        if collective.between_slices:
            return chip.dcn_bandwidth
        if collective.kind == "collective-permute" or collective.groups.size <= 1:
            return chip.link_bandwidth
        places = self.coordinates[collective.groups.groups[0] % len(self.coordinates)]
        links = 0
        for dimension, (size, ring) in enumerate(
            zip(self.topology.shape, self.topology.wrap, strict=True)
        ):
            extent = len(np.unique(places[:, dimension]))
            if extent > 1:
                links += 2 if ring and extent == size else 1
        return chip.link_bandwidth * max(links, 1)
