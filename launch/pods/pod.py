"""`pod.toml`: where a run is launched, in one file for all launchers."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from granite_fc.errors import ConfigurationError

Provisioning = Literal["on-demand", "spot", "reserved"]

# Names of Google Cloud resources, of Kubernetes objects and of SLURM jobs all take these.
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")

# Fields of a pod that are tables of the file, or not in it at all.
_NO_KEYS = ("tpu_vm", "gke", "slurm", "folder")


@dataclasses.dataclass(frozen=True)
class TpuVm:
    """TPU virtual machines, made through queued resources.

    Attributes:
        project: Google Cloud project.
        zone: Zone that offers the chips.
        install: What the hosts install: a wheel on this machine, `git+https://...@REF` with a
            commit or a tag, or a requirement of a package index such as `granite-fc==0.1.0`.
        runtime_version: Software of the virtual machines; empty: the one meant for the chip.
        service_account: Email of the account that the hosts act as; empty: the default one.
        network: VPC network; empty: the default one.
        subnetwork: Subnetwork; empty: the network's own.
        internal_ips: No external addresses; the launcher must then run in the same network, and
            the network needs a way out (Cloud NAT) to install from.
        valid_until_duration: How long to wait in the queue, such as "6h"; empty: for ever.
    """

    project: str
    zone: str
    install: str
    runtime_version: str = ""
    service_account: str = ""
    network: str = ""
    subnetwork: str = ""
    internal_ips: bool = False
    valid_until_duration: str = ""


@dataclasses.dataclass(frozen=True)
class Gke:
    """A GKE cluster with TPU node pools and JobSet.

    Attributes:
        image: Container image with granite-fc on its PATH.
        context: Context of kubectl's configuration; empty: the current one.
        namespace: Namespace.
        service_account: Kubernetes service account that may read and write the bucket; empty: the
            namespace's default.
        reservation: Name of the reservation, where `provisioning` is "reserved".
    """

    image: str
    context: str = ""
    namespace: str = "default"
    service_account: str = ""
    reservation: str = ""


@dataclasses.dataclass(frozen=True)
class Slurm:
    """GPU nodes of a SLURM cluster.

    Attributes:
        nodes: Nodes of the job.
        gpus_per_node: GPUs of a node; each gets a process.
        time: Time limit, as in `sbatch --time`.
        command: The installed `granite-fc`, on a file system that all nodes mount.
        folder: For the job's script, log and notes, on such a file system.
        partition: Partition; empty: the cluster's default.
        account: Account; empty: the user's default.
        cpus_per_gpu: CPU cores of a process; 0: the cluster's default.
    """

    nodes: int
    gpus_per_node: int
    time: str
    command: str
    folder: str
    partition: str = ""
    account: str = ""
    cpus_per_gpu: int = 0


@dataclasses.dataclass(frozen=True)
class Pod:
    """One run's place.

    Attributes:
        name: Of the slices, the JobSet or the job; one run at a time has it.
        accelerator: One slice: as `granite-fc plan` writes it ("v5p:4x4x4") or as Google Cloud does
            ("v5p-128"). SLURM has none.
        num_slices: Equal slices, joined by the data centre's network.
        provisioning: "on-demand", "spot" (cheaper, taken away at need) or "reserved".
        bucket: Cloud Storage bucket that all hosts see as the folder `mount`; empty: none.
        mount: That folder; MODEL_DIR and DATA_DIR lie in it.
        environment_file: KEY=VALUE lines, for secrets; only its owner may read it. Empty: none. For
            SLURM it lies on a file system that all nodes mount.
        max_failures: How many times a run that fails by itself (exit status 1, a crash, memory) is
            started again.
        grace_seconds: Seconds a run is given to write a checkpoint when it is told to stop.
        tpu_vm: For launch/tpu_vm.sh.
        gke: For launch/gke.sh.
        slurm: For launch/slurm.sh.
        folder: Where the file lies; its relative paths start there.
    """

    name: str
    accelerator: str = ""
    num_slices: int = 1
    provisioning: Provisioning = "on-demand"
    bucket: str = ""
    mount: str = "/mnt/granite_fc"
    environment_file: str = ""
    max_failures: int = 3
    grace_seconds: int = 300
    tpu_vm: TpuVm | None = None
    gke: Gke | None = None
    slurm: Slurm | None = None
    folder: Path = Path()

    @property
    def environment_path(self) -> Path | None:
        """The file of secrets, if there is one."""
        return self.folder / self.environment_file if self.environment_file else None

    @staticmethod
    def read(path: Path) -> Pod:
        """Reads a configuration file.

        Raises:
            ConfigurationError: There is none, or something in it cannot be so.
        """
        try:
            values = tomllib.loads(path.read_text())
        except OSError as error:
            raise ConfigurationError(
                "--config",
                found=str(path),
                expected="a file",
                remedy=f"{error.strerror}. Begin with a copy of launch/pod.toml.example.",
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(str(path), found=str(error), expected="TOML") from None
        sections: dict[str, Any] = {}
        for section, kind in (("tpu_vm", TpuVm), ("gke", Gke), ("slurm", Slurm)):
            table = values.pop(section, None)
            if table is not None:
                sections[section] = _made(kind, table, f"{path}: {section}.")
        pod: Pod = _made(Pod, values, f"{path}: ", folder=path.resolve().parent, **sections)
        _check(pod, str(path))
        return pod


def _made(kind: type[Any], table: Any, where: str, **given: Any) -> Any:
    """Returns a `kind` out of a table, whose keys and types are those of its fields."""
    if not isinstance(table, dict):
        raise ConfigurationError(where.rstrip("."), found=table, expected="a table")
    types = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    known = [name for name in fields if kind is not Pod or name not in _NO_KEYS]
    for key, value in table.items():
        if key not in known:
            raise ConfigurationError(
                where + key, found=value, expected=f"one of {', '.join(known)}"
            )
        if get_origin(types[key]) is Literal:
            choices = get_args(types[key])
            if value not in choices:
                raise ConfigurationError(where + key, found=value, expected=" or ".join(choices))
        # A bool is an int, but not here.
        elif type(value) is not types[key]:
            raise ConfigurationError(
                where + key, found=value, expected=f"a value of type {types[key].__name__}"
            )
    for name, field in fields.items():
        if field.default is dataclasses.MISSING and name not in table:
            raise ConfigurationError(where + name, found=None, expected="a value")
    return kind(**table, **given)


def _check(pod: Pod, path: str) -> None:
    if not _NAME.fullmatch(pod.name):
        raise ConfigurationError(
            f"{path}: name",
            found=pod.name,
            expected="at most 40 small letters, digits and hyphens, a letter first",
        )
    counts: list[tuple[str, int, int]] = [
        ("num_slices", pod.num_slices, 1),
        ("max_failures", pod.max_failures, 0),
        ("grace_seconds", pod.grace_seconds, 1),
    ]
    if pod.slurm is not None:
        counts.append(("slurm.nodes", pod.slurm.nodes, 1))
        counts.append(("slurm.gpus_per_node", pod.slurm.gpus_per_node, 1))
        counts.append(("slurm.cpus_per_gpu", pod.slurm.cpus_per_gpu, 0))
    for key, count, least in counts:
        if count < least:
            raise ConfigurationError(f"{path}: {key}", found=count, expected=f"at least {least}")
    if not pod.mount.startswith("/"):
        raise ConfigurationError(f"{path}: mount", found=pod.mount, expected="an absolute path")
    if pod.slurm is not None and not re.fullmatch(r"/[-\w./]*", pod.slurm.folder):
        raise ConfigurationError(
            f"{path}: slurm.folder",
            found=pod.slurm.folder,
            expected="an absolute path of letters, digits, and the characters . _ - /",
        )
    if pod.slurm is not None:
        for field in ("time", "partition", "account"):
            value = getattr(pod.slurm, field)
            # They become lines of the batch script.
            if not re.fullmatch(r"[-\w:.,/]+", value) and (value or field == "time"):
                raise ConfigurationError(
                    f"{path}: slurm.{field}",
                    found=value,
                    expected="letters, digits, and the characters . _ - : , /",
                )
    if pod.bucket.startswith("gs://") or "/" in pod.bucket:
        raise ConfigurationError(
            f"{path}: bucket", found=pod.bucket, expected="a bucket's name alone, without gs://"
        )
    if pod.tpu_vm is not None and re.search(r"[\w+]+://[^/]*@", pod.tpu_vm.install):
        raise ConfigurationError(
            f"{path}: tpu_vm.install",
            found="an address with a user or a token in it",
            expected="an address that needs none",
            remedy="Build a wheel (python -m build --wheel) and name that instead.",
        )
