"""launch/tpu_vm.sh where the cloud refuses, takes away or gives no answer, or the run fails."""

from __future__ import annotations

import pytest

from tests.launch.conftest import Launcher
from tests.launch.test_tpu_vm import FAST, asked


def test_where_one_of_two_slices_vanishes_without_a_word_both_are_asked_for_again(
    launcher: Launcher,
) -> None:
    launcher.configure(provisioning="spot", max_failures=0, num_slices=2)
    launcher.cloud(["ACTIVE"], ["ACTIVE"], hosts=1, plan="43\n0")
    (launcher.root / "plan.granite-20b-1-w-0.txt").write_text("vanish\n0\n")

    ended = launcher("tpu_vm.sh", "run", FAST, "--", "train")

    assert ended.returncode == 0, ended.stderr
    assert "the slices were taken away" in ended.stdout
    assert asked(launcher) == ["create", "delete", "create", "delete"]


UNAVAILABLE = ["UNAVAILABLE: 503"]


@pytest.mark.parametrize(
    ("lives", "faults", "status", "said", "verbs"),
    [
        pytest.param(
            *([["PROVISIONING", "SUSPENDED"], ["ACTIVE"]], {}, 0, "SUSPENDED"),
            ["create", "delete", "create", "delete"],
            id="suspended before it is active",
        ),
        pytest.param(
            *([["PROVISIONING", "FAILED"]], {}, 1, "FAILED. no quota for so many chips"),
            ["create", "delete"],
            id="failed",
        ),
        pytest.param(
            [["WAITING_FOR_RESOURCES", "PROVISIONING", "ACTIVE"]],
            {"queued-resources describe": ["", "", *UNAVAILABLE, "", *UNAVAILABLE]},
            *(0, "the cloud cannot be asked just now", ["create", "delete"]),
            id="no answer while it waits",
        ),
        pytest.param(
            [["ACTIVE"]],
            {"queued-resources describe": ["you do not currently have an active account"]},
            *(1, "an active account", []),
            id="not logged in",
        ),
        pytest.param(
            [["ACTIVE"]],
            {"queued-resources create": ["PERMISSION_DENIED: tpu.nodes.create"]},
            *(1, "PERMISSION_DENIED", ["create"]),
            id="refused",
        ),
        pytest.param(
            [["ACTIVE", "SUSPENDED"], ["ACTIVE"]],
            {"queued-resources create": ["", *UNAVAILABLE]},
            *(0, "could not be asked for", ["create", "delete", "create", "create", "delete"]),
            id="no answer after a preemption",
        ),
        pytest.param(
            [["ACTIVE"]],
            {"queued-resources delete": UNAVAILABLE * 2},
            *(0, "may still cost", ["create", "delete", "delete", "delete"]),
            id="deleted at the third try",
        ),
        pytest.param(
            [["ACTIVE"]],
            {"queued-resources delete": UNAVAILABLE * 9},
            *(1, "may still cost", ["create", *["delete"] * 5]),
            id="cannot be deleted",
        ),
    ],
)
def test_what_the_cloud_refuses(
    launcher: Launcher,
    lives: list[list[str]],
    faults: dict[str, list[str]],
    status: int,
    said: str,
    verbs: list[str],
) -> None:
    launcher.cloud(*lives, hosts=1, plan="42\n0" if "SUSPENDED" in lives[0] else "0", faults=faults)

    ended = launcher("tpu_vm.sh", "run", FAST, "--", "train")

    assert ended.returncode == status
    assert said in ended.stdout + ended.stderr
    assert asked(launcher) == verbs


@pytest.mark.parametrize("verb", ["create", "install", "run"])
def test_a_wheel_that_is_missing_is_noticed_before_anything_costs(
    launcher: Launcher, verb: str
) -> None:
    launcher.configure(tpu_vm__install="dist/granite_fc-0.1.0-py3-none-any.whl")
    ended = launcher("tpu_vm.sh", verb, "--", "train")
    assert ended.returncode == 2
    assert "python -m build --wheel" in ended.stderr
    assert not launcher.calls()


def test_what_fails_after_the_slices_are_there_says_that_they_cost(launcher: Launcher) -> None:
    launcher.cloud(["ACTIVE"], faults={"tpu-vm ssh": ["bad"] * 4, "tpu-vm describe": ["bad"] * 40})
    launcher.configure(max_failures=0)
    ended = launcher("tpu_vm.sh", "run", FAST, "--", "train")
    assert ended.returncode == 1
    assert "granite-20b is kept, and costs; `delete` ends that" in ended.stdout
    assert asked(launcher) == ["create"]


# That a host was lost counts, too, where the slice is still there.
@pytest.mark.parametrize(("plan", "status"), [("1\n43\n0", 0), ("1\n43\n1\n0", 1)])
def test_a_failing_run_is_started_again_so_many_times(
    launcher: Launcher, plan: str, status: int
) -> None:
    launcher.configure(max_failures=2)
    launcher.cloud(["ACTIVE"], plan=plan, hosts=1)

    ended = launcher("tpu_vm.sh", "run", FAST, "--", "train")

    assert ended.returncode == status
    assert sum(" start " in call[-1] for call in launcher.calls()) == 3
    assert [call[4] for call in launcher.calls()].count("create") == 1  # on the same slice
