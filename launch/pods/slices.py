"""What Google Cloud calls the slices that `granite-fc plan` knows as topologies."""

from __future__ import annotations

import dataclasses
import re

from granite_fc.errors import ConfigurationError
from granite_fc.sharding.topology import Topology


@dataclasses.dataclass(frozen=True)
class _Names:
    """One chip's names.

    Attributes:
        prefix: Of accelerator types.
        cores_per_chip: TensorCores that an accelerator type counts for each chip.
        runtime_version: Software of a TPU VM, to install JAX on.
        gke: Value of the node label `cloud.google.com/gke-tpu-accelerator`.
    """

    prefix: str
    cores_per_chip: int
    runtime_version: str
    gke: str


# Accelerator types: https://cloud.google.com/tpu/docs/{v4,v5e,v5p,v6e}; runtime versions:
# https://cloud.google.com/tpu/docs/runtimes; node labels:
# https://cloud.google.com/kubernetes-engine/docs/concepts/plan-tpus. Read in November 2026.
_NAMES = {
    "v4": _Names("v4", 2, "tpu-ubuntu2204-base", "tpu-v4-podslice"),
    "v5e": _Names("v5litepod", 1, "v2-alpha-tpuv5-lite", "tpu-v5-lite-podslice"),
    "v5p": _Names("v5p", 2, "v2-alpha-tpuv5", "tpu-v5p-slice"),
    "v6e": _Names("v6e", 1, "v2-alpha-tpuv6e", "tpu-v6e-slice"),
}

# The shape that an accelerator type stands for, by the number of chips. v5e and v6e have no others.
_FLAT = ("1x1", "2x2", "2x4", "4x4", "4x8", "8x8", "8x16", "16x16")
_CUBIC = (
    *("2x2x1", "2x2x2", "2x2x4", "2x4x4", "4x4x4", "4x4x8", "4x8x8", "8x8x8"),
    *("8x8x16", "8x16x16", "16x16x16", "16x16x24"),
)


def _sizes(shape: str) -> tuple[int, ...]:
    return tuple(int(size) for size in shape.split("x"))


def _chips(shape: str) -> int:
    chips = 1
    for size in _sizes(shape):
        chips *= size
    return chips


@dataclasses.dataclass(frozen=True)
class Slice:
    """One or several equal slices, as Google Cloud names them.

    Attributes:
        topology: The slices.
    """

    topology: Topology

    @staticmethod
    def parse(accelerator: str, num_slices: int) -> Slice:
        """Reads "v5p:4x4x4" or "v5p-128".

        Raises:
            ConfigurationError: There is no such slice.
        """
        match = re.fullmatch(r"([a-z0-9]+)-(\d+)", accelerator)
        if match is not None:
            accelerator = _topology_of_type(accelerator, match[1], int(match[2]))
        topology = Topology.parse(accelerator, num_slices)
        shape = _shape(topology)
        if topology.chip.dimensions == 2 and shape not in _FLAT:
            raise ConfigurationError(
                "accelerator",
                found=accelerator,
                expected=f"{topology.chip.name} with a shape of {', '.join(_FLAT)}",
            )
        cubes = all(size % 4 == 0 for size in topology.shape)
        rising = tuple(sorted(topology.shape)) == topology.shape
        if topology.chip.dimensions == 3 and shape not in _CUBIC and not (cubes and rising):
            raise ConfigurationError(
                "accelerator",
                found=accelerator,
                expected=f"{', '.join(_CUBIC[:4])} or three rising multiples of 4",
            )
        return Slice(topology)

    @property
    def shape(self) -> str:
        """Chips along each dimension, such as "4x4x4"."""
        return _shape(self.topology)

    @property
    def is_usual_shape(self) -> bool:
        """Whether the accelerator type alone means this shape."""
        return self.shape in (_FLAT if self.topology.chip.dimensions == 2 else _CUBIC)

    @property
    def generation(self) -> str:
        """The chip's name in accelerator types and in `--type`."""
        return _NAMES[self.topology.chip.name].prefix

    @property
    def accelerator_type(self) -> str:
        """Such as "v5p-128": v4 and v5p count TensorCores, two a chip; v5e and v6e chips."""
        names = _NAMES[self.topology.chip.name]
        return f"{names.prefix}-{self.topology.devices_per_slice * names.cores_per_chip}"

    @property
    def runtime_version(self) -> str:
        """The TPU VM software meant for the chip and for JAX."""
        return _NAMES[self.topology.chip.name].runtime_version

    @property
    def gke_accelerator(self) -> str:
        """The node label's value."""
        return _NAMES[self.topology.chip.name].gke

    @property
    def hosts(self) -> int:
        """Hosts of one slice."""
        return self.topology.num_hosts // self.topology.num_slices

    @property
    def chips_per_host(self) -> int:
        """Chips of one host of this slice."""
        return self.topology.devices_per_slice // self.hosts


def _shape(topology: Topology) -> str:
    return "x".join(map(str, topology.shape))


def _topology_of_type(accelerator: str, prefix: str, count: int) -> str:
    for chip, names in _NAMES.items():
        if names.prefix != prefix:
            continue
        shapes = _CUBIC if names.cores_per_chip == 2 else _FLAT
        for shape in shapes:
            if _chips(shape) * names.cores_per_chip == count:
                return f"{chip}:{shape}"
        sizes = ", ".join(f"{prefix}-{_chips(shape) * names.cores_per_chip}" for shape in shapes)
        raise ConfigurationError("accelerator", found=accelerator, expected=f"one of {sizes}")
    prefixes = ", ".join(f"{names.prefix}-" for names in _NAMES.values())
    raise ConfigurationError(
        "accelerator", found=accelerator, expected=f"v5p:4x4x4, or a type that begins {prefixes}"
    )
