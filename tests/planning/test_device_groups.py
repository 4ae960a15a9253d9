"""Groups of devices in every notation of the compiler, against brute force over a mesh."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.planning.device_groups import pair_axes, parse_groups, parse_pairs

NAMES = ("data", "fsdp", "sequence", "tensor")

meshes = st.lists(st.sampled_from([1, 2, 3, 4]), min_size=4, max_size=4).map(
    lambda sizes: dict(zip(NAMES, sizes, strict=True))
)
axis_sets = st.sets(st.sampled_from(NAMES), min_size=1)


def along(mesh, axes):
    """Returns the groups along some axes, one device at a time."""
    groups = {}
    for number, place in enumerate(itertools.product(*map(range, mesh.values()))):
        key = tuple(at for name, at in zip(mesh, place, strict=True) if name not in axes)
        groups.setdefault(key, []).append(number)
    return sorted(groups.values())


def as_sets(groups):
    return sorted(sorted(map(int, group)) for group in groups.groups)


def expected_name(mesh, axes):
    return "+".join(name for name in mesh if name in axes and mesh[name] > 1) or "-"


@given(meshes, axis_sets)
def test_lists(mesh, axes):
    groups = along(mesh, axes)
    text = "{" + ",".join("{" + ",".join(map(str, group)) + "}" for group in groups) + "}"
    parsed = parse_groups(text, math.prod(mesh.values()))
    assert as_sets(parsed) == groups
    assert parsed.axes(mesh) == expected_name(mesh, axes)


@given(meshes, axis_sets)
def test_iota_with_a_transposition(mesh, axes):
    sizes = list(mesh.values())
    inside = [at for at, name in enumerate(mesh) if name in axes]
    order = [at for at in range(4) if at not in inside] + inside
    size = math.prod(sizes[at] for at in inside)
    text = (
        f"[{math.prod(sizes) // size},{size}]<=[{','.join(map(str, sizes))}]"
        f"T({','.join(map(str, order))}), use_global_device_ids=true"
    )
    parsed = parse_groups(text, math.prod(sizes))
    assert as_sets(parsed) == along(mesh, axes)
    assert parsed.axes(mesh) == expected_name(mesh, axes)


@given(meshes, axis_sets)
def test_named_axes(mesh, axes):
    text = f"mesh[{','.join(f'{name!r}={size}' for name, size in mesh.items())}] "
    text += "{" + ",".join(map(repr, sorted(axes))) + "}, dimensions={0}"
    parsed = parse_groups(text, math.prod(mesh.values()))
    assert as_sets(parsed) == along(mesh, axes)
    assert parsed.axes(mesh) == expected_name(mesh, axes)


@given(meshes, st.permutations(range(4)))
def test_named_axes_over_permuted_devices(mesh, order):
    sizes = list(mesh.values())
    devices = np.arange(math.prod(sizes)).reshape(sizes).transpose(order)
    names = [f"'{at}'={size}" for at, size in enumerate(devices.shape)]
    text = (
        f"mesh[{','.join(names)}], device_ids=([{','.join(map(str, sizes))}]"
        f"T({','.join(map(str, order))})) {{'3'}}"
    )
    expected = sorted(sorted(map(int, row)) for row in devices.reshape(-1, devices.shape[3]))
    assert as_sets(parse_groups(text, devices.size)) == expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("'a':(1)2", [[0, 4], [1, 5], [2, 6], [3, 7]]),
        ("'a':(2)2", [[0, 2], [1, 3], [4, 6], [5, 7]]),
        ("'a':(4)2", [[0, 1], [2, 3], [4, 5], [6, 7]]),
        ("'a':(1)2,'a':(4)2", [[0, 1, 4, 5], [2, 3, 6, 7]]),
    ],
)
def test_parts_of_an_axis(part, expected):
    parsed = parse_groups(f"mesh['a'=8] {{{part}}}", 8)
    assert as_sets(parsed) == expected
    assert parsed.axes({"a": 8}) == "part of a"


def test_what_follows_the_groups_is_not_read_as_theirs():
    behind = "dimensions={0}, metadata={op_name=\"batch[\\'tokens\\']\"}"
    parsed = parse_groups(f"mesh['a'=4,'b'=2] {{'b'}}, {behind}", 8)
    assert parsed.axes({"a": 4, "b": 2}) == "b"


def test_no_groups_are_all_devices():
    assert as_sets(parse_groups("{}", 6)) == [[0, 1, 2, 3, 4, 5]]
    assert parse_groups("{}", 6).axes({"data": 2, "fsdp": 3}) == "data+fsdp"


def test_unknown_notations_are_not_guessed_at():
    with pytest.raises(ValueError, match="replica_groups"):
        parse_groups("pairs(0, 1)", 2)


@given(meshes, st.sampled_from(NAMES), st.integers(1, 3))
def test_pairs_along_an_axis(mesh, axis, shift):
    numbers = np.arange(math.prod(mesh.values())).reshape(list(mesh.values()))
    targets = np.roll(numbers, shift, axis=NAMES.index(axis))
    text = ",".join(
        f"{{{source},{target}}}" for source, target in zip(numbers.flat, targets.flat, strict=True)
    )
    moves = shift % mesh[axis] != 0
    assert pair_axes(parse_pairs("{" + text + "}"), mesh) == (axis if moves else "-")
