"""What each of several hosts says, and how it fares, in files of its own."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import resource
import socket
from collections.abc import Mapping
from pathlib import Path

import jax

from granite_fc.training.hosts import Hosts


class HostLog:
    """`logs/host-<i>.log` and `logs/host-<i>.jsonl` of a run; where there is one host, nothing.

    The first holds lines of text with their time. The second holds one JSON object a log entry,
    from which a slow host can be told: `step`, `time`, what `entry` is given, `host_peak_bytes`
    and, where devices tell, `device_peak_bytes`.

    Args:
        model_dir: The run's folder.
        hosts: The hosts.
    """

    def __init__(self, model_dir: Path, hosts: Hosts) -> None:
        self._enabled = hosts.count > 1
        self._text = model_dir / "logs" / f"host-{hosts.index}.log"
        self._entries = self._text.with_suffix(".jsonl")
        if self._enabled:
            self._text.parent.mkdir(parents=True, exist_ok=True)
            if hosts.line:
                hosts.line.report = self.say
            kind = jax.local_devices()[0].device_kind
            self.say(
                f"host {hosts.index} of {hosts.count} on {socket.gethostname()}, process "
                f"{os.getpid()}: {jax.local_device_count()} x {kind}"
            )

    def say(self, text: str) -> None:
        """Writes a line of text."""
        if self._enabled:
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
            with self._text.open("a", encoding="utf-8") as file:
                file.write(f"{now} {text}\n")

    def entry(self, step: int, scalars: Mapping[str, float]) -> None:
        """Writes the timings of this host.

        Args:
            step: Steps done.
            scalars: Name to value.
        """
        if not self._enabled:
            return
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        line = {"step": step, "time": now, **scalars}
        # In kilobytes on Linux.
        line["host_peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        with contextlib.suppress(KeyError, TypeError, jax.errors.JaxRuntimeError):
            line["device_peak_bytes"] = max(
                device.memory_stats()["peak_bytes_in_use"] for device in jax.local_devices()
            )
        with self._entries.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
