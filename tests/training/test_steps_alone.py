"""What is kept out of the steps, and what looks into them."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import jax
import pytest

from granite_fc.checkpoints.checkpoints import CheckpointPolicy
from granite_fc.errors import ConfigurationError
from granite_fc.training.compilation_cache import use_compilation_cache
from granite_fc.training.garbage import GarbageKeptOut
from granite_fc.training.hosts import Hosts
from granite_fc.training.profile import Profile, StepProfiler
from tests.training.small_run import run, write_cache


class Knot:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.itself = self


def test_garbage_is_collected_when_asked_for_and_not_before() -> None:
    with GarbageKeptOut() as garbage:
        knot = weakref.ref(Knot())
        for _ in range(100_000):
            _ = [[]]
        assert knot() is not None
        garbage.collect()
        assert knot() is None
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_a_profile_is_written_of_the_steps_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_cache(tmp_path / "cache")
    run(
        tmp_path,
        train_steps=5,
        checkpoints=CheckpointPolicy(period=0),
        eval_examples=0,
        profile=Profile((3, 4)),
    )
    [profile] = (tmp_path / "model" / "profile").rglob("*.xplane.pb")
    names = [
        event.name
        for plane in jax.profiler.ProfileData.from_file(str(profile)).planes
        for line in plane.lines
        for event in line.events
        if event.name == "train"
    ]
    assert len(names) == 2
    assert "wrote a profile to" in capsys.readouterr().out
    assert "goodput" in (tmp_path / "model" / "metrics.jsonl").read_text()


def test_one_host_is_profiled_unless_all_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(jax.profiler, "start_trace", started.append)
    monkeypatch.setattr(jax.profiler, "stop_trace", lambda: None)
    for all_hosts in (False, True):
        for index in range(2):
            with StepProfiler(Profile((1, 1), all_hosts), tmp_path, Hosts(index, 2)) as profiler:
                profiler.before(1, lambda: None)
    # Hosts of one machine would write files of the same name.
    assert started == [str(tmp_path / name) for name in ("", "host-0", "host-1")]


@pytest.mark.parametrize("steps", [(0, 3), (5, 4), (1, 2, 3), (True, 2), (1.5, 2)])
def test_steps_to_profile_are_checked(steps: tuple[int, ...]) -> None:
    with pytest.raises(ConfigurationError, match="PROFILE_STEPS"):
        Profile(steps).check()  # type: ignore[arg-type]


def test_programs_are_kept_where_it_is_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "jax_compilation_cache_dir"
    before = jax.config.values[name]
    try:
        assert use_compilation_cache("auto", tmp_path) is None  # A CPU.
        assert use_compilation_cache(None, tmp_path) is None
        assert jax.config.values[name] == before
        monkeypatch.setattr(jax, "default_backend", lambda: "tpu")
        assert use_compilation_cache("auto", tmp_path) == tmp_path / "compilation_cache"
        assert (tmp_path / "compilation_cache").stat().st_mode & 0o777 == 0o700
        # A folder that is named in the environment goes before, one that is configured does not.
        assert use_compilation_cache("auto", tmp_path / "other") == tmp_path / "compilation_cache"
        assert use_compilation_cache(str(tmp_path / "own"), tmp_path) == tmp_path / "own"
        (tmp_path / "own").chmod(0o777)
        with pytest.raises(ConfigurationError, match=r"COMPILATION_CACHE_DIR.*other users"):
            use_compilation_cache(str(tmp_path / "own"), tmp_path)
    finally:
        jax.config.update(name, before)
