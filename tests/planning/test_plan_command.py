"""`granite-fc plan` as users call it, on a model that compiles in seconds."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from granite_fc.cli.main import main
from granite_fc.planning import planner
from granite_fc.planning.environment import ENVIRONMENT
from granite_fc.planning.plan import Plan
from granite_fc.planning.plan_cache import plan_key
from granite_fc.planning.worker import PlanningError, Request, ask
from granite_fc.sharding.mesh import MeshConfig
from granite_fc.sharding.rules import LogicalAxisRules
from granite_fc.sharding.topology import Topology
from tests.end_to_end.command import arguments, granite_fc
from tests.planning.test_search import RECIPE, plan_of

needs_libtpu = pytest.mark.skipif(
    importlib.util.find_spec("libtpu") is None, reason="libtpu, the TPU compiler, is not installed"
)


def command(*words: str, **settings: Any) -> list[str]:
    """The plan of the quickstart, made smaller; without MODEL_DIR."""
    small = {"BATCH_SIZE": 16, "SEQUENCE_LENGTH": 128, "DecoderConfig__attention": "reference"}
    return arguments("plan", "--topology=v5e:2x2", *words, **(small | settings))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess]:
    """The folder of a user who has planned once and kept the compiled step."""
    home = tmp_path_factory.mktemp("home")
    return home, granite_fc(*command("--json", f"--save={home / 'kept'}"), cwd=home, home=home)


@needs_libtpu
def test_json_tells_memory_time_and_collectives(first):
    _, finished = first
    assert finished.returncode == 0, finished.stderr
    plan = json.loads(finished.stdout)
    assert plan["fits"] is True
    assert (plan["topology"], plan["chips"], plan["hosts"]) == ("v5e:2x2", 4, 1)
    assert plan["mesh"] == {"data": 1, "fsdp": 4, "sequence": 1, "tensor": 1}
    assert plan["hbm_gib"] == 15.75
    held = plan["parameters_gib"] + plan["optimizer_gib"] + plan["batch_gib"]
    assert 0 < held < plan["peak_gib"] < 1
    # Muon keeps one moment of each matrix and two of all else.
    assert plan["parameters_gib"] <= plan["optimizer_gib"] <= 2 * plan["parameters_gib"]
    assert plan["flops"] * 4 > 0.9 * plan["model_flops"]
    assert plan["unknown_loops"] == []
    assert plan["step_seconds"] >= plan["compute_seconds"] > 0
    tokens = 16 * 128
    assert plan["tokens_per_second"] == pytest.approx(tokens / plan["step_seconds"])
    assert plan["chip_hours"] == pytest.approx(plan["step_seconds"] * 6 * 4 / 3600)
    assert 0 < plan["mfu_bound"] < 1
    gathered = [total for total in plan["collectives"] if total["kind"] == "all-gather"]
    assert {total["axes"] for total in gathered} == {"fsdp"}
    # Layers are gathered forwards and backwards, in the type that is computed with.
    assert sum(total["num_bytes"] for total in gathered) >= 2 * 4 * 12 * 32**2
    assert "estimated_cycles" in plan["method"]


@needs_libtpu
def test_asking_again_compiles_nothing_and_prints_tables(first):
    home, finished = first
    again = granite_fc(*command("--json"), cwd=home, home=home)
    assert json.loads(again.stdout) == json.loads(finished.stdout)
    [kept] = (home / ".cache/granite_fc/plans").glob("*.json")
    assert json.loads(kept.read_text())["fits"] is True
    text = granite_fc(*command(), cwd=home, home=home).stdout
    for words in ("fits: ", "Memory of one chip", "MFU bound", "all-gather", "chip-hours"):
        assert words in text


@needs_libtpu
def test_the_compiled_step_is_kept_under_the_key_of_any_process(first):
    home, finished = first
    [kept] = (home / "kept").glob("jit_train_step-*-cache")
    before = kept.read_bytes()
    assert len(before) > 100_000
    again = granite_fc(*command("--json", f"--save={home / 'kept'}"), cwd=home, home=home)
    assert [path.name for path in (home / "kept").glob("*-cache")] == [kept.name]
    # Also the time that compiling took, and not reading what was kept.
    assert json.loads(again.stdout) == json.loads(finished.stdout)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Request, float | None]]:
    """Requests and their time limits, answered by a compiler that finds no room on a single chip.

    Elsewhere it finds some, but for what keeps everything of a whole batch.
    """
    requests: list[tuple[Request, float | None]] = []

    def ask(request: Request, timeout: float | None = None) -> Plan:
        requests.append((request, timeout))
        overrides = dict(request.overrides)
        policy = overrides.get("DecoderConfig.remat_policy", "none")
        mesh = MeshConfig(1, int(overrides.get("MeshConfig.fsdp", 4)), 1, 1)
        microbatches = int(overrides.get("MICROBATCHES", 1))
        fits = request.topology != "v5e:1x1" and (policy, microbatches) != ("none", 1)
        layout = planner.Candidate(mesh, microbatches, policy)
        return plan_of(layout, 10.0 if fits else 20.0, seconds=1.0)

    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(planner, "ask", ask)
    return requests


@needs_libtpu
def test_nothing_fits(tmp_path, capsys, asked):
    """The compiler refuses the layout as configured alone."""
    words = command("--json", f"--plan_cache={tmp_path}", DecoderConfig__remat_policy="none")
    assert main(words) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["fits"] is False
    assert told["peak_gib"] == 20.0
    nearest = told["nearest"]
    assert nearest["topology"] == "v5e:2x2"
    assert nearest["overrides"]["MeshConfig.fsdp"] == "4"
    assert nearest["plan"]["fits"] is True
    # What is suggested was compiled, with the very overrides that are printed.
    last = dict(asked[-1][0].overrides)
    assert last | nearest["overrides"] == last


@needs_libtpu
@pytest.mark.parametrize("search", [[], ["--search"]])
def test_what_no_layout_makes_fit_is_looked_at_on_more_chips(tmp_path, capsys, asked, search):
    words = command("--json", "--topology=v5e:1x1", f"--plan_cache={tmp_path}", *search)
    assert main(words) == 3
    nearest = json.loads(capsys.readouterr().out)["nearest"]
    assert nearest["topology"] == asked[-1][0].topology == "v5e:2x2"
    assert nearest["overrides"]["MeshConfig.fsdp"] == "4"


@needs_libtpu
def test_a_search_saves_the_best_layout_alone(tmp_path, capsys, asked):
    words = command("--json", "--search", f"--plan_cache={tmp_path}", f"--save={tmp_path}")
    assert main(words) == 0
    *tried, (saved, _) = asked
    assert len(tried) == len(json.loads(capsys.readouterr().out)["tried"]) > 1
    assert all(request.save is None and timeout == 240 for request, timeout in tried)
    assert saved.save == str(tmp_path)
    assert saved.overrides in [request.overrides for request, _ in tried]


@pytest.mark.parametrize("search", [[], pytest.param(["--search"], marks=needs_libtpu)])
def test_a_step_that_does_not_compile_is_no_crash(tmp_path, capsys, monkeypatch, asked, search):
    def ask(request: Request, timeout: float | None = None) -> Plan:
        raise PlanningError("INTERNAL: the compiler's own words")

    monkeypatch.setattr(planner, "ask", ask)
    assert main(command(f"--plan_cache={tmp_path}", *search)) == 1
    assert "the compiler's own words" in capsys.readouterr().err


def test_a_worker_that_takes_too_long_or_ends_is_given_up(monkeypatch):
    request = Request([], [], [], "v5e:2x2", 1, "plans")
    with pytest.raises(PlanningError, match="not compiled within 0 s"):
        ask(request, 0.01)
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(PlanningError, match="exit status 1"):
        ask(request)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["--topology=v5e:3x3"], "--topology"),
        (["--topology=v5e:2x2x1"], "--topology"),
        (["--num_slices=0"], "--num_slices"),
    ],
)
def test_configuration_errors(tmp_path, capsys, words, key, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert main(command(*words, f"--plan_cache={tmp_path}")) == 2
    assert capsys.readouterr().err.startswith(f"granite-fc: {key}")


@needs_libtpu
def test_what_the_worker_finds_wrong_is_told_as_it_is(tmp_path):
    words = command("--gin.BATCH_SIZE=6", f"--plan_cache={tmp_path}")
    finished = granite_fc(*words, cwd=tmp_path, home=tmp_path)
    assert finished.returncode == 2
    assert finished.stderr.startswith("granite-fc: BATCH_SIZE: found 6, expected a multiple of 4")


def test_plans_are_kept_by_all_that_they_depend_on():
    topology = Topology.parse("v5e:4x4")
    mesh, rules = MeshConfig(), LogicalAxisRules()
    key = plan_key(RECIPE, mesh, rules, topology)
    assert key == plan_key(RECIPE, MeshConfig(1, 16, 1, 1), rules, topology)
    model = dataclasses.replace(RECIPE.model, remat_policy="full")
    others = [
        plan_key(dataclasses.replace(RECIPE, batch_size=64), mesh, rules, topology),
        plan_key(dataclasses.replace(RECIPE, model=model), mesh, rules, topology),
        plan_key(RECIPE, MeshConfig(tensor=4), rules, topology),
        plan_key(RECIPE, mesh, LogicalAxisRules(extra_rules=(("vocab", None),)), topology),
        plan_key(RECIPE, mesh, rules, Topology.parse("v6e:4x4")),
        plan_key(RECIPE, mesh, rules, Topology.parse("v5e:4x4", 2)),
    ]
    assert len({key, *others}) == 1 + len(others)
