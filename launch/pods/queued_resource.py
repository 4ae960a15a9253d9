"""A queued resource: the request for slices, and the slices that come of it.

https://cloud.google.com/tpu/docs/queued-resources
"""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Any

from launch.pods.pod import Pod, TpuVm
from launch.pods.shell import CommandFailed, Shell
from launch.pods.slices import Slice

_QUEUED_RESOURCES = ["compute", "tpus", "queued-resources"]

# States of the request. What is not listed is on the way to ACTIVE.
ACTIVE = "ACTIVE"
_GOING = ("SUSPENDING", "DELETING")
_DEAD = ("SUSPENDED", "FAILED")
# States of a node that will not work again.
_NODE_LOST = ("PREEMPTED", "TERMINATED", "STOPPED", "STOPPING", "DELETING", "ABSENT")

_SECONDS_BETWEEN_REPORTS = 600


class SliceGone(Exception):
    """The slice is not there and will not come; the message says why.

    Attributes:
        preempted: Whether it was taken away, so that another may be asked for.
    """

    def __init__(self, message: str, *, preempted: bool = False) -> None:
        super().__init__(message)
        self.preempted = preempted


@dataclasses.dataclass(frozen=True)
class Request:
    """What the cloud says of a queued resource.

    Attributes:
        state: As the cloud names it.
        reason: Why it is so, where the cloud says.
        by_user: Whether a person has made it so, by deleting the nodes.
    """

    state: str
    reason: str = ""
    by_user: bool = False

    @property
    def is_dead(self) -> bool:
        """Whether its slices are gone for good, and it only stands in the way of a new one."""
        return self.state in _DEAD or self.state in _GOING


