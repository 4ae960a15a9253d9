"""Hosts that disagree do not start, and hosts of which one dies do not wait for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.multihost.launched import RUN, Launched, launch, start_by_hand
from tests.training import small_run
from tests.training.small_run import examples

# The promise is a minute from the death on; a start and three steps are within it too.
MINUTE = 60


@pytest.mark.parametrize("host", [0, 1])
def test_a_killed_process_ends_the_others_and_they_say_why(
    folder: Path, two: Launched, host: int
) -> None:
    launched = launch(
        folder, 2, model_dir=f"killed-{host}", variables={"AT_STEP": f"{host} 2 SIGKILL"}
    )
    assert launched.seconds < MINUTE
    assert launched.status == 128 + 9
    assert f"host {host} of 2" in launched.said_by(1 - host)
    assert "is gone without a word" in launched.said_by(1 - host)
    assert f"process {host} was ended by SIGKILL" in launched.errors
    assert "ending process" not in launched.errors


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
