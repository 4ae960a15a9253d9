"""What holds for all launchers: their configuration, their secrets, their form."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from granite_fc.errors import ConfigurationError
from launch.pods.pod import Gke, Pod, Slurm, TpuVm
from launch.pods.secrets import Mask, read_environment
from launch.pods.slices import Slice
from tests.launch.conftest import REPOSITORY, Launcher

SCRIPTS = sorted(REPOSITORY.glob("launch/*.sh"))


def test_scripts_pass_shellcheck() -> None:
    shellcheck = Path(sys.executable).parent / "shellcheck"
    checked = subprocess.run([shellcheck, *SCRIPTS], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    assert len(SCRIPTS) == 4


@pytest.mark.parametrize("script", ["tpu_vm.sh", "gke.sh", "slurm.sh"])
def test_nothing_but_python_is_needed(launcher: Launcher, script: str) -> None:
    """Without site-packages there is neither JAX nor NumPy nor an installed granite-fc."""
    verb = {"tpu_vm.sh": "run", "gke.sh": "run", "slurm.sh": "submit"}[script]
    environment = {**launcher.environment}
    bare = launcher.root / "bare"
    bare.mkdir()
    python = bare / "python3"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    environment["PATH"] = f"{bare}:{environment['PATH']}"
    command = launcher.command(script, verb, "--dry_run", "--", "train")
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=bare)
    assert ended.returncode == 0, ended.stderr


def test_the_example_is_a_configuration_and_shows_every_key(tmp_path: Path) -> None:
    example = REPOSITORY / "launch/pod.toml.example"
    assert Pod.read(example).tpu_vm is not None
    # What is a comment in it is meant to be uncommented.
    text = re.sub(r"^# (?=\[|\w+ = )", "", example.read_text(), flags=re.MULTILINE)
    (tmp_path / "pod.toml").write_text(text)
    Pod.read(tmp_path / "pod.toml")
    shown = tomllib.loads(text)
    for kind, table in ((TpuVm, "tpu_vm"), (Gke, "gke"), (Slurm, "slurm")):
        assert set(shown.pop(table)) == {field.name for field in dataclasses.fields(kind)}
    sections = {"tpu_vm", "gke", "slurm", "folder"}
    assert set(shown) == {field.name for field in dataclasses.fields(Pod)} - sections


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"nmae": "x"}, "nmae"),
        ({"name": "Granite"}, "name"),
        ({"num_slices": "2"}, "num_slices"),
        ({"num_slices": True}, "num_slices"),
        ({"num_slices": 0}, "num_slices"),
        ({"provisioning": "cheap"}, "provisioning"),
        ({"accelerator": "v5p:4x4"}, "4x4"),
        ({"accelerator": "v5p-12"}, "v5p-8, v5p-16"),
        ({"accelerator": "v5e:4x16"}, "accelerator"),
        ({"accelerator": "v7x-8"}, "v7x-8"),
        ({"bucket": "gs://mine"}, "bucket"),
        ({"mount": "data"}, "mount"),
        ({"tpu_vm__zones": "x"}, "tpu_vm.zones"),
        ({"tpu_vm__install": "git+https://token@host/x"}, "tpu_vm.install"),
        ({"tpu_vm__install": "granite-fc @ https://token@host/x.whl"}, "tpu_vm.install"),
        ({"slurm__folder": "/a b"}, "slurm.folder"),
        ({"slurm__time": "1:00:00\n#SBATCH --wrap=id"}, "slurm.time"),
        ({"slurm__partition": "gpu --x"}, "slurm.partition"),
        ({"environment_file": "none.env"}, "environment_file"),
    ],
)
def test_mistakes_end_with_status_2_before_anything_is_run(
    launcher: Launcher, values: dict[str, object], key: str
) -> None:
    launcher.configure(**values)
    ended = launcher("tpu_vm.sh", "create")
    assert ended.returncode == 2
    assert key in ended.stderr
    assert "token" not in ended.stderr.replace("a token in it", "")
    assert not launcher.calls()


def test_a_file_of_secrets_is_its_owners_alone(launcher: Launcher) -> None:
    launcher.secrets()
    path = launcher.root / "secrets.env"
    assert read_environment(path)["WANDB_MODE"] == "offline"
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        read_environment(path)
    path.chmod(0o600)
    path.write_text("HF TOKEN=verysecret\n")
    with pytest.raises(ConfigurationError, match="line 1") as raised:
        read_environment(path)
    assert "verysecret" not in str(raised.value)


def test_secrets_are_masked_and_short_values_are_none() -> None:
    mask = Mask(["verysecret", "verysecretindeed", "1"])
    assert mask("a verysecretindeed b verysecret 1") == "a *** b *** 1"


@pytest.mark.parametrize(
    ("accelerator", "name", "hosts", "chips"),
    [
        ("v5p-128", "v5p:4x4x4", 16, 4),
        ("v5litepod-256", "v5e:16x16", 64, 4),
        ("v6e-8", "v6e:2x4", 2, 4),
        ("v6e-1", "v6e:1x1", 1, 1),
        ("v4-32", "v4:2x2x4", 4, 4),
    ],
)
def test_accelerator_types_and_topologies_name_the_same_slices(
    accelerator: str, name: str, hosts: int, chips: int
) -> None:
    of_type, of_topology = (Slice.parse(text, 1) for text in (accelerator, name))
    assert of_type == of_topology
    assert of_topology.accelerator_type == accelerator
    assert (of_type.hosts, of_type.chips_per_host) == (hosts, chips)


def test_what_is_missing_is_named(launcher: Launcher) -> None:
    bare = launcher.root / "bare"
    bare.mkdir()
    for program in ("bash", "dirname", "env"):
        found = shutil.which(program)
        assert found is not None
        (bare / program).symlink_to(found)
    (bare / "python3").symlink_to(sys.executable)
    ended = subprocess.run(
        launcher.command("tpu_vm.sh", "create"),
        env={**launcher.environment, "PATH": str(bare)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert "gcloud is not installed" in ended.stderr
