"""TPU slices that need not be there: their shape, and devices that programs compile for."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import os
import re
from typing import Any

from granite_fc.errors import ConfigurationError
from granite_fc.sharding.chips import Chip, chip_named


@dataclasses.dataclass(frozen=True)
class Topology:
    """One or several equal slices of TPUs.

    Attributes:
        chip: What they are made of.
        shape: Chips of one slice along each dimension of its torus: two for v5e and v6e, three for
            v4 and v5p.
        num_slices: Slices, joined by the data centre's network.
    """

    chip: Chip
    shape: tuple[int, ...]
    num_slices: int = 1

    @staticmethod
    def parse(text: str, num_slices: int = 1) -> Topology:
        """Reads a name such as "v5p:4x4x4".

        Args:
            text: A chip, a colon, and the chips along each dimension.
            num_slices: Slices of that shape.

        Raises:
            ConfigurationError: The chip is not known or cannot be arranged so.
        """
        match = re.fullmatch(r"(\w+):(\d+(?:x\d+)*)", text)
        if match is None:
            raise ConfigurationError(
                "--topology",
                found=text,
                expected="a chip and a shape, such as v5e:4x4 or v5p:4x4x4",
            )
        chip = chip_named(match[1])
        shape = tuple(int(size) for size in match[2].split("x"))
        if len(shape) != chip.dimensions or min(shape) < 1:
            example = "x".join(["4"] * chip.dimensions)
            raise ConfigurationError(
                "--topology",
                found=text,
                expected=f"{chip.dimensions} positive sizes, as in {chip.name}:{example}",
            )
        if not chip.holds(shape):
            largest = "x".join(map(str, chip.largest_slice))
            raise ConfigurationError(
                "--topology",
                found=text,
                expected=f"a slice no larger than {chip.name}:{largest}",
                remedy="More chips than that are several slices: --num_slices.",
            )
        if isinstance(num_slices, bool) or not isinstance(num_slices, int) or num_slices < 1:
            raise ConfigurationError(
                "--num_slices", found=num_slices, expected="an integer of at least 1"
            )
        topology = Topology(chip, shape, num_slices)
        if topology.host_bounds is None:
            raise ConfigurationError(
                "--topology", found=text, expected="whole hosts: even sizes in two dimensions"
            )
        return topology

    @property
    def name(self) -> str:
        """The name that `parse` reads."""
        return f"{self.chip.name}:{'x'.join(map(str, self.shape))}"

    def larger(self) -> Topology | None:
        """Returns the same with slices of twice as many chips, or None where a pod has no more.

        After a single chip comes a whole host.
        """
        larger = self
        while larger is self or larger.host_bounds is None:
            shape = list(larger.shape)
            shape[shape.index(min(shape))] *= 2
            # Hosts fill the first two dimensions.
            shape.sort(key=lambda size: (size % 2, size))
            if not self.chip.holds(tuple(shape)):
                return None
            larger = dataclasses.replace(self, shape=tuple(shape))
        return larger

    @property
    def devices_per_slice(self) -> int:
        """Chips of one slice."""
        return math.prod(self.shape)

    @property
    def num_devices(self) -> int:
        """Chips in all."""
        return self.devices_per_slice * self.num_slices

    @property
    def num_hosts(self) -> int:
        """Hosts in all; a single chip has one to itself."""
        return -(-self.devices_per_slice // self.chip.chips_per_host) * self.num_slices

    @property
    def wrap(self) -> tuple[bool, ...]:
        """Which dimensions of a slice are rings."""
        return self.chip.wraps(self.shape)

    @property
    def host_bounds(self) -> tuple[int, int, int] | None:
        """Chips of one host along each dimension; None where hosts do not fill the slice."""
        if self.devices_per_slice == 1:
            return 1, 1, 1
        if self.shape[0] % 2 or self.shape[1] % 2:
            return None
        return 2, 2, 1

    def devices(self) -> list[Any]:
        """Returns devices that programs can be compiled for, and never run on.

        Raises:
            ConfigurationError: libtpu is not installed, or does not know the topology.
        """
        if importlib.util.find_spec("libtpu") is None:
            raise ConfigurationError(
                "--topology",
                found=f"{self.name} without libtpu",
                expected="the TPU compiler",
                remedy='Install it with pip install "granite-fc[tpu]"; no TPU is needed.',
            )
        # Else libtpu asks the cloud's metadata server which TPU it runs on, and waits for it, and
        # lets one process at a time have the TPUs, which nobody asks for here.
        os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")
        os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")
        # JAX itself is imported late: most of this module needs none.
        import jax
        from jax.experimental import topologies

        arguments: dict[str, Any] = {
            "chips_per_host_bounds": self.host_bounds,
            "wrap": self.wrap + (False,) * (3 - len(self.wrap)),
        }
        if self.num_slices > 1:
            arguments["num_slices"] = self.num_slices
        if self.chip.megacore:
            arguments["chip_config_name"] = "megacore"
        try:
            description = topologies.get_topology_desc(
                topology_name=self.name, platform="tpu", **arguments
            )
        except jax.errors.JaxRuntimeError as error:
            raise ConfigurationError(
                "--topology",
                found=self.name,
                expected="a topology that libtpu knows",
                remedy=str(error),
            ) from None
        return list(description.devices)
