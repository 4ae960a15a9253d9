"""A cloud that is a folder, and the launchers run against it."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
STAND_INS = Path(__file__).parent / "stand_ins"
SECRET = "hf_Zq81'x$(id);secret"

# Arguments that a shell, gcloud, SLURM or Kubernetes would change if it could.
NASTY = [
    "train",
    "--gin_file=runs/real data.gin",
    '--gin.A=it\'s "quoted" $HOME $(id) `id` ${PATH} $$ \\ \\n',
    "--gin.B=[1, 'two']; rm -rf / & | > < * ? ~ # ! %USER% %TPU%",
    "--gin.C=line one\nline two\ttab",
    "--gin.D=",
    "",
    "--gin.E=@adamw() $(A) $$(B) {x} {{y}}",
    "--",
    "--dry_run",
    "--gin.F=\u00e9\u4e2d",
]


@dataclasses.dataclass
class Launcher:
    """Runs the launch scripts in a world of stand-ins.

    Attributes:
        root: The world's folder; `pod.toml` lies in it.
    """

    root: Path

    def __call__(self, script: str, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a script's verb and returns how it ended."""
        return subprocess.run(
            self.command(script, verb, *words),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=50,
        )

    def command(self, script: str, verb: str, *words: str) -> list[str]:
        """Returns the command line of a verb."""
        config = f"--config={self.root / 'pod.toml'}"
        return [str(REPOSITORY / "launch" / script), verb, config, *words]

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which the stand-ins come first."""
        # The launchers ask for no more than Python itself.
        python = Path(sys.executable).parent
        path = f"{STAND_INS}:{python}:{os.environ['PATH']}"
        return {**os.environ, "STAND_IN": str(self.root), "PATH": path}

    def configure(self, **values: object) -> None:
        """Writes `pod.toml`; a key `section__key` belongs to a section."""
        tables: dict[str, dict[str, object]] = {"": {}, "tpu_vm": {}, "gke": {}, "slurm": {}}
        defaults: dict[str, object] = {
            "name": "granite-20b",
            "accelerator": "v5p:2x2x2",
            "grace_seconds": 20,
            "tpu_vm__project": "my-project",
            "tpu_vm__zone": "us-east5-a",
            "tpu_vm__install": "granite-fc==0.1.0",
            "gke__image": "registry/granite-fc:1",
            "slurm__nodes": 2,
            "slurm__gpus_per_node": 4,
            "slurm__time": "24:00:00",
            "slurm__command": str(STAND_INS / "host" / "granite-fc"),
            "slurm__folder": str(self.root / "slurm"),
        }
        for key, value in {**defaults, **values}.items():
            table, _, name = key.rpartition("__")
            tables[table][name] = value
        text = ""
        for table, entries in tables.items():
            text += f"[{table}]\n" if table else ""
            # TOML writes strings, integers and booleans as JSON does.
            text += "".join(f"{key} = {json.dumps(value)}\n" for key, value in entries.items())
        (self.root / "pod.toml").write_text(text)

    def cloud(
        self,
        *lives: list[str],
        hosts: int = 2,
        plan: str = "0",
        faults: dict[str, list[str]] | None = None,
    ) -> None:
        """Says what happens to the slices that are asked for, one after the other.

        Args:
            lives: For each, the states that it is found in; the last one stays.
            hosts: Hosts of a slice.
            plan: How granite-fc ends on every host, a line for each attempt.
            faults: For gcloud's commands, such as "queued-resources describe", what each call fails
                with, one after the other; "" where it does not.
        """
        cloud = {"made": [], "states": [], "lives": lives, "hosts": hosts, "faults": faults or {}}
        (self.root / "cloud.json").write_text(json.dumps(cloud))
        (self.root / "plan.txt").write_text(plan + "\n")

    def secrets(self) -> None:
        """Writes an environment file with a secret."""
        path = self.root / "secrets.env"
        path.write_text(f"# for the hub\nHF_TOKEN={SECRET}\nWANDB_MODE=offline\n")
        path.chmod(0o600)

    def calls(self) -> list[list[str]]:
        """Returns the calls of the stand-ins so far."""
        path = self.root / "calls.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines()]

    def homes(self) -> list[Path]:
        """Returns the home folders of all hosts."""
        return sorted(self.root.glob("hosts/*/*"))


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    """A launcher in a new world; runs that a failed test has left there are ended."""
    shutil.copytree(STAND_INS / "host", tmp_path / "host_bin")
    made = Launcher(tmp_path)
    made.configure()
    made.cloud(["ACTIVE"])
    yield made
    for path in tmp_path.glob("hosts/*/*/.granite_fc/*/pid"):
        command = Path("/proc", path.read_text(), "cmdline")
        if command.exists() and str(path.parent).encode() in command.read_bytes():
            os.killpg(int(path.read_text()), signal.SIGKILL)