class QueuedResource:
    """Creates, watches and deletes one queued resource through gcloud.

    Attributes:
        nodes: Names of its TPU VMs, one a slice.
    """

    def __init__(self, pod: Pod, settings: TpuVm, shell: Shell, *, poll_seconds: float) -> None:
        self._pod = pod
        self._settings = settings
        self._shell = shell
        self._poll_seconds = poll_seconds
        self._slice = Slice.parse(pod.accelerator, pod.num_slices)
        self._where = [f"--project={settings.project}", f"--zone={settings.zone}"]
        self.nodes = [pod.name]
        if pod.num_slices > 1:
            self.nodes = [f"{pod.name}-{index}" for index in range(pod.num_slices)]

    def create(self) -> None:
        """Asks for the slices, unless that has been done; a dead request is replaced."""
        if not self._shell.dry_run:
            request = self.describe()
            if request is not None and request.is_dead:
                self._shell.say(f"{self._pod.name} is {request.state}: deleted and asked for again")
                self.delete()
            elif request is not None:
                self._shell.say(f"{self._pod.name} exists and is {request.state}")
                return
        self._shell.run(self.create_command())

    def create_command(self) -> list[str]:
        """Returns the command that asks for the slices."""
        pod, settings, chips = self._pod, self._settings, self._slice
        kind = [f"--accelerator-type={chips.accelerator_type}"]
        track = []
        if not chips.is_usual_shape:
            kind = [f"--type={chips.generation}", f"--topology={chips.shape}"]
            # Only the alpha track's --type knows more than v4.
            track = [] if chips.generation == "v4" else ["alpha"]
        nodes = [f"--node-id={pod.name}"]
        if pod.num_slices > 1:
            nodes = [f"--node-count={pod.num_slices}", f"--node-prefix={pod.name}"]
        command = ["gcloud", *track, *_QUEUED_RESOURCES, "create", pod.name, *nodes, *kind]
        command.append(f"--runtime-version={settings.runtime_version or chips.runtime_version}")
        if pod.provisioning == "spot":
            command.append("--spot")
        elif pod.provisioning == "reserved":
            command.append("--reserved")
        if settings.service_account:
            command.append(f"--service-account={settings.service_account}")
            command.append("--scopes=https://www.googleapis.com/auth/cloud-platform")
        if settings.network:
            command.append(f"--network={settings.network}")
        if settings.subnetwork:
            command.append(f"--subnetwork={settings.subnetwork}")
        if settings.internal_ips:
            command.append("--internal-ips")
        if settings.valid_until_duration:
            command.append(f"--valid-until-duration={settings.valid_until_duration}")
        return [*command, *self._where, "--quiet"]

    def describe(self, *, quiet: bool = False) -> Request | None:
        """Returns what the cloud says; None where there is no such request.

        Raises:
            CommandFailed: The cloud could not be asked.
        """
        command = ["gcloud", *_QUEUED_RESOURCES, "describe", self._pod.name, *self._where]
        command.append("--format=json")
        answer = self._shell.ask(command, quiet=quiet)
        if answer.status:
            if "NOT_FOUND" in answer.errors:
                return None
            raise CommandFailed(command, answer.status, answer.errors)
        state: dict[str, Any] = json.loads(answer.output or "{}").get("state", {})
        error = state.get("failedData", {}).get("error", {}).get("message", "")
        by_user = state.get("stateInitiator") == "USER"
        return Request(state.get("state", "STATE_UNSPECIFIED"), error, by_user)

    def wait(self) -> None:
        """Waits until the slices are there, and says how it stands.

        A cloud that gives no answer is asked again: the place in the queue is kept.

        Raises:
            SliceGone: They will not come.
        """
        if self._shell.dry_run:
            self.describe()
            return
        began = reported = time.monotonic()
        last = ""
        while True:
            request = self._answered(quiet=bool(last))
            now = time.monotonic()
            if request.state != last or now - reported > _SECONDS_BETWEEN_REPORTS:
                state = f"{request.state} after {now - began:.0f} s"
                self._shell.say(f"{self._pod.name}: {state}. {request.reason}".strip())
                reported = now
            last = request.state
            if request.state == ACTIVE:
                return
            if request.is_dead:
                # FAILED without ever being there: the request is at fault, or its time is up.
                raise SliceGone(
                    f"{self._pod.name} is {request.state}. {request.reason}".strip(),
                    preempted=request.state != "FAILED" and not request.by_user,
                )
            time.sleep(self._poll_seconds)

    def _answered(self, *, quiet: bool) -> Request:
        try:
            request = self.describe(quiet=quiet)
        except CommandFailed as error:
            return Request("the cloud cannot be asked just now", error.output.strip())
        if request is None:
            raise SliceGone(f"{self._pod.name} does not exist; create it first")
        return request

    def delete(self) -> None:
        """Deletes the nodes and the request; nothing where there is none."""
        command = ["gcloud", *_QUEUED_RESOURCES, "delete", self._pod.name, "--force"]
        command += [*self._where, "--quiet"]
        if self._shell.dry_run:
            self._shell.show(command)
            return
        request = self.describe()
        while request is not None and request.state in _GOING:
            time.sleep(self._poll_seconds)
            request = self.describe(quiet=True)
        if request is None:
            self._shell.say(f"{self._pod.name} does not exist")
            return
        self._shell.run(command)

    def is_lost(self, patience: int) -> bool:
        """Says whether the slices have been taken away, or only cannot be reached just now.

        Args:
            patience: How many times to ask before they count as there: the cloud may notice late.

        Raises:
            SliceGone: They were deleted by somebody, who will not want them back.
        """
        for attempt in range(patience):
            if attempt:
                time.sleep(self._poll_seconds)
            try:
                request = self.describe(quiet=True)
                is_there = request is not None and request.state == ACTIVE
                # A request that waits has no nodes yet.
                nodes = [self._node_state(node) for node in self.nodes] if is_there else []
            except CommandFailed as error:
                self._shell.say(f"the cloud cannot be asked just now: {error.output.strip()}")
                continue
            if request is None or (request.is_dead and request.by_user):
                raise SliceGone(f"{self._pod.name} was deleted by somebody; not created again")
            if request.is_dead or any(node in _NODE_LOST for node in nodes):
                self._shell.say(f"{self._pod.name} is {request.state}, its nodes {set(nodes)}")
                return True
        return False

    def _node_state(self, node: str) -> str:
        command = [
            "gcloud",
            "compute",
            "tpus",
            "tpu-vm",
            "describe",
            node,
            *self._where,
            "--format=json",
        ]
        answer = self._shell.ask(command, quiet=True)
        if not answer.status:
            return json.loads(answer.output).get("state", "STATE_UNSPECIFIED")
        if "NOT_FOUND" in answer.errors:
            return "ABSENT"
        raise CommandFailed(command, answer.status, answer.errors)
