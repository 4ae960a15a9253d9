"""Hosts that disagree do not start, and hosts of which one dies do not wait for it."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from granite_fc.training.host_line import LOST_HOST_STATUS
from tests.multihost.conftest import KILLED
from tests.multihost.launched import RUN, Launched, entries, launch, start_by_hand
from tests.training import small_run
from tests.training.small_run import examples

# The promise.
MINUTE = 60


def check_that_all_end(launched: Launched, logs: Path, killed: int, count: int) -> None:
    """Checks that all processes but the killed one ended by themselves, in time, and said why."""
    assert launched.status == 128 + 9
    assert f"process {killed} was ended by SIGKILL" in launched.errors
    assert "ending process" not in launched.errors
    died = datetime.datetime.fromisoformat(entries(logs / f"host-{killed}.jsonl")[-1]["time"])
    for host in set(range(count)) - {killed}:
        told, text = (logs / f"host-{host}.log").read_text().splitlines()[-1].split(" ", 1)
        assert datetime.datetime.fromisoformat(told) - died < datetime.timedelta(seconds=MINUTE)
        assert f"host {killed} of {count}" in text
        assert "is gone without a word" in text
        assert text in launched.said_by(host)
        assert f"process {host} lost another process (status {LOST_HOST_STATUS})" in launched.errors


def test_a_killed_process_ends_all_others_and_they_say_why(folder: Path, four: Launched) -> None:
    check_that_all_end(four, folder / "run-4" / "logs", KILLED, 4)


def test_a_killed_host_0_ends_the_others_and_they_say_why(folder: Path, two: Launched) -> None:
    launched = launch(folder, 2, model_dir="killed", variables={"AT_STEP": "0 2 SIGKILL"})
    check_that_all_end(launched, folder / "killed" / "logs", 0, 2)


def test_a_process_that_hangs_ends_the_others(folder: Path, two: Launched) -> None:
    launched = launch(
        folder,
        2,
        model_dir="hung",
        variables={"AT_STEP": "1 2 SIGSTOP"},
        words=("--grace=1",),
        join_hosts__heartbeat_timeout=10,
    )
    assert launched.seconds < MINUTE
    assert launched.status not in (0, 42)
    assert "stopped sending heartbeats" in launched.said_by(0)
    assert "ending process 1, since process 0 failed" in launched.errors


def test_an_error_on_one_host_is_told_by_all(folder: Path, two: Launched) -> None:
    launched = launch(folder, 2, model_dir="failed", variables={"AT_STEP": "1 2 error"})
    assert launched.status == 1
    assert "OSError: no space left" in launched.said_by(1)
    assert "host 1 of 2" in launched.said_by(0)
    assert "failed: OSError: no space left" in launched.said_by(0)


def test_caches_that_cannot_be_written_end_all_hosts(folder: Path, tmp_path: Path) -> None:
    launched = launch(folder, 2, model_dir="uncached", CACHE_DIR=tmp_path)
    assert launched.status == 2
    assert launched.errors.count("found a wrong configuration or input (status 2)") == 2
    assert "load_vocabulary.path: found 'none'" in launched.said_by(0)
    assert "host 0 of 2" in launched.said_by(1)
    assert "CachesNotWritten: exit status 2" in launched.said_by(1)
    assert "Traceback" not in launched.errors


def test_hosts_of_different_configurations_do_not_start(folder: Path, tmp_path: Path) -> None:
    words = [RUN, f"--gin.MODEL_DIR={tmp_path / 'model'}", f"--gin.CACHE_DIR={folder / 'cache'}"]
    for host in start_by_hand([words, [*words, "--gin.Z_LOSS=0.5"]], [tmp_path, tmp_path]):
        assert host.status == 2
        assert "Z_LOSS: 0.0001 on host 0, 0.5 on host 1" in host.errors
    assert not (tmp_path / "model").exists()


def test_hosts_that_do_not_share_the_run_s_folder_do_not_start(
    folder: Path, tmp_path: Path
) -> None:
    words = [RUN, "--gin.MODEL_DIR=own", f"--gin.CACHE_DIR={folder / 'cache'}"]
    for host in start_by_hand([words, words], [folder, tmp_path]):
        assert host.status == 2
        assert "MODEL_DIR: found 'own, where host 1 of 2 cannot see what host 0" in host.errors


def test_a_host_whose_others_do_not_come_says_who_is_missing(folder: Path) -> None:
    words = [RUN, f"--gin.MODEL_DIR={folder / 'alone'}", f"--gin.CACHE_DIR={folder / 'cache'}"]
    words.append("--gin.join_hosts.start_timeout=2")
    wrong = "--gin.TRAIN_STEPS=0"
    first, second = start_by_hand([words, [*words, wrong]], [folder, folder])
    assert first.status == 1
    assert first.errors.startswith("granite-fc: host 1 of 2 did not come to host 0")
    assert "Traceback" not in first.errors
    assert second.status == 2


def test_hosts_of_different_data_do_not_start(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_run, "examples", lambda *names: examples(*names)[1:])
    small_run.write_cache(tmp_path / "cache")
    words = [RUN, f"--gin.MODEL_DIR={tmp_path / 'model'}", "--gin.CACHE_DIR=cache"]
    for host in start_by_hand([words, words], [folder, tmp_path]):
        assert host.status == 2
        assert "cache of counting: train 300 examples" in host.errors
        assert re.search(r"on host 0, train 299 examples, .* on host 1", host.errors)
    assert not (tmp_path / "model" / "checkpoints").exists()
