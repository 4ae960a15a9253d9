"""How a process finds its place among the hosts of a run, and what is said where it cannot."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import threading
import time

import pytest
from jax._src.clusters import cloud_tpu_cluster

from granite_fc.cli import train
from granite_fc.errors import ConfigurationError
from granite_fc.training.host_line import HostLine, HostsError, Place, meet
from granite_fc.training.hosts import Disagreement, Hosts, find_place, join_hosts
from granite_fc.training.preemption import Preempted
from tests.multihost.launched import free_port

VARIABLES = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")
GCE = {
    "agent-worker-number": "3",
    "worker-network-endpoints": ",".join(f"a:b:127.0.0.{number}" for number in range(1, 5)),
}


def place(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Place | None:
    clusters = ("JAX", "SLURM", "OMPI", "TPU", "MEGASCALE", "KUBERNETES", "JOB")
    for name in list(os.environ):
        if name.partition("_")[0] in clusters:
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return find_place(os.environ, timeout=5)


def test_on_a_laptop_there_is_one_host_and_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("asked the network"))
    assert place({}, monkeypatch) is None
    # A notebook's pod, an interactive SLURM step, and a single task are one host too.
    assert place({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, monkeypatch) is None
    assert place({"SLURM_JOB_ID": "7"}, monkeypatch) is None
    assert place({"JAX_NUM_PROCESSES": "1"}, monkeypatch) is None
    hosts = join_hosts()
    assert (hosts.index, hosts.count, hosts.is_leader, hosts.line) == (0, 1, True, None)
    assert Hosts().gather("names", "x") == ["x"]


def test_places_by_hand_and_on_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand = dict(zip(VARIABLES, ("h0:1234", "4", "2"), strict=True))
    assert place(by_hand, monkeypatch) == Place("JAX_PROCESS_ID", "h0:1234", 2, 4)
    slurm = {
        "SLURM_JOB_ID": "4096",
        "SLURM_STEP_NODELIST": "node[007-015],host2",
        "SLURM_NTASKS": "16",
        "SLURM_PROCID": "9",
        "SLURM_LOCALID": "1",
    }
    assert place(slurm, monkeypatch) == Place("slurm", "node007:61440", 9, 16)
    assert place(slurm | {"SLURM_NTASKS": "1"}, monkeypatch) is None
    monkeypatch.setattr(cloud_tpu_cluster, "running_in_cloud_tpu_vm", True)
    gke = {
        "TPU_WORKER_HOSTNAMES": "127.0.0.1,127.0.0.2",
        "TPU_WORKER_ID": "1",
        "MEGASCALE_COORDINATOR_ADDRESS": "127.0.0.1",
        "MEGASCALE_NUM_SLICES": "3",
        "MEGASCALE_SLICE_ID": "2",
        "TPU_SKIP_MDS_QUERY": "1",
    }
    assert place(gke, monkeypatch) == Place("gketpu", "127.0.0.1:8482", 5, 6)
    assert place(gke | {"JAX_COORDINATOR_PORT": "99"}, monkeypatch) == Place(
        "gketpu", "127.0.0.1:99", 5, 6
    )
    monkeypatch.setattr(cloud_tpu_cluster, "get_metadata", lambda key: (GCE.get(key, ""), 200))
    assert place({}, monkeypatch) == Place("gcetpu", "127.0.0.1:8482", 3, 4)
    assert place({"JAX_NUM_PROCESSES": "1"}, monkeypatch) is None


@pytest.mark.filterwarnings("ignore:Kubernetes environment detected")  # JAX's own way to say it.
@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"JAX_PROCESS_ID": "0"}, "JAX_NUM_PROCESSES: found 'nothing'.*Set all of JAX_COORD"),
        ({"JAX_NUM_PROCESSES": "2"}, "JAX_PROCESS_ID: found 'nothing'"),
        ({"JAX_NUM_PROCESSES": "two"}, "JAX_NUM_PROCESSES: found 'two'"),
        ({"JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": "2"}, "found 2, expected below .* = 2"),
        ({"JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": "1"}, "JAX_COORDINATOR_ADDRESS"),
        (
            {"JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": "1", "JAX_COORDINATOR_ADDRESS": "h0"},
            "found 'h0', expected name:port",
        ),
        (
            {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "0"},
            "Kubernetes job.*pip install kubernetes",
        ),
    ],
)
def test_a_contradictory_environment_is_refused(
    environment: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        place(environment, monkeypatch)


def meet_all(places: list[Place], timeout: float) -> list[HostLine | Exception]:
    """What comes of all these hosts, each in a thread."""
    results: list[HostLine | Exception] = [RuntimeError("never ended")] * len(places)

    def run(number: int) -> None:
        try:
            results[number] = meet(places[number], timeout)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(places))]
    for thread in reversed(threads):  # Host 0 last: the others wait for it.
        thread.start()
        time.sleep(0.1)
    for thread in threads:
        thread.join()
    return results


def places(*indices: int, count: int) -> list[Place]:
    address = f"127.0.0.1:{free_port()}"
    return [Place("JAX_PROCESS_ID", address, index, count) for index in indices]


def test_hosts_find_each_other_in_any_order() -> None:
    lines = meet_all(places(0, 1, 2, 3, count=4), timeout=20)
    for line in lines:
        assert isinstance(line, HostLine)
        assert line.names == [socket.gethostname()] * 4
        line.leave()


def test_who_did_not_come_is_named_within_the_time() -> None:
    begun = time.monotonic()
    for error in meet_all(places(0, 2, count=5), timeout=1.5):
        assert isinstance(error, HostsError)
        assert "hosts 1, 3, 4 of 5 did not come" in str(error)
    assert time.monotonic() - begun < 10


def test_a_host_0_that_cannot_be_reached_is_named_with_what_to_check() -> None:
    [alone] = places(1, count=2)
    with pytest.raises(HostsError, match=r"host 1 of 2 .* did not reach host 0 at 127\.0\.0\.1:"):
        meet(alone, timeout=1)
    unknown = Place("slurm", "no-such-host.invalid:1", 1, 2)
    with pytest.raises(HostsError, match=r"can resolve no-such-host.invalid.*slurm gave"):
        meet(unknown, timeout=1)


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("", 0)) as taken:
        occupied = Place("JAX_PROCESS_ID", f"127.0.0.1:{taken.getsockname()[1]}", 0, 2)
        with pytest.raises(HostsError, match=r"cannot listen at .*Is another run"):
            meet(occupied, timeout=1)


def test_hosts_that_count_differently_are_told_so() -> None:
    first, _ = places(0, 1, count=3)
    other = Place("JAX_PROCESS_ID", first.address, 1, 2)
    for error in meet_all([first, other], timeout=20):
        assert isinstance(error, ConfigurationError)
        assert "2 on" in str(error.found)
        assert "3 on host 0" in str(error.found)
    twice = places(0, 1, count=3)
    errors = meet_all([*twice, twice[1]], timeout=20)
    assert all("two processes that are host 1" in str(error) for error in errors)


def test_strangers_are_passed_over() -> None:
    first, second = places(0, 1, count=2)
    port = int(first.address.rpartition(":")[2])

    def knock() -> None:
        for _ in range(50):
            try:
                with socket.create_connection(("127.0.0.1", port)) as stranger:
                    stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
                return
            except OSError:
                time.sleep(0.1)

    knocking = threading.Thread(target=knock)
    knocking.start()
    results: list[HostLine | Exception] = []
    waiting = threading.Thread(target=lambda: results.extend(meet_all([first], timeout=20)))
    waiting.start()
    knocking.join()
    line = meet(second, timeout=20)
    waiting.join()
    assert isinstance(results[0], HostLine)
    for each in (line, results[0]):
        each.leave()


class Told(HostLine):
    """Keeps what the others would be told."""

    def __init__(self) -> None:
        self.names = ["a", "b"]
        self._is_left = False
        self.told: list[object] = []

    def leave(self) -> None:
        self.told.append("left")

    def fail(self, error: str, status: int) -> None:
        self.told.append((error, status))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, "left"),
        (Preempted(3), "left"),
        (Disagreement("seed", found=1, expected="the same"), "left"),
        (ConfigurationError("seed", found=1, expected="2"), ("seed: found 1, expected 2.", 2)),
        (
            train.CachesNotWritten(143),
            ("granite_fc.cli.train.CachesNotWritten: exit status 143; its own log says why", 143),
        ),
        (SystemExit(2), ("SystemExit: 2", 2)),
        (HostsError("host 1 did not come"), ("host 1 did not come", 1)),
        (KeyboardInterrupt(), ("KeyboardInterrupt", 1)),
    ],
)
def test_only_what_all_hosts_raise_alike_is_no_failure(
    error: BaseException | None, told: object
) -> None:
    line = Told()
    Hosts(1, 2, line).__exit__(type(error) if error else None, error, None)
    assert line.told == [told]


def test_the_handler_of_signals_that_jax_installed_outlives_the_writing_of_caches() -> None:
    # JAX's is no function of Python's; any other that may be called with a number will do.
    foreign = ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p).value
    before = train._get_handler(signal.SIGTERM)
    train._set_handler(signal.SIGTERM, foreign)
    try:
        assert train._run_to_its_end(["true"]) == 0
        assert train._get_handler(signal.SIGTERM) == foreign
    finally:
        train._set_handler(signal.SIGTERM, before)
