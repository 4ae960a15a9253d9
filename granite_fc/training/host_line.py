"""One TCP connection between host 0 and every other host of a run, held while the run lasts.

Over it the hosts find each other before JAX is asked to, with errors that say who is missing; JAX's
own service ends the process where that fails. Later it tells at once which host has ended and why,
where collectives would hang and JAX only tells that something is wrong.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from granite_fc.errors import ConfigurationError

# The exit status of a host that ends because another one is gone without a word. That is nothing
# that the run did: launchers start it again.
LOST_HOST_STATUS = 43

_FAILED, _LEFT, _LOST = "failed", "left", "lost"
# What others need to print why they end before this host's end reaches them in other ways.
_LINGER_SECONDS = 2.0
_HELLO_SECONDS = 5.0
_RETRY_SECONDS = 0.5


class HostsError(RuntimeError):
    """The hosts of a run did not find each other, or one of them ended."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where this process stands among those of a run.

    Attributes:
        found_by: What said so: `JAX_PROCESS_ID`, `slurm`, `gcetpu`, ...
        address: `name:port` of host 0.
        index: From 0 on.
        count: Hosts in all.
    """

    found_by: str
    address: str
    index: int
    count: int


class HostLine:
    """This host's end of the connections; made by `meet`.

    Attributes:
        names: The hosts' names, by index.
        report: Called with the last line of a host that another one makes end.
    """

    def __init__(self, place: Place, names: list[str], lines: dict[int, _Line]) -> None:
        self.names = names
        self.report: Callable[[str], None] = lambda text: None
        self._place = place
        self._lines = lines
        self._is_left = False
        self._thread = threading.Thread(target=self._watch, name="host line", daemon=True)
        self._thread.start()

    @property
    def is_left(self) -> bool:
        """Whether this host has said that it ends as all others do."""
        return self._is_left

    def leave(self) -> None:
        """Says that this host ends in good order; from now on no other makes it end."""
        if not self._is_left:
            self._is_left = True
            self._tell({"what": _LEFT, "host": self._place.index})

    def fail(self, error: str, status: int) -> None:
        """Makes all other hosts end, because this one does.

        Args:
            error: What happened, in one line.
            status: The exit status that it ends with.
        """
        if not self._is_left:
            self._is_left = True
            self._tell(
                {"what": _FAILED, "host": self._place.index, "error": error, "status": status}
            )
            time.sleep(_LINGER_SECONDS)

    def _tell(self, message: dict[str, Any]) -> None:
        for line in self._lines.values():
            line.send(message)

    def _watch(self) -> None:
        with selectors.DefaultSelector() as selector:
            for index, line in self._lines.items():
                selector.register(line.socket, selectors.EVENT_READ, index)
            while selector.get_map():
                for key, _ in selector.select():
                    index = key.data
                    message = self._lines[index].receive() or {"what": _LOST, "host": index}
                    if message["what"] in (_LEFT, _LOST):
                        selector.unregister(key.fileobj)
                    if message["what"] != _LEFT and not self._is_left:
                        self._end(message)

    def _end(self, message: dict[str, Any]) -> None:
        """Ends this process because of what another host told, or because it is gone."""
        if self._place.index == 0:
            self._tell(message)
        host = message["host"]
        who = f"host {host} of {self._place.count} ({self.names[host]})"
        if message["what"] == _FAILED:
            text = f"{who} failed: {message['error']}"
        else:
            text = (
                f"{who} is gone without a word: it was killed, taken away or cut off; its own log "
                "and that of the machine may say more"
            )
        text = f"granite-fc: {text}. So this host, {self._place.index}, ends too."
        with contextlib.suppress(Exception):
            self.report(text)
        print(text, file=sys.stderr, flush=True)
        if self._place.index == 0:
            time.sleep(_LINGER_SECONDS)
        sys.stdout.flush()
        os._exit(message.get("status", LOST_HOST_STATUS))


def meet(place: Place, timeout: float) -> HostLine:
    """Waits until all hosts are there.

    Args:
        place: This host's.
        timeout: Seconds to wait.

    Raises:
        HostsError: Somebody did not come; names who.
        ConfigurationError: The hosts were told different things about each other.
    """
    deadline = time.monotonic() + timeout
    if place.index == 0:
        return _call(place, timeout, deadline)
    return _answer(place, timeout, deadline)


def listed(indices: list[int]) -> str:
    """Returns hosts as a message names them, the first of many."""
    shown = ", ".join(map(str, indices[:16])) + (", ..." if len(indices) > 16 else "")
    return f"host {shown}" if len(indices) == 1 else f"hosts {shown}"


def _call(place: Place, timeout: float, deadline: float) -> HostLine:
    """Host 0's part: waits for all others and tells them who there is."""
    lines: dict[int, _Line] = {}
    names = {0: socket.gethostname()}
    with _listen(place, deadline) as server:
        while len(names) < place.count:
            server.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                line = _Line(server.accept()[0])
            except TimeoutError:
                missing = sorted(set(range(place.count)) - names.keys())
                raise _refuse(
                    lines,
                    HostsError(
                        f"{listed(missing)} of {place.count} did not come to host 0 "
                        f"({names[0]}) at {place.address} within {timeout:.0f} s. Check that each "
                        "was started and reaches that address, and look at its own log."
                    ),
                ) from None
            hello = line.receive(_HELLO_SECONDS)
            if hello is None or hello.get("what") != "hello":
                line.close()  # A stranger, such as a port scanner.
                continue
            index = hello["index"]
            if hello["count"] != place.count or index in names:
                found = (
                    f"{hello['count']} on {hello['name']}, {place.count} on host 0"
                    if hello["count"] != place.count
                    else f"two processes that are host {index}: {names[index]}, {hello['name']}"
                )
                error = ConfigurationError(
                    f"number of hosts ({place.found_by})",
                    found=found,
                    expected="one process for each host, and the same number on all",
                )
                raise _refuse({**lines, -1: line}, error)
            lines[index], names[index] = line, hello["name"]
    everyone = [names[index] for index in range(place.count)]
    for line in lines.values():
        line.send({"what": "welcome", "names": everyone})
    return HostLine(place, everyone, lines)


