"""The device mesh: four axes whose sizes alone choose the kind of parallelism."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence

import gin
import jax
import numpy as np
from jax.experimental import mesh_utils
from jax.sharding import AxisType, Mesh

from granite_fc.errors import ConfigurationError

AXES = ("data", "fsdp", "sequence", "tensor")


@gin.configurable(module="granite_fc.sharding")
@dataclasses.dataclass(frozen=True)
class MeshConfig:
    """How many ways each kind of parallelism splits the devices.

    Attributes:
        data: Replicas of the whole model; also the only axis that crosses slices.
        fsdp: Ways in which parameters, optimizer state and batch are split together.
        sequence: Ways in which the positions of one example are split.
        tensor: Ways in which heads, MLP width and vocabulary are split.

    At most one of them is -1: it takes the devices that the others leave.
    """

    data: int = 1
    fsdp: int = -1
    sequence: int = 1
    tensor: int = 1

    def check(self) -> None:
        """Checks what can be told without devices.

        Raises:
            ConfigurationError: A size is neither positive nor -1, or several are -1.
        """
        for axis, size in self.sizes().items():
            if isinstance(size, bool) or not isinstance(size, int) or (size < 1 and size != -1):
                raise ConfigurationError(
                    f"MeshConfig.{axis}", found=size, expected="an integer of at least 1, or -1"
                )
        free = [axis for axis, size in self.sizes().items() if size == -1]
        if len(free) > 1:
            raise ConfigurationError(
                "MeshConfig", found=f"-1 for {' and '.join(free)}", expected="-1 at most once"
            )

    def sizes(self) -> dict[str, int]:
        """Returns axis name to size, in mesh order; -1 where it is left open."""
        return {axis: getattr(self, axis) for axis in AXES}

    def is_explicit(self) -> bool:
        """Whether every size is given, so that shapes can be checked without devices."""
        return -1 not in self.sizes().values()

    def resolve(self, num_devices: int) -> MeshConfig:
        """Returns the same mesh with every size given.

        Raises:
            ConfigurationError: The sizes do not multiply to `num_devices`.
        """
        self.check()
        explicit = math.prod(size for size in self.sizes().values() if size != -1)
        if self.is_explicit():
            if explicit != num_devices:
                raise ConfigurationError(
                    "MeshConfig",
                    found=f"{_product(self.sizes())} = {explicit} devices",
                    expected=f"the {num_devices} devices that there are",
                    remedy="Give one axis the size -1 to let it take what the others leave.",
                )
            return self
        if num_devices % explicit:
            raise ConfigurationError(
                "MeshConfig",
                found=f"{_product(self.sizes())} on {num_devices} devices",
                expected=f"a number of devices that {explicit} divides",
            )
        return MeshConfig(
            **{
                axis: num_devices // explicit if size == -1 else size
                for axis, size in self.sizes().items()
            }
        )

    def check_batch(self, batch_size: int, microbatches: int, sequence_length: int) -> None:
        """Checks that every microbatch can be dealt out evenly.

        An axis of size -1 counts as 1, so a check before the devices are known never refuses what
        the devices would allow.

        Args:
            batch_size: Rows of the global batch.
            microbatches: Parts that it is cut into.
            sequence_length: Positions of a row.

        Raises:
            ConfigurationError: A size is not positive or does not divide.
        """
        for key, size in (
            ("BATCH_SIZE", batch_size),
            ("microbatches", microbatches),
            ("SEQUENCE_LENGTH", sequence_length),
        ):
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise ConfigurationError(key, found=size, expected="an integer of at least 1")
        ways = max(self.data, 1) * max(self.fsdp, 1)
        if batch_size % (microbatches * ways):
            raise ConfigurationError(
                "BATCH_SIZE",
                found=batch_size,
                expected=f"a multiple of {microbatches * ways}: {microbatches} microbatches x "
                f"{max(self.data, 1)} data x {max(self.fsdp, 1)} fsdp",
            )
        if sequence_length % max(self.sequence, 1):
            raise ConfigurationError(
                "SEQUENCE_LENGTH",
                found=sequence_length,
                expected=f"a multiple of MeshConfig.sequence = {self.sequence}",
            )


def make_mesh(config: MeshConfig, devices: Sequence[jax.Device] | None = None) -> Mesh:
    """Returns the mesh of `config` over `devices`.

    The order of the devices is explicit. On TPUs neighbours in the torus become neighbours in the
    mesh; where there are several slices only `data` crosses them, since the network between slices
    is the slowest. Elsewhere devices go by process and id, so that `tensor`, the axis that talks
    most, stays inside a host.

    Args:
        config: The sizes of the axes.
        devices: The devices to use; all of `jax.devices()` where none are given.

    Raises:
        ConfigurationError: The sizes do not fit the devices or the slices.
    """
    devices = list(jax.devices() if devices is None else devices)
    sizes = config.resolve(len(devices)).sizes()
    shape = tuple(sizes.values())
    slices = {getattr(device, "slice_index", 0) for device in devices}
    if len(slices) > 1:
        if sizes["data"] % len(slices):
            raise ConfigurationError(
                "MeshConfig.data",
                found=sizes["data"],
                expected=f"a multiple of the {len(slices)} slices",
                remedy="Only the data axis crosses slices.",
            )
        inside = (sizes["data"] // len(slices), *shape[1:])
        across = (len(slices), 1, 1, 1)
        grid = _in_torus(
            functools.partial(mesh_utils.create_hybrid_device_mesh, inside, across, devices)
        )
    elif devices[0].platform == "tpu":
        grid = _in_torus(functools.partial(mesh_utils.create_device_mesh, shape, devices))
    else:
        ordered = sorted(devices, key=lambda device: (device.process_index, device.id))
        grid = np.array(ordered, dtype=object).reshape(shape)
    return Mesh(grid, AXES, axis_types=(AxisType.Auto,) * len(AXES))


def _in_torus(arrange: Callable[..., np.ndarray]) -> np.ndarray:
    """Arranges devices so that every mesh axis is whole dimensions of the torus, if it can be."""
    try:
        return arrange()
    except NotImplementedError:
        # An axis then is a part of a dimension: fewer links, of which it may have to share some.
        return arrange(allow_split_physical_axes=True)


def _product(sizes: Mapping[str, int]) -> str:
    return " x ".join(f"{axis} {size}" for axis, size in sizes.items())
