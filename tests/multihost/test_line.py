"""What hosts that have met tell each other, with processes that do nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from granite_fc.training.host_line import LOST_HOST_STATUS
from tests.end_to_end.command import REPOSITORY
from tests.multihost.launched import free_port

COUNT = 3
HOST = """
import os, signal, sys, time
from granite_fc.training.host_line import Place, meet
address, index, count, first, ends = sys.argv[1:]
line = meet(Place("a test", address, int(index), int(count)), 60)
if index == first:
    exec(ends)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("first", "ends", "status", "told"),
    [
        # To host 0 all others are connected; of any other one it tells the rest.
        (0, "os.kill(os.getpid(), signal.SIGKILL)", LOST_HOST_STATUS, "is gone without a word"),
        (2, "line.fail('no space left', 7); os._exit(7)", 7, "failed: no space left"),
    ],
)
def test_all_others_hear_which_host_ended_first(
    first: int, ends: str, status: int, told: str
) -> None:
    address = f"127.0.0.1:{free_port()}"
    hosts = [
        subprocess.Popen(
            [sys.executable, "-c", HOST, address, str(index), str(COUNT), str(first), ends],
            cwd=REPOSITORY,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(COUNT)
    ]
    for index, host in enumerate(hosts):
        _, errors = host.communicate(timeout=60)
        if index != first:
            assert host.returncode == status
            assert f"host {first} of {COUNT}" in errors
            assert told in errors