def _answer(place: Place, timeout: float, deadline: float) -> HostLine:
    """The part of all other hosts: comes to host 0 and waits until all are there."""
    name, port = place.address.rsplit(":", 1)
    problem: object = "no answer"
    while (left := deadline - time.monotonic()) > 0:
        try:
            connected = socket.create_connection((name, int(port)), timeout=min(left, 10.0))
        except OSError as error:
            problem = error
            time.sleep(_RETRY_SECONDS)
            continue
        line = _Line(connected)
        own = {"index": place.index, "count": place.count, "name": socket.gethostname()}
        line.send({"what": "hello", **own})
        # Host 0 began to wait earlier and tells when its time is up.
        reply = line.receive(left + _HELLO_SECONDS)
        if reply is None or reply.get("what") not in ("welcome", "refused"):
            problem = "something else than host 0 of this run answers, or it has ended"
            line.close()
            time.sleep(_RETRY_SECONDS)
            continue
        if reply["what"] == "refused":
            if "key" in reply:
                raise ConfigurationError(
                    reply["key"], found=reply["found"], expected=reply["expected"]
                )
            raise HostsError(reply["error"])
        return HostLine(place, reply["names"], {0: line})
    raise HostsError(
        f"host {place.index} of {place.count} ({socket.gethostname()}) did not reach host 0 at "
        f"{place.address} within {timeout:.0f} s: {problem}. Check that host 0 was started, that "
        f"this machine can resolve {name}, and that port {port} is open between the hosts. "
        f"({place.found_by} gave the address.)"
    )


def _listen(place: Place, deadline: float) -> socket.socket:
    port = int(place.address.rsplit(":", 1)[1])
    while True:
        try:
            if socket.has_dualstack_ipv6():
                return socket.create_server(
                    ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024
                )
            return socket.create_server(("", port), backlog=1024)
        except OSError as error:
            # An earlier start of this run may take a moment to end.
            if time.monotonic() > deadline:
                raise HostsError(
                    f"host 0 ({socket.gethostname()}) cannot listen at {place.address}: {error}. "
                    "Is another run using the port? JAX_COORDINATOR_PORT or "
                    "JAX_COORDINATOR_ADDRESS sets another."
                ) from error
            time.sleep(_RETRY_SECONDS)


def _refuse(lines: dict[int, _Line], error: Exception) -> Exception:
    """Tells those who came why there will be no run; returns the error."""
    message: dict[str, Any] = {"what": "refused", "error": str(error)}
    if isinstance(error, ConfigurationError):
        message |= {"key": error.key, "found": error.found, "expected": error.expected}
    for line in lines.values():
        line.send(message)
    return error


class _Line:
    """Messages, one JSON object a line, over a socket."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._buffer = b""
        connected.settimeout(None)
        # A machine that vanishes sends no word: after this it counts as gone, within 25 seconds.
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    def send(self, message: dict[str, Any]) -> None:
        """Sends; where the other end is gone nothing happens: `receive` tells."""
        with contextlib.suppress(OSError):
            self.socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self, timeout: float | None = None) -> dict[str, Any] | None:
        """Returns the next message; None where there will be none, or it is no message."""
        self.socket.settimeout(timeout)
        try:
            while b"\n" not in self._buffer:
                part = self.socket.recv(65536)
                if not part:
                    return None
                self._buffer += part
            text, _, self._buffer = self._buffer.partition(b"\n")
            return json.loads(text)
        except (OSError, ValueError):
            return None
        finally:
            self.socket.settimeout(None)

    def close(self) -> None:
        self.socket.close()
