"""The hosts of a run: how many there are, which one this is, and that they start and end together.

Each host is one process. By hand, three environment variables on each say what it needs to know:

    JAX_COORDINATOR_ADDRESS  name:port of host 0, the same on all
    JAX_NUM_PROCESSES        how many there are; 1 means that this is the only one, wherever it runs
    JAX_PROCESS_ID           which one this is, from 0 on

Without them JAX is asked whether it knows the cluster: TPU pods (one or several slices, on TPU VMs
or Kubernetes), SLURM and Open MPI steps of several tasks, and the pods of an indexed Kubernetes job
where the package `kubernetes` is installed. Anywhere else there is one host, and nothing is set up.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import gin
import jax
from jax._src import distributed  # The only way to the key-value store that all hosts share.
from jax._src.clusters import ClusterEnv, K8sCluster

from granite_fc.errors import ConfigurationError
from granite_fc.training.host_line import HostLine, HostsError, Place, meet
from granite_fc.training.preemption import Preempted

_VARIABLES = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")
_SHUTDOWN_SECONDS = 30
# How long a host whose transfer broke off waits to hear that another one was the first to end.
_NEWS_SECONDS = 5.0
_serial = itertools.count()


class Disagreement(ConfigurationError):
    """The hosts were started with different things; raised on all of them."""


# What all hosts raise at the same place.
_ALIKE = (Disagreement, Preempted)


class Hosts:
    """The hosts of a run, as this one sees them.

    As a context manager it is where they end together: an error inside ends all others too, at
    once, and each says which host was the first and why.

    Attributes:
        index: Which host this is.
        count: How many there are.
        names: Their names; only this one's where JAX was set up elsewhere.
        line: The connection to the others, or None.
    """

    def __init__(self, index: int = 0, count: int = 1, line: HostLine | None = None) -> None:
        self.index = index
        self.count = count
        self.line = line
        self.names = line.names if line else [socket.gethostname()]

    @property
    def is_leader(self) -> bool:
        """Whether this is the host that writes what only one writes."""
        return self.index == 0

    def wait_for_all(self, what: str, seconds: float) -> None:
        """Waits until all hosts have come here.

        Args:
            what: What they have done then, for the error.
            seconds: How long to wait at most.

        Raises:
            HostsError: One did not come.
        """
        if self.count > 1:
            key = f"granite_fc/{next(_serial)}"
            try:
                _store().wait_at_barrier(key, round(seconds * 1000))
            except RuntimeError as error:
                raise HostsError(
                    f"host {self.index} of {self.count} waited {seconds:.0f} s until all had "
                    f"{what}: {error}"
                ) from error

    def gather(self, what: str, text: str, seconds: float = 300) -> list[str]:
        """Returns the text of every host, by index.

        Args:
            what: What the texts are, for the error.
            text: This host's.
            seconds: How long to wait for the others.

        Raises:
            HostsError: One did not come.
        """
        if self.count == 1:
            return [text]
        folder = f"granite_fc/{next(_serial)}/"
        _store().key_value_set(f"{folder}{self.index}", text)
        self.wait_for_all(f"told {what}", seconds)
        told = {
            int(key.rsplit("/", 1)[1]): each for key, each in _store().key_value_dir_get(folder)
        }
        return [told[index] for index in range(self.count)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.line is None or self.line.is_left:
            return
        if error is None or isinstance(error, _ALIKE):
            self.line.leave()
            return
        if isinstance(error, (jax.errors.JaxRuntimeError, ValueError)):
            # A transfer breaks off where another host has ended, which is the news to tell.
            time.sleep(_NEWS_SECONDS)
        self.line.fail(_summary(error), _status(error))


@gin.configurable(module="granite_fc.training")
def join_hosts(*, start_timeout: int = 300, heartbeat_timeout: int = 40) -> Hosts:
    """Joins the other hosts of the run, before a device is touched; see the module for how.

    Args:
        start_timeout: Seconds to wait until all hosts are there: they may start minutes apart.
        heartbeat_timeout: Seconds after which a host that is there but does nothing more, not even
            in the background, makes all others end.

    Raises:
        ConfigurationError: The environment contradicts itself or the other hosts.
        HostsError: Not all hosts came in time.
    """
    if jax.distributed.is_initialized():
        return Hosts(jax.process_index(), jax.process_count())
    place = find_place(os.environ, start_timeout)
    if place is None:
        return Hosts()
    line = meet(place, start_timeout)
    if (jax.config.values["jax_platforms"] or "").startswith("cpu"):
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(
        place.address,
        place.count,
        place.index,
        # Which devices a process takes is asked of a cluster only where the cluster was.
        cluster_detection_method="deactivate" if place.found_by in _VARIABLES else None,
        initialization_timeout=start_timeout,
        heartbeat_timeout_seconds=heartbeat_timeout,
        shutdown_timeout_seconds=_SHUTDOWN_SECONDS,
    )
    return Hosts(place.index, place.count, line)


def end_at_once(error: BaseException) -> None:
    """Ends this process where it has failed as one of several hosts; else does nothing.

    Leaving in good order, as where all end alike, would wait for the others, who do not come.

    Args:
        error: What is printed, but for a `SystemExit`, whose message has been.
    """
    # Not jax.process_count(): before the devices are there it would wait for the others.
    if isinstance(error, _ALIKE) or (distributed.global_state.num_processes or 1) == 1:
        return
    if isinstance(error, (ConfigurationError, HostsError)):
        print(f"granite-fc: {_summary(error)}", file=sys.stderr)
    elif not isinstance(error, SystemExit):
        traceback.print_exception(error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_status(error))


def find_place(environment: Mapping[str, str], timeout: int) -> Place | None:
    """Returns this process's place among the hosts of a run; None where it is the only one.

    Args:
        environment: The environment variables.
        timeout: Seconds that a cluster may take to know the name of host 0.

    Raises:
        ConfigurationError: Variables are missing or wrong, or the cluster does not tell.
    """
    if "JAX_NUM_PROCESSES" in environment or "JAX_PROCESS_ID" in environment:
        return _place_by_hand(environment)
    in_job = "JOB_COMPLETION_INDEX" in environment and "KUBERNETES_SERVICE_HOST" in environment
    cluster = next(
        (
            each
            for each in ClusterEnv._cluster_types
            # In a pod that belongs to no indexed job, such as a notebook's, there is one host.
            if not each.opt_in_only_method
            and (each is not K8sCluster or in_job)
            and each.is_env_present()
        ),
        None,
    )
    if cluster is None:
        if in_job and importlib.util.find_spec("kubernetes") is None:
            raise ConfigurationError(
                "hosts of the Kubernetes job",
                found="no package kubernetes to ask for them",
                expected="the package, or the hosts given by hand",
                remedy="pip install kubernetes, or set " + ", ".join(_VARIABLES) + " in the job "
                "(JAX_NUM_PROCESSES=1 where it is the only pod).",
            )
        return None
    name = cluster.name or "Kubernetes job"
    try:
        count = cluster.get_process_count()
        if count == 1:
            return None
        port = environment.get("JAX_COORDINATOR_PORT")
        address = environment.get("JAX_COORDINATOR_ADDRESS") or cluster.get_coordinator_address(
            timeout_secs=timeout, override_coordinator_port=port
        )
        return Place(name, address, cluster.get_process_id(), count)
    except Exception as error:
        raise ConfigurationError(
            f"hosts of the cluster ({name})",
            found=f"{type(error).__name__}: {error}",
            expected="how many there are, which one this is and where host 0 is",
            remedy="Set " + ", ".join(_VARIABLES) + " by hand; JAX_NUM_PROCESSES=1 for this one "
            "alone.",
        ) from error


def _place_by_hand(environment: Mapping[str, str]) -> Place | None:
    numbers: dict[str, int] = {}
    for name in _VARIABLES[1:]:
        text = environment.get(name, "")
        if not text.isdecimal() and (name == "JAX_NUM_PROCESSES" or numbers != {_VARIABLES[1]: 1}):
            raise ConfigurationError(
                name,
                found=text or "nothing",
                expected="a number",
                remedy=f"Set all of {', '.join(_VARIABLES)}, on every host.",
            )
        numbers[name] = int(text or 0)
    count, index = numbers.values()
    if count == 1:
        return None
    if not 0 <= index < count:
        raise ConfigurationError(
            "JAX_PROCESS_ID", found=index, expected=f"below JAX_NUM_PROCESSES = {count}"
        )
    address = environment.get("JAX_COORDINATOR_ADDRESS", "")
    name, _, port = address.rpartition(":")
    if not name or not port.isdecimal():
        raise ConfigurationError(
            "JAX_COORDINATOR_ADDRESS", found=address or "nothing", expected="name:port of host 0"
        )
    return Place("JAX_PROCESS_ID", address, index, count)


def _summary(error: BaseException) -> str:
    if isinstance(error, ConfigurationError):
        return error.message
    if isinstance(error, HostsError):
        return str(error)
    return traceback.format_exception_only(error)[-1].strip()


def _status(error: BaseException) -> int:
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code
    return 2 if isinstance(error, ConfigurationError) else 1


def _store() -> distributed._jax.DistributedRuntimeClient:
    client = distributed.global_state.client
    assert client is not None
    return client
