"""The time of a step, from regions and links whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from granite_fc.planning.collectives import Collective
from granite_fc.planning.device_groups import DeviceGroups
from granite_fc.planning.hlo import Region, Summary
from granite_fc.planning.step_time import KERNEL_EFFICIENCY, step_time
from granite_fc.planning.wires import Wires
from granite_fc.sharding.topology import Topology


def wires(name: str, num_slices: int = 1) -> Wires:
    """Returns the links of devices in the order of their places."""
    topology = Topology.parse(name, num_slices)
    places = np.stack(np.unravel_index(np.arange(topology.devices_per_slice), topology.shape), -1)
    return Wires(topology, np.tile(places, (num_slices, 1)))


def gather(links: Wires, groups: np.ndarray, seconds: float, *, asynchronous: bool) -> Collective:
    """Returns an all-gather that takes so long."""
    one = Collective("", "all-gather", "fsdp", DeviceGroups(groups), 1, asynchronous)
    size = seconds / links.seconds(one)
    return Collective("", "all-gather", "fsdp", DeviceGroups(groups), int(size), asynchronous)


def region(cycles: int, *collectives: Collective, trips: int = 1, inner=(), kernel=0.0) -> Region:
    return Region("", trips, cycles, 0.0, kernel, collectives, tuple(inner))


def total(region: Region, links: Wires, head_dim: int = 128) -> float:
    return step_time(Summary(region, 0, 0.0, 0.0, (), ()), links, head_dim).total


V5E = wires("v5e:4x4")
EVERY = np.arange(16)[None]
SECOND = int(V5E.topology.chip.clock_hz)


def test_asynchronous_collectives_hide_behind_longer_work():
    collective = gather(V5E, EVERY, 0.4, asynchronous=True)
    assert total(region(SECOND, collective), V5E) == pytest.approx(1.0)
    assert total(region(SECOND // 10, collective), V5E) == pytest.approx(0.4, rel=1e-3)


def test_synchronous_collectives_are_waited_for():
    waits = gather(V5E, EVERY, 0.4, asynchronous=False)
    hidden = gather(V5E, EVERY, 0.7, asynchronous=True)
    assert total(region(SECOND, waits, hidden), V5E) == pytest.approx(1.4, rel=1e-3)


def test_loops_multiply_and_count_as_work_of_what_is_around_them():
    hidden = gather(V5E, EVERY, 2.5, asynchronous=True)
    loop = region(SECOND, trips=3)
    assert total(region(0, hidden, inner=[loop]), V5E) == pytest.approx(3.0)
    waiting = region(SECOND, gather(V5E, EVERY, 0.5, asynchronous=False), trips=4)
    assert total(region(0, inner=[waiting]), V5E) == pytest.approx(6.0, rel=1e-3)


def test_links_are_shared_with_the_loops_inside():
    loop = region(0, gather(V5E, EVERY, 0.5, asynchronous=True), trips=4)
    around = region(SECOND, gather(V5E, EVERY, 1.0, asynchronous=True), inner=[loop])
    assert total(around, V5E) == pytest.approx(3.0, rel=1e-3)


def test_narrow_heads_leave_matrix_units_idle():
    flops = V5E.topology.chip.peak_flops * KERNEL_EFFICIENCY
    assert total(region(0, kernel=flops), V5E) == pytest.approx(1.0)
    assert total(region(0, kernel=flops), V5E, head_dim=64) == pytest.approx(2.0)


def test_permutations_in_opposite_directions_do_not_wait_for_each_other():
    ring = np.arange(4)
    pairs = [np.stack([ring, np.roll(ring, shift)], 1)[1:-1] for shift in (1, -1)]
    size = int(V5E.topology.chip.link_bandwidth)
    both = [
        Collective("", "collective-permute", "fsdp", DeviceGroups(pair), size, True)
        for pair in pairs
    ]
    assert total(region(0, *both), V5E) == pytest.approx(1.0)
    assert total(region(0, both[0], both[0]), V5E) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("name", "groups", "links"),
    [
        ("v5e:4x4", np.arange(16)[None], 2),  # two lines
        ("v5e:4x4", np.arange(16).reshape(4, 4), 1),  # one line
        ("v5e:16x16", np.arange(256)[None], 4),  # two rings
        ("v5e:16x16", np.arange(256).reshape(16, 16), 2),  # one ring
        ("v5e:16x16", np.arange(256).reshape(32, 8), 1),  # half a ring is a line
        ("v5p:4x4x4", np.arange(64)[None], 6),  # three rings
        ("v5p:4x4x4", np.arange(64).reshape(4, 16), 4),  # two rings
        ("v5p:2x2x1", np.arange(4)[None], 2),
    ],
)
def test_bandwidth_is_that_of_the_links_that_a_group_has(name, groups, links):
    chips = wires(name)
    collective = Collective("", "all-gather", "fsdp", DeviceGroups(groups), 1, False)
    link = chips.topology.chip.link_bandwidth
    assert chips.bandwidth(collective) == pytest.approx(links * link)


def test_slices_exchange_over_the_chips_share_of_their_hosts_network():
    slices = wires("v5e:4x4", 2)
    groups = DeviceGroups(np.arange(32).reshape(2, 16).T)
    collective = Collective("", "all-reduce", "data", groups, 10**9, True, between_slices=True)
    # 100 Gbit/s for 4 chips; of an all-reduce over two each receives half twice.
    assert slices.seconds(collective) == pytest.approx(1e9 / (12.5e9 / 4))
