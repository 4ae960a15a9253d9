"""Topologies are read from their names, and give devices that programs compile for."""

from __future__ import annotations

import importlib.util

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from granite_fc.errors import ConfigurationError
from granite_fc.planning.hlo import summarize
from granite_fc.sharding.chips import CHIPS
from granite_fc.sharding.mesh import MeshConfig, make_mesh
from granite_fc.sharding.topology import Topology
from granite_fc.training.mfu import peak_flops

needs_libtpu = pytest.mark.skipif(
    importlib.util.find_spec("libtpu") is None, reason="libtpu, the TPU compiler, is not installed"
)


@pytest.mark.parametrize(
    ("name", "num_slices", "devices", "hosts", "wrap"),
    [
        ("v4:2x2x1", 1, 4, 1, (False, False, False)),
        ("v5e:1x1", 1, 1, 1, (False, False)),
        ("v5e:4x4", 1, 16, 4, (False, False)),
        ("v5e:8x16", 1, 128, 32, (False, True)),
        ("v5e:16x16", 2, 512, 128, (True, True)),
        ("v5p:4x4x8", 1, 128, 32, (True, True, True)),
        ("v5p:2x4x4", 1, 32, 8, (False, False, False)),
        ("v6e:4x8", 3, 96, 24, (False, False)),
    ],
)
def test_names_tell_devices_hosts_and_rings(name, num_slices, devices, hosts, wrap):
    topology = Topology.parse(name, num_slices)
    assert topology.name == name
    assert topology.num_devices == devices
    assert topology.num_hosts == hosts
    assert topology.wrap == wrap


@pytest.mark.parametrize(
    "name", ["v5p", "v5e:", "v5e:4", "v5e:4x4x4", "v5p:4x4", "v9:4x4", "v5e:3x5", "v5e:0x4", "4x4"]
)
def test_what_cannot_be_is_refused(name):
    with pytest.raises(ConfigurationError, match="--topology"):
        Topology.parse(name)


@pytest.mark.parametrize(
    ("name", "largest"),
    [("v5e:16x32", "v5e:16x16"), ("v6e:64x64", "v6e:16x16"), ("v5p:16x16x32", "v5p:16x16x24")],
)
def test_what_no_slice_can_be_is_refused_with_the_largest(name, largest):
    with pytest.raises(ConfigurationError, match=largest):
        Topology.parse(name)


@pytest.mark.parametrize(
    ("name", "larger"),
    [
        ("v5e:1x1", "v5e:2x2"),
        ("v5p:1x1x1", "v5p:2x2x1"),
        ("v5p:2x2x1", "v5p:2x2x2"),
        ("v4:2x2x3", "v4:2x4x3"),
        ("v6e:4x8", "v6e:8x8"),
        ("v5p:16x16x12", "v5p:16x16x24"),
    ],
)
def test_the_next_larger_slice_is_one_of_whole_hosts(name, larger):
    next_one = Topology.parse(name).larger()
    assert next_one == Topology.parse(larger)


@pytest.mark.parametrize("name", ["v5e:16x16", "v4:16x16x16", "v5p:16x16x24"])
def test_a_pod_has_no_larger_slice(name):
    assert Topology.parse(name).larger() is None


@pytest.mark.parametrize("num_slices", [0, -1, True])
def test_there_is_at_least_one_slice(num_slices):
    with pytest.raises(ConfigurationError, match="--num_slices"):
        Topology.parse("v5e:4x4", num_slices)


def test_without_the_compiler_it_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"granite-fc\[tpu\]"):
        Topology.parse("v5e:2x2").devices()


def test_chips_agree_with_the_peaks_that_training_reports():
    for chip in CHIPS.values():
        assert chip.peak_flops == peak_flops(chip.device_kind)


@needs_libtpu
@pytest.mark.parametrize("name", ["v4:2x2x1", "v5e:2x2", "v5p:2x2x1", "v6e:2x2"])
def test_the_compiler_counts_cycles_of_the_clock(name):
    topology = Topology.parse(name)
    mesh = make_mesh(MeshConfig(), topology.devices())
    width = 4096

    def array(rows, *axes):
        sharding = NamedSharding(mesh, PartitionSpec(*axes))
        return jax.ShapeDtypeStruct((rows, width), jnp.bfloat16, sharding=sharding)

    product = jax.jit(jnp.matmul).lower(array(width * 4, "fsdp"), array(width)).compile()
    summary = summarize(product.as_text(), mesh.shape)
    assert summary.flops == 2 * width**3
    seconds = summary.cycles / topology.chip.clock_hz
    # A large product of matrices runs near the peak, never above it.
    assert 0.75 < summary.flops / seconds / topology.chip.peak_flops <= 1


@needs_libtpu
@pytest.mark.parametrize(
    ("name", "num_slices"), [("v4:2x2x1", 1), ("v5e:4x4", 1), ("v5p:4x4x4", 1), ("v6e:2x4", 2)]
)
def test_devices_are_those_of_the_topology(name, num_slices):
    topology = Topology.parse(name, num_slices)
    devices = topology.devices()
    assert len(devices) == topology.num_devices
    assert {device.device_kind for device in devices} == {topology.chip.device_kind}
    assert len({device.process_index for device in devices}) == topology.num_hosts


@needs_libtpu
def test_only_the_data_axis_crosses_slices():
    devices = Topology.parse("v5e:2x2", 2).devices()
    mesh = make_mesh(MeshConfig(data=2, fsdp=4), devices)
    for slice_index, row in enumerate(mesh.devices[:, :, 0, 0]):
        assert {device.slice_index for device in row} == {slice_index}
    with pytest.raises(ConfigurationError, match=r"MeshConfig\.data"):
        make_mesh(MeshConfig(data=1, fsdp=8), devices)


@needs_libtpu
@pytest.mark.parametrize("sizes", [(1, 4, 1, 4), (1, 8, 1, 2), (1, 2, 4, 2), (2, 4, 2, 1)])
def test_any_division_of_a_slice_is_a_mesh(sizes):
    devices = Topology.parse("v5e:4x4").devices()
    mesh = make_mesh(MeshConfig(*sizes), devices)
    assert mesh.devices.shape == sizes
    assert {device.id for device in mesh.devices.flat} == {device.id for device in devices}
