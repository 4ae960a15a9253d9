"""Which devices a collective joins, read from its text, and which mesh axes they lie along."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Mapping

import numpy as np

_IOTA = re.compile(r"\[([\d,]+)\]<=\[([\d,]+)\](?:T\(([\d,]+)\))?")
_MESH = re.compile(
    r"mesh\[([^\]]*)\](?:, *device_ids=\((?:\[([\d,]+)\](?:T\(([\d,]+)\))?|([\d,]+))\))? *"
    r"\{([^{}]*)\}"
)
_LISTS = re.compile(r"\{(?:\{[\d,\s]*\}[,\s]*)*\}")
_AXIS = re.compile(r"'([^']+)'(?::\((\d+)\)(\d+))?")


@dataclasses.dataclass(frozen=True)
class DeviceGroups:
    """Groups of equal size; device numbers count through the mesh, its last axis fastest.

    Attributes:
        groups: Array [groups, size] of device numbers.
    """

    groups: np.ndarray

    @property
    def size(self) -> int:
        """Devices of one group."""
        return int(self.groups.shape[1])

    def axes(self, mesh_shape: Mapping[str, int]) -> str:
        """Names the mesh axes along which the devices of a group differ.

        Args:
            mesh_shape: Mesh axis to size, in mesh order.

        Returns:
            Axes joined by "+"; "-" where a group is one device, and "part of ..." where a group is
                not all devices along its axes.
        """
        sizes = tuple(mesh_shape.values())
        if self.size <= 1 or self.groups.max() >= math.prod(sizes):
            return "-" if self.size <= 1 else "?"
        coordinates = np.stack(np.unravel_index(self.groups, sizes), axis=-1)
        varies = (coordinates != coordinates[:, :1]).any(axis=(0, 1))
        names = [name for name, differs in zip(mesh_shape, varies, strict=True) if differs]
        whole = math.prod(mesh_shape[name] for name in names) == self.size
        return ("" if whole else "part of ") + "+".join(names)


def parse_groups(text: str, num_devices: int) -> DeviceGroups:
    """Reads `replica_groups`.

    Args:
        text: "{{0,1},{2,3}}", "[2,2]<=[4]", "[4,4]<=[4,4]T(1,0)" or "mesh['x'=2,'y'=2] {'y'}".
        num_devices: Devices of the program, all of which are joined where no group is given.

    Raises:
        ValueError: The text is none of these.
    """
    if match := _MESH.match(text):
        return DeviceGroups(_mesh_groups(match))
    if match := _IOTA.match(text):
        shape, reshape, order = (_integers(part) for part in match.groups())
        return DeviceGroups(_iota(reshape, order).reshape(shape))
    if match := _LISTS.match(text):
        groups = [_integers(part) for part in re.findall(r"\{([\d,\s]+)\}", match[0])]
        if not groups:
            return DeviceGroups(np.arange(num_devices)[None])
        # Groups of different sizes do not occur in a mesh; the largest take longest.
        longest = max(map(len, groups))
        return DeviceGroups(np.array([group for group in groups if len(group) == longest]))
    raise ValueError(f"unknown replica_groups {text!r}")


def parse_pairs(text: str) -> DeviceGroups:
    """Reads `source_target_pairs`, "{{0,1},{1,0}}", as groups of two."""
    pairs = [_integers(part) for part in re.findall(r"\{([\d,\s]+)\}", text)]
    return DeviceGroups(np.array([pair for pair in pairs if pair[0] != pair[1]]).reshape(-1, 2))


def pair_axes(pairs: DeviceGroups, mesh_shape: Mapping[str, int]) -> str:
    """Names the mesh axes along which any pair differs."""
    if not len(pairs.groups):
        return "-"
    sizes = tuple(mesh_shape.values())
    if pairs.groups.max() >= math.prod(sizes):
        return "?"
    coordinates = np.stack(np.unravel_index(pairs.groups, sizes), axis=-1)
    varies = (coordinates[:, 0] != coordinates[:, 1]).any(axis=0)
    return "+".join(name for name, differs in zip(mesh_shape, varies, strict=True) if differs)


def _mesh_groups(match: re.Match[str]) -> np.ndarray:
    sizes = {name: int(size) for name, size in re.findall(r"'([^']+)'=(\d+)", match[1])}
    devices = np.arange(math.prod(sizes.values()))
    if match[2]:
        devices = _iota(_integers(match[2]), _integers(match[3]))
    elif match[4]:
        devices = np.array(_integers(match[4]))
    chosen = [
        (name, int(before or 1), int(before or 1) * int(part or sizes[name]))
        for name, before, part in _AXIS.findall(match[5])
    ]
    # An axis that groups run along in part only is cut where the part begins and ends.
    shape: list[int] = []
    inside: dict[tuple[str, int], int] = {}
    for name, size in sizes.items():
        cuts = {1, size} | {cut for axis, *ends in chosen if axis == name for cut in ends}
        ordered = sorted(cuts) if size > 1 else [1, 1]
        for begin, end in itertools.pairwise(ordered):
            if any(axis == name and first <= begin < last for axis, first, last in chosen):
                inside[name, begin] = len(shape)
            shape.append(end // begin)
    axes = [
        position
        for name, first, last in chosen
        for (axis, begin), position in inside.items()
        if axis == name and first <= begin < last
    ]
    outside = [position for position in range(len(shape)) if position not in axes]
    group_size = math.prod(shape[position] for position in axes)
    return devices.reshape(shape).transpose(outside + axes).reshape(-1, group_size)


def _iota(shape: list[int], order: list[int]) -> np.ndarray:
    array = np.arange(math.prod(shape)).reshape(shape)
    return (array.transpose(order) if order else array).reshape(-1)


def _integers(text: str | None) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text or "")]
