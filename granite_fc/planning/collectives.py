"""What is known of a compiled program's collectives."""

from __future__ import annotations

import dataclasses

from granite_fc.planning.device_groups import DeviceGroups

KINDS = (
    "all-gather",
    "all-reduce",
    "reduce-scatter",
    "all-to-all",
    "ragged-all-to-all",
    "collective-permute",
    "collective-broadcast",
)
# An all-reduce of which each device keeps a part, fused by the TPU compiler: a reduce-scatter.
ALL_REDUCE_SCATTER = "all-reduce-scatter"


@dataclasses.dataclass(frozen=True)
class Collective:
    """One collective instruction.

    Attributes:
        name: The instruction's name.
        kind: One of `KINDS`, or `ALL_REDUCE_SCATTER`.
        axes: Mesh axes that it runs along, joined by "+".
        groups: The devices that it joins.
        num_bytes: Bytes of its output on one device; of an all-reduce-scatter those of the
            all-reduce, before each device takes its part.
        asynchronous: Whether other work runs between its start and its end.
        between_slices: Whether it goes through the data centre's network.
    """

    name: str
    kind: str
    axes: str
    groups: DeviceGroups
    num_bytes: int
    asynchronous: bool
    between_slices: bool = False

    @property
    def received_bytes(self) -> float:
        """Bytes that a device receives where every byte takes the least number of hops."""
        size = max(self.groups.size, 1)
        others = (size - 1) / size
        if self.kind in ("collective-permute", "collective-broadcast"):
            return float(self.num_bytes)
        if self.kind == "reduce-scatter":
            return float(self.num_bytes) * (size - 1)
        return self.num_bytes * others * (2 if self.kind == "all-reduce" else 1)


@dataclasses.dataclass(frozen=True)
class CollectiveTotal:
    """All collectives of a kind along the same axes in one step, on one device.

    Attributes:
        kind: As in `Collective`.
        axes: As in `Collective`.
        count: How many run.
        num_bytes: Their output bytes.
        received_bytes: Bytes that a device receives.
        asynchronous_bytes: Output bytes of those that other work runs beside.
    """

    kind: str
    axes: str
    count: int
    num_bytes: int
    received_bytes: float
    asynchronous_bytes: int
