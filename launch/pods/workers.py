"""The hosts of the slices: what is copied to them, and what is called there."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from granite_fc.errors import ConfigurationError
from launch.pods.pod import Pod, TpuVm
from launch.pods.shell import CommandFailed, Shell

_SCRIPT = Path(__file__).resolve().parent.parent / "worker.sh"
# A connection to a host that is gone ends within two minutes instead of never, and one that is not
# answered is given up.
_CONNECTION = (
    *("-o ConnectTimeout=15", "-o ServerAliveInterval=30"),
    "-o ServerAliveCountMax=4",
)
_LOG_LINE = "|"


@dataclasses.dataclass(frozen=True)
class Status:
    """How a run stands on one host.

    Attributes:
        worker: The host's name.
        state: "absent" (nothing was started), "running", "ended", or "lost" (the process is gone
            and has left no exit status, as after a reboot).
        exit: Exit status, where it ended.
        stopped: Whether it was told to stop by `stop`.
    """

    worker: str
    state: str
    exit: int | None
    stopped: bool


class Workers:
    """Calls worker.sh on all hosts of all slices, over gcloud's ssh and scp."""

    def __init__(self, pod: Pod, settings: TpuVm, nodes: Sequence[str], shell: Shell) -> None:
        self._pod = pod
        self._settings = settings
        self._nodes = nodes
        self._shell = shell
        self._folder = f".granite_fc/{pod.name}"

    def install(self) -> None:
        """Copies what is needed to all hosts, installs the project there and mounts the bucket.

        Raises:
            ConfigurationError: The wheel is missing.
            CommandFailed: A host could not be reached, or something failed there.
        """
        requirement, wheel, digest = self.requirement()
        folder = shlex.quote(self._folder)
        self._call_shell(f"mkdir -p {folder} && chmod 700 {folder}")
        files = [_SCRIPT, *([wheel] if wheel else [])]
        self._copy(files, f"{self._folder}/")
        environment = self._pod.environment_path
        if environment is not None:
            self._copy([environment], f"{self._folder}/environment")
        self._call("install", requirement, digest)
        if self._pod.bucket:
            self._call("mount", self._pod.bucket, self._pod.mount)

    def start(self, arguments: Sequence[str]) -> None:
        """Starts `granite-fc` with the arguments on all hosts, unless it runs already.

        Raises:
            CommandFailed: A host could not be reached, or runs something else.
        """
        self._call("start", *arguments)

    def statuses(self) -> list[Status]:
        """Returns how the run stands on every host; none in a dry run.

        Raises:
            CommandFailed: A host could not be reached.
        """
        found = []
        for node in self._nodes:
            command = self._ssh(node, "all", self._command("status"))
            answer = self._shell.ask(command)
            if answer.status:
                raise CommandFailed(command, answer.status, answer.errors)
            for line in answer.output.splitlines():
                prefix, _, fields = line.partition(" ")
                if prefix == "GRANITE_FC":
                    found.append(Status(**json.loads(fields)))
        return found

    def follow(self, lines: str, *, slice_index: int = 0, worker: int = 0) -> int:
        """Shows a host's log until the run ends there or the connection does.

        Args:
            lines: How many of the last lines to begin with, "all" since the start, or "+N": all
                since the start but the first N.
            slice_index: Which slice.
            worker: Which of its hosts.

        Returns:
            How many lines of the log were shown.
        """
        command = self._ssh(self._nodes[slice_index], str(worker), self._command("follow", lines))
        shown = 0

        def read(line: str) -> str:
            # worker.sh marks the log's lines; what gcloud and ssh say between them has no mark.
            nonlocal shown
            shown += line.startswith(_LOG_LINE)
            return line.removeprefix(_LOG_LINE)

        self._shell.run(command, status_matters=False, read=read)
        return shown

    def stop(self) -> None:
        """Stops the run on all hosts; it writes a checkpoint first.

        Raises:
            CommandFailed: A host could not be reached.
        """
        self._call("stop", str(self._pod.grace_seconds))

    def requirement(self) -> tuple[str, Path | None, str]:
        """Returns what pip is told, the wheel to copy, and what tells two installations apart.

        Raises:
            ConfigurationError: The wheel is missing.
        """
        install = self._settings.install
        if install.endswith(".whl") and "://" not in install:
            wheel = self._pod.folder / install
            if not wheel.is_file():
                raise ConfigurationError(
                    "tpu_vm.install",
                    found=str(wheel),
                    expected="a wheel",
                    remedy="Build one in the repository's root: python -m build --wheel "
                    "(or pip wheel --no-deps --wheel-dir=dist .).",
                )
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
            return f"./{wheel.name}[tpu]", wheel, digest
        if "://" in install:
            requirement = f"granite-fc[tpu] @ {install}"
        else:
            requirement = install.replace("granite-fc", "granite-fc[tpu]", 1)
        return requirement, None, hashlib.sha256(requirement.encode()).hexdigest()

    def _command(self, verb: str, *arguments: str) -> str:
        """Returns what the remote shell reads: every argument comes out there as it went in."""
        return shlex.join(["bash", f"{self._folder}/worker.sh", verb, *arguments])

    def _call(self, verb: str, *arguments: str) -> None:
        self._call_shell(self._command(verb, *arguments))

    def _call_shell(self, command: str) -> None:
        self._shell.run_together([self._ssh(node, "all", command) for node in self._nodes])

    def _ssh(self, node: str, worker: str, command: str) -> list[str]:
        call = ["gcloud", "compute", "tpus", "tpu-vm", "ssh", node, f"--worker={worker}"]
        call += [f"--ssh-flag={flag}" for flag in _CONNECTION]
        return [*call, *self._where(), f"--command={command}"]

    def _copy(self, files: Sequence[Path], destination: str) -> None:
        commands = []
        for node in self._nodes:
            call = ["gcloud", "compute", "tpus", "tpu-vm", "scp", *map(str, files)]
            call += [f"{node}:{destination}", "--worker=all"]
            call += [f"--scp-flag={flag}" for flag in _CONNECTION]
            commands.append([*call, *self._where()])
        self._shell.run_together(commands)

    def _where(self) -> list[str]:
        where = [f"--project={self._settings.project}", f"--zone={self._settings.zone}"]
        if self._settings.internal_ips:
            where.append("--internal-ip")
        return [*where, "--quiet"]
