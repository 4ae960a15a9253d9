"""The TPU chips that a run can be planned for, in figures."""

from __future__ import annotations

import dataclasses
import math

from granite_fc.errors import ConfigurationError

_GIB = 2**30


@dataclasses.dataclass(frozen=True)
class Chip:
    """One kind of TPU chip, which JAX shows as one device.

    Attributes:
        name: As in a topology's name.
        device_kind: As in `jax.Device.device_kind`.
        hbm_bytes: Memory that a program may use: the limit that the compiler states when a program
            needs more. The chip has more; the rest is the runtime's.
        peak_flops: Dense bfloat16 FLOP/s.
        clock_hz: Cycles a second of the matrix units, in which the compiler counts its estimates.
        hbm_bandwidth: Bytes a second.
        ici_bandwidth: Bytes a second over all links to neighbours, both directions added.
        ici_links: Links to neighbours: two for every dimension of the torus.
        dcn_bandwidth_per_host: Bytes a second that leave a host, in one direction.
        chips_per_host: Chips that share it.
        largest_slice: Its shape; three-dimensional ones can have others of as many chips.
        megacore: Whether two cores count as one device only when the compiler is told.
    """

    name: str
    device_kind: str
    hbm_bytes: int
    peak_flops: float
    clock_hz: float
    hbm_bandwidth: float
    ici_bandwidth: float
    ici_links: int
    dcn_bandwidth_per_host: float
    chips_per_host: int
    largest_slice: tuple[int, ...]
    megacore: bool = False

    @property
    def dimensions(self) -> int:
        """Dimensions of the torus."""
        return self.ici_links // 2

    def holds(self, shape: tuple[int, ...]) -> bool:
        """Says whether a slice can be as large as a shape."""
        if self.dimensions == 3:
            return math.prod(shape) <= math.prod(self.largest_slice)
        return max(shape) <= max(self.largest_slice)

    @property
    def link_bandwidth(self) -> float:
        """Bytes a second over one link in one direction."""
        return self.ici_bandwidth / (2 * self.ici_links)

    @property
    def dcn_bandwidth(self) -> float:
        """Bytes a second that one chip's share of its host's network carries in one direction."""
        return self.dcn_bandwidth_per_host / self.chips_per_host

    def wraps(self, shape: tuple[int, ...]) -> tuple[bool, ...]:
        """Says which dimensions of a slice close to rings.

        Cubes of 4 x 4 x 4 are joined to tori by optical switches, so every dimension of a slice of
        whole cubes is a ring; two-dimensional slices are cut out of a pod of 16 x 16, so only a
        dimension of 16 is one.
        """
        if self.dimensions == 3:
            return (all(size % 4 == 0 for size in shape),) * len(shape)
        return tuple(size == 16 for size in shape)


# docs.cloud.google.com/tpu/docs/{v4,v5e,v5p,v6e}, as of November 2026. Memory: what libtpu 0.0.42
# says it has where a program needs more. Clocks: peak FLOP/s over FLOPs a cycle, 2 x 128 x
# 128 for each of 8, 4 and 8 matrix units of v4, v5e and v5p; libtpu counts up to 2 x 4 x 256 x 256
# for v6e. v4's links: 2,400 Gbit/s a chip and direction in all; its network is not documented and
# taken as v5p's. A host is the virtual machine of a slice of several; where two of them share a
# machine (v5e, v6e) each is given half of its network.
CHIPS = {
    chip.name: chip
    for chip in (
        Chip(
            name="v4",
            device_kind="TPU v4",
            hbm_bytes=int(30.75 * _GIB),
            peak_flops=275e12,
            clock_hz=1.05e9,
            hbm_bandwidth=1200e9,
            ici_bandwidth=600e9,
            ici_links=6,
            dcn_bandwidth_per_host=25e9,
            chips_per_host=4,
            largest_slice=(16, 16, 16),
            megacore=True,
        ),
        Chip(
            name="v5e",
            device_kind="TPU v5 lite",
            hbm_bytes=int(15.75 * _GIB),
            peak_flops=197e12,
            clock_hz=1.5e9,
            hbm_bandwidth=819e9,
            ici_bandwidth=400e9,
            ici_links=4,
            dcn_bandwidth_per_host=12.5e9,
            chips_per_host=4,
            largest_slice=(16, 16),
        ),
        Chip(
            name="v5p",
            device_kind="TPU v5",
            hbm_bytes=int(95.74 * _GIB),
            peak_flops=459e12,
            clock_hz=1.75e9,
            hbm_bandwidth=2765e9,
            ici_bandwidth=1200e9,
            ici_links=6,
            dcn_bandwidth_per_host=25e9,
            chips_per_host=4,
            largest_slice=(16, 16, 24),
        ),
        Chip(
            name="v6e",
            device_kind="TPU v6 lite",
            hbm_bytes=int(31.25 * _GIB),
            peak_flops=918e12,
            clock_hz=1.75e9,
            hbm_bandwidth=1638e9,
            ici_bandwidth=800e9,
            ici_links=4,
            dcn_bandwidth_per_host=50e9,
            chips_per_host=4,
            largest_slice=(16, 16),
        ),
    )
}


def chip_named(name: str) -> Chip:
    """Returns a chip.

    Raises:
        ConfigurationError: There is none of that name.
    """
    try:
        return CHIPS[name]
    except KeyError:
        raise ConfigurationError(
            "--topology", found=name, expected=f"a chip out of {', '.join(CHIPS)}"
        ) from None
