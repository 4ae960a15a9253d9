from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gin
import pytest

from granite_fc.sharding.mesh import MeshConfig

MESHES = Path(__file__).resolve().parents[2] / "gin" / "meshes"


@pytest.fixture(autouse=True)
def clean_gin() -> Iterator[None]:
    gin.clear_config()
    yield
    gin.clear_config()


@pytest.mark.parametrize(
    ("name", "bindings", "sizes"),
    [
        ("one_device", [], None),
        ("fsdp", [], (1, 8, 1, 1)),
        ("fsdp_tensor", [], (1, 2, 1, 4)),
        ("fsdp_sequence", ["SEQUENCE = 2"], (1, 4, 2, 1)),
        ("slices", ["SLICES = 2"], (2, 4, 1, 1)),
    ],
)
def test_mesh_files(name: str, bindings: list[str], sizes: tuple[int, ...] | None) -> None:
    gin.parse_config_files_and_bindings([str(MESHES / f"{name}.gin")], bindings)
    config = MeshConfig()
    config.check()
    if sizes is None:
        assert config == MeshConfig(1, 1, 1, 1)
    else:
        assert tuple(config.resolve(8).sizes().values()) == sizes


def test_every_mesh_file_is_tested() -> None:
    tested = {"one_device", "fsdp", "fsdp_tensor", "fsdp_sequence", "slices"}
    assert {path.stem for path in MESHES.glob("*.gin")} == tested
