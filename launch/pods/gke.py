"""`launch/gke.sh`: TPU slices of a GKE cluster, through kubectl."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from granite_fc.errors import ConfigurationError
from launch.pods import arguments
from launch.pods.jobset import CONTAINER, jobset, secret_name
from launch.pods.pod import Gke, Pod
from launch.pods.shell import CommandFailed, Shell

VERBS = {
    "manifest": "print the JobSet as JSON",
    "create": "create the JobSet; a stopped one goes on",
    "wait": "wait until all hosts are running",
    "logs": "follow the log of a host",
    "status": "say how the hosts stand, and why those ended that did",
    "stop": "let the run write a checkpoint, and free the nodes",
    "delete": "delete the JobSet",
    "run": "create, follow to the end, delete",
}
_JOBSET = "jobset.sigs.k8s.io/jobset-name"
# What is shown again when the log is taken up: this machine's clock and the nodes' may differ.
_OVERLAP_SECONDS = 2


def main(words: Sequence[str] | None = None) -> int:
    """Runs one verb; returns the exit status."""
    return arguments.main(
        "launch/gke.sh",
        "Trains on TPU slices of a GKE cluster.",
        VERBS,
        _act,
        _add_arguments,
        words,
        "The JobSet goes on; `logs` follows it, `stop` and `delete` end it.",
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep", action="store_true", help="run: do not delete at the end")
    parser.add_argument("--slice", type=int, default=0, help="logs: which slice")
    parser.add_argument("--worker", type=int, default=0, help="logs: which of its hosts")
    parser.add_argument("--poll_seconds", type=float, default=15, help="wait, run: time between")


def _act(pod: Pod, shell: Shell, options: argparse.Namespace) -> int:
    settings = pod.gke
    if settings is None:
        raise ConfigurationError(str(options.config), found="no [gke]", expected="[gke]")
    cluster = Cluster(pod, settings, shell, poll_seconds=options.poll_seconds)
    match options.verb:
        case "manifest":
            manifest = jobset(pod, settings, arguments.required(options))
            shell.say(json.dumps(manifest, indent=2))
        case "create":
            cluster.create(arguments.required(options))
        case "wait":
            cluster.wait()
        case "logs":
            cluster.follow(options.slice, options.worker)
        case "status":
            cluster.show_status()
        case "stop":
            cluster.stop()
        case "delete":
            cluster.delete()
        case "run":
            return cluster.run(arguments.required(options), keep=options.keep)
    return 0


class Cluster:
    """Creates, follows and deletes one JobSet."""

    def __init__(self, pod: Pod, settings: Gke, shell: Shell, *, poll_seconds: float) -> None:
        self._pod = pod
        self._settings = settings
        self._shell = shell
        self._poll_seconds = poll_seconds
        self._kubectl = ["kubectl"]
        if settings.context:
            self._kubectl.append(f"--context={settings.context}")
        self._kubectl.append(f"--namespace={settings.namespace}")

    def create(self, command: Sequence[str]) -> None:
        """Creates the JobSet and the Secret; one that was stopped goes on.

        Raises:
            ConfigurationError: A JobSet of that name runs another command.
        """
        manifest = jobset(self._pod, self._settings, command)
        found = self._described()
        if found is not None:
            self._check_same(found, manifest)
        self._create_secret()
        if found is not None:
            if found["spec"].get("suspend"):
                self._suspend(False)
            else:
                self._shell.say(f"{self._pod.name} exists")
            return
        try:
            text = json.dumps(manifest, indent=2)
            self._shell.run([*self._kubectl, "create", "--filename=-"], given=text)
        except CommandFailed:
            self._delete_secret()
            raise

    def wait(self) -> None:
        """Waits until all hosts are running or the JobSet has ended, and says how it stands.

        One that is stopped is not waited for.

        Raises:
            ConfigurationError: There is no JobSet.
            CommandFailed: The cluster could not be asked.
        """
        last = ""
        while True:
            found = self._described(quiet=bool(last))
            if self._shell.dry_run:
                return
            if found is None:
                raise ConfigurationError(
                    "name",
                    found=f"{self._pod.name}, of which the cluster has no JobSet",
                    expected="the name of a JobSet that is there",
                    remedy="`create` makes it, and `run` makes it and waits.",
                )
            ready = sum(job.get("ready", 0) for job in _jobs(found))
            state = f"{ready} of {self._pod.num_slices} slices ready"
            if state != last:
                self._shell.say(f"{self._pod.name}: {state}")
            last = state
            if found["spec"].get("suspend"):
                self._shell.say(f"{self._pod.name} is stopped; `create` lets it go on")
                return
            if ready == self._pod.num_slices or _terminal_state(found):
                return
            time.sleep(self._poll_seconds)

    def follow(self, slice_index: int = 0, worker: int = 0, since: str = "") -> None:
        """Shows a host's log until the host or the connection ends.

        Args:
            slice_index: Which slice.
            worker: Which of its hosts.
            since: When what is shown begins, as RFC 3339 has it; empty: at the host's start.
        """
        selector = (
            f"{_JOBSET}={self._pod.name},jobset.sigs.k8s.io/job-global-index={slice_index},"
            f"batch.kubernetes.io/job-completion-index={worker}"
        )
        command = [*self._kubectl, "logs", "--follow", f"--selector={selector}"]
        command += [f"--container={CONTAINER}", "--tail=-1"]
        if since:
            command.append(f"--since-time={since}")
        self._shell.run(command, status_matters=False)

    def show_status(self) -> None:
        """Says how the JobSet and each host stand, and why the hosts ended that did."""
        found = self._described()
        pods = self._pods()
        if self._shell.dry_run:
            return
        if found is None:
            self._shell.say(f"{self._pod.name} does not exist")
            return
        status = found.get("status", {})
        state = status.get("terminalState") or (
            "Suspended" if found["spec"].get("suspend") else "Running"
        )
        self._shell.say(f"{self._pod.name}: {state}, restarted {status.get('restarts', 0)} times")
        for name, phase, ended in pods:
            code = "" if ended is None else f" with status {ended['exitCode']}"
            message = "" if ended is None else ended.get("message", "").strip()
            self._shell.say(f"{name}: {phase}{code}{': ' if message else ''}{message}")

    def stop(self) -> None:
        """Suspends the JobSet: its hosts get SIGTERM, write a checkpoint and end."""
        if not self._shell.dry_run and self._described() is None:
            self._shell.say(f"{self._pod.name} does not exist")
            return
        self._suspend(True)

    def delete(self) -> None:
        """Deletes the JobSet, its hosts and its Secret; nothing where there are none."""
        self._shell.run([*self._kubectl, "delete", "jobset", self._pod.name, "--ignore-not-found"])
        self._delete_secret()

    def run(self, command: Sequence[str], *, keep: bool) -> int:
        """Creates the JobSet, follows it over its restarts, and deletes it at the end.

        Returns:
            0 where it completed, 2 where the configuration was wrong, 42 where somebody stopped it,
            1 where it failed otherwise.
        """
        self.create(command)
        since = ""
        while True:
            self.wait()
            self.follow(since=since)
            since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - _OVERLAP_SECONDS))
            found = self._described(quiet=True)
            if self._shell.dry_run:
                break
            if found is None:
                self._shell.say(f"{self._pod.name} was deleted by somebody")
                return 1
            if found["spec"].get("suspend"):
                self._shell.say(f"{self._pod.name} was stopped; the same command goes on")
                return 42
            if _terminal_state(found):
                break
            time.sleep(self._poll_seconds)
        status = 0 if self._shell.dry_run else self._verdict(_terminal_state(found))
        if keep:
            self._shell.say(f"{self._pod.name} is kept; `delete` ends that")
        else:
            self.delete()
        return status

    def _verdict(self, state: str) -> int:
        self._shell.say(f"{self._pod.name}: {state}")
        if state == "Completed":
            return 0
        self.show_status()
        exits = {ended["exitCode"] for _, _, ended in self._pods() if ended is not None}
        return arguments.CONFIGURATION_ERROR if arguments.CONFIGURATION_ERROR in exits else 1

    def _create_secret(self) -> None:
        path = self._pod.environment_path
        if path is None:
            return
        self._delete_secret()
        create = [*self._kubectl, "create", "secret", "generic", secret_name(self._pod)]
        self._shell.run([*create, f"--from-env-file={path}"])

    def _delete_secret(self) -> None:
        name = secret_name(self._pod)
        self._shell.run([*self._kubectl, "delete", "secret", name, "--ignore-not-found"])

    def _suspend(self, suspended: bool) -> None:
        patch = json.dumps({"spec": {"suspend": suspended}})
        name = self._pod.name
        self._shell.run(
            [*self._kubectl, "patch", "jobset", name, "--type=merge", f"--patch={patch}"]
        )

    def _described(self, *, quiet: bool = False) -> dict[str, Any] | None:
        command = [*self._kubectl, "get", "jobset", self._pod.name, "--ignore-not-found"]
        return self._asked([*command, "--output=json"], quiet=quiet)

    def _pods(self) -> list[tuple[str, str, dict[str, Any] | None]]:
        """Returns each host's name and phase, and how its container ended."""
        command = [*self._kubectl, "get", "pods", f"--selector={_JOBSET}={self._pod.name}"]
        found = self._asked([*command, "--output=json"], quiet=False)
        pods = []
        for item in (found or {}).get("items", []):
            containers = item["status"].get("containerStatuses", [])
            ended = [
                container["state"]["terminated"]
                for container in containers
                if container["name"] == CONTAINER and "terminated" in container.get("state", {})
            ]
            pods.append(
                (item["metadata"]["name"], item["status"]["phase"], next(iter(ended), None))
            )
        return pods

    def _asked(self, command: list[str], *, quiet: bool) -> dict[str, Any] | None:
        answer = self._shell.ask(command, quiet=quiet)
        if answer.status:
            raise CommandFailed(command, answer.status, answer.errors)
        return json.loads(answer.output) if answer.output.strip() else None

    def _check_same(self, found: dict[str, Any], manifest: dict[str, Any]) -> None:
        if _what_runs(found) != _what_runs(manifest):
            raise ConfigurationError(
                "name",
                found=f"{self._pod.name}, a JobSet with other arguments, image or slices",
                expected="a name that is free, or the same run",
                remedy="Delete it first, or name this one otherwise.",
            )


def _what_runs(manifest: dict[str, Any]) -> tuple[Any, ...]:
    """Returns what tells two runs apart, out of fields that the cluster does not fill in."""
    (replicated,) = manifest["spec"]["replicatedJobs"]
    spec = replicated["template"]["spec"]["template"]["spec"]
    container = next(each for each in spec["containers"] if each["name"] == CONTAINER)
    return container["args"], container["image"], spec["nodeSelector"], replicated["replicas"]


def _jobs(found: dict[str, Any]) -> list[dict[str, Any]]:
    return found.get("status", {}).get("replicatedJobsStatus", [])


def _terminal_state(found: dict[str, Any] | None) -> str:
    return (found or {}).get("status", {}).get("terminalState", "")


if __name__ == "__main__":
    sys.exit(main())
