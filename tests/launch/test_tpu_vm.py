"""launch/tpu_vm.sh: the whole life of a slice, with gcloud's stand-in for the cloud."""

from __future__ import annotations

import re
import signal
import subprocess
import time

import pytest

from tests.launch.conftest import NASTY, REPOSITORY, SECRET, Launcher

FAST = "--poll_seconds=0.05"
WHERE = ["--project=my-project", "--zone=us-east5-a"]
CONNECTION = ["-o ConnectTimeout=15", "-o ServerAliveInterval=30", "-o ServerAliveCountMax=4"]
WORKER = "bash .granite_fc/granite-20b/worker.sh"


def queued_resource(verb: str, *more: str) -> list[str]:
    return ["gcloud", "compute", "tpus", "queued-resources", verb, "granite-20b", *more]


def ssh(command: str, worker: str = "all", node: str = "granite-20b") -> list[str]:
    call = ["gcloud", "compute", "tpus", "tpu-vm", "ssh", node, f"--worker={worker}"]
    call += [f"--ssh-flag={flag}" for flag in CONNECTION]
    return [*call, *WHERE, "--quiet", f"--command={command}"]


def scp(*files: str, to: str, node: str = "granite-20b") -> list[str]:
    call = ["gcloud", "compute", "tpus", "tpu-vm", "scp", *files, f"{node}:{to}"]
    flags = [f"--scp-flag={flag}" for flag in CONNECTION]
    return [*call, "--worker=all", *flags, *WHERE, "--quiet"]


DESCRIBE = queued_resource("describe", *WHERE, "--format=json")
DELETE = queued_resource("delete", "--force", *WHERE, "--quiet")
CREATE = queued_resource(
    "create",
    *("--node-id=granite-20b", "--accelerator-type=v5p-16", "--runtime-version=v2-alpha-tpuv5"),
    *WHERE,
    "--quiet",
)
MAKE_FOLDER = "mkdir -p .granite_fc/granite-20b && chmod 700 .granite_fc/granite-20b"


def asked(launcher: Launcher) -> list[str]:
    """Returns what was asked for, describing left out."""
    calls = [call for call in launcher.calls() if call[3] == "queued-resources"]
    return [call[4] for call in calls if call[4] != "describe"]


def test_a_run_from_the_request_to_its_end_takes_exactly_these_commands(
    launcher: Launcher,
) -> None:
    launcher.secrets()
    launcher.configure(
        environment_file="secrets.env", bucket="my-bucket", mount=str(launcher.root / "mnt")
    )
    launcher.cloud(["WAITING_FOR_RESOURCES", "PROVISIONING", "ACTIVE"])

    ended = launcher("tpu_vm.sh", "run", FAST, "--", "train", "--gin.A=b c")

    assert ended.returncode == 0, ended.stderr
    calls = launcher.calls()
    install = calls[8][-1].rpartition(" ")[0]
    assert install == f"--command={WORKER} install 'granite-fc[tpu]==0.1.0'"
    calls[8] = []
    assert calls == [
        DESCRIBE,
        CREATE,
        *[DESCRIBE] * 3,
        ssh(MAKE_FOLDER),
        scp(str(REPOSITORY / "launch/worker.sh"), to=".granite_fc/granite-20b/"),
        scp(str(launcher.root / "secrets.env"), to=".granite_fc/granite-20b/environment"),
        [],
        ssh(f"{WORKER} mount my-bucket {launcher.root / 'mnt'}"),
        ssh(f"{WORKER} start train '--gin.A=b c'"),
        ssh(f"{WORKER} follow all", worker="0"),
        ssh(f"{WORKER} status"),
        DESCRIBE,
        DELETE,
    ]
    assert "WAITING_FOR_RESOURCES after" in ended.stdout
    assert "training with train --gin.A=b c" in ended.stdout  # the log of the first host
    assert not launcher.homes()


def test_a_preempted_slice_is_replaced_and_the_same_command_resumes(launcher: Launcher) -> None:
    launcher.configure(provisioning="spot", max_failures=0)
    launcher.cloud(["ACTIVE", "SUSPENDED"], ["PROVISIONING", "ACTIVE"], plan="42\n0")

    ended = launcher("tpu_vm.sh", "run", FAST, "--", *NASTY)

    assert ended.returncode == 0, ended.stderr
    assert [call[4] for call in launcher.calls()][:3] == ["describe", "create", "describe"]
    assert asked(launcher) == ["create", "delete", "create", "delete"]
    creations = [call for call in launcher.calls() if call[4] == "create"]
    assert creations[0] == creations[1]
    assert "--spot" in creations[0]
    starts = [call[-1] for call in launcher.calls() if " start " in call[-1]]
    assert len(starts) == 2
    assert starts[0] == starts[1]
    assert "SUSPENDED: deleted and asked for again" in ended.stdout


def test_a_wrong_configuration_is_never_started_again(launcher: Launcher) -> None:
    launcher.cloud(["ACTIVE"], plan="2\n0")

    ended = launcher("tpu_vm.sh", "run", FAST, "--", "train")

    assert ended.returncode == 2
    assert sum(" start " in call[-1] for call in launcher.calls()) == 1
    assert launcher.calls()[-1] == DELETE


def test_a_slice_that_somebody_deletes_is_not_made_again(launcher: Launcher) -> None:
    launcher.cloud(["ACTIVE"], plan="wait")
    with subprocess.Popen(
        launcher.command("tpu_vm.sh", "run", FAST, "--", "train"),
        env=launcher.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        _until_it_trains(launcher)
        assert launcher("tpu_vm.sh", "delete").returncode == 0
        _, errors = running.communicate(timeout=30)
    assert running.returncode == 1
    assert "deleted by somebody" in errors
    assert [call[4] for call in launcher.calls()].count("create") == 1


def test_stop_saves_a_checkpoint_and_ends_the_run_that_watches(launcher: Launcher) -> None:
    launcher.cloud(["ACTIVE"], plan="wait\n0")
    with subprocess.Popen(
        launcher.command("tpu_vm.sh", "run", FAST, "--", "train"),
        env=launcher.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        _until_it_trains(launcher)
        stopped = launcher("tpu_vm.sh", "stop")
        output, _ = running.communicate(timeout=30)
    assert stopped.returncode == 0, stopped.stdout
    assert stopped.stdout.count("stopped with status 42") == 2
    assert "checkpoint saved" in output
    assert running.returncode == 42  # and not started again
    assert launcher.calls()[-1] == DELETE


def test_an_interrupted_launcher_leaves_the_run_alone_and_takes_it_up_again(
    launcher: Launcher,
) -> None:
    launcher.cloud(["ACTIVE"], plan="wait")
    command = launcher.command("tpu_vm.sh", "run", FAST, "--", "train")
    with subprocess.Popen(
        command, env=launcher.environment, stderr=subprocess.PIPE, text=True
    ) as running:
        _until_it_trains(launcher)
        running.send_signal(signal.SIGTERM)
        # The connection that shows the log would live on with a real gcloud for a while too.
        _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "go on" in errors

    with subprocess.Popen(
        command, env=launcher.environment, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        lines = []
        for line in running.stdout:
            lines.append(line)
            if "training with" in line:
                break
        assert any("already running" in line for line in lines)
        assert launcher("tpu_vm.sh", "stop").returncode == 0
        running.communicate(timeout=30)
    assert all(len(path.read_text().split()) == 1 for path in launcher.root.glob("attempts/*"))


def test_verbs_do_nothing_twice(launcher: Launcher) -> None:
    wheel = launcher.root / "granite_fc-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    launcher.configure(bucket="b", mount=str(launcher.root / "mnt"), tpu_vm__install=wheel.name)
    launcher.cloud(["ACTIVE"], plan="wait")
    for verb in ("create", "wait", "install"):
        first, second = (launcher("tpu_vm.sh", verb, FAST) for _ in range(2))
        assert (first.returncode, second.returncode) == (0, 0), first.stdout + first.stderr
    assert "exists and is ACTIVE" in launcher("tpu_vm.sh", "create").stdout
    assert [call[4] for call in launcher.calls()].count("create") == 1
    assert second.stdout.count("already installed") == 2
    assert second.stdout.count("is already mounted") == 2
    for home in launcher.homes():
        assert (home / "uv").read_bytes().split(b"\0")[:3] == [b"venv", b"--quiet", b"--python"]
        assert (home / "uv").read_bytes().count(b"./granite_fc-0.1.0-py3-none-any.whl[tpu]") == 1
        # It outlives the sessions, and where it is not mounted nobody can write.
        (mounting,) = [
            line for line in (home / "sudo").read_text().splitlines() if "gcsfuse" in line
        ]
        assert mounting.startswith("systemd-run ")
        assert "--property=Before=systemd-user-sessions.service" in mounting
        assert mounting.endswith(f" b {launcher.root / 'mnt'}")

    start = ("--", "train")
    assert "started as process" in launcher("tpu_vm.sh", "start", *start).stdout
    assert launcher("tpu_vm.sh", "start", *start).stdout.count("not started again") == 2
    other = launcher("tpu_vm.sh", "start", "--", "train", "--gin.A=2")
    assert other.returncode == 1
    assert "another command" in other.stdout
    wheel.write_bytes(b"another")
    assert "stop it before" in launcher("tpu_vm.sh", "install").stdout

    status = launcher("tpu_vm.sh", "status").stdout
    assert "slices: ACTIVE" in status
    assert status.count(": running\n") == 2
    assert launcher("tpu_vm.sh", "stop").stdout.count("stopped with status 42") == 2
    assert launcher("tpu_vm.sh", "stop").stdout.count("not running") == 2
    assert launcher("tpu_vm.sh", "status").stdout.count("ended with status 42, told to stop") == 2
    logs = launcher("tpu_vm.sh", "logs", "--worker=1", "--lines=+1").stdout
    assert "\ntraining with train\ncheckpoint saved\n" in logs
    assert ": started" not in logs  # the first line has been seen
    for home in launcher.homes():
        log = launcher.root / f"mnt/logs/granite-20b/granite-20b-w-{home.name}.log"
        assert "training with train" in log.read_text()  # it outlives the machine
    assert launcher("tpu_vm.sh", "delete").returncode == 0
    assert "does not exist" in launcher("tpu_vm.sh", "delete").stdout


def test_arguments_and_environment_reach_every_host_unchanged_and_secrets_no_output(
    launcher: Launcher,
) -> None:
    launcher.secrets()
    launcher.configure(num_slices=2, environment_file="secrets.env")

    ended = launcher("tpu_vm.sh", "run", FAST, "--keep", "--", *NASTY)

    assert ended.returncode == 0, ended.stderr
    assert len(launcher.homes()) == 4
    for home in launcher.homes():
        assert (home / "arguments").read_text().split("\0")[:-1] == NASTY
        environment = (home / "environment").read_text().split("\0")
        assert f"HF_TOKEN={SECRET}" in environment
        assert "WANDB_MODE=offline" in environment
        folder = home / ".granite_fc/granite-20b"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "environment").stat().st_mode & 0o777 == 0o600
    assert "token ***" in ended.stdout  # even where the run itself tells
    assert SECRET not in ended.stdout + ended.stderr
    assert all(SECRET not in word for call in launcher.calls() for word in call)
    assert launcher.calls()[1] == queued_resource(
        "create",
        *("--node-count=2", "--node-prefix=granite-20b", "--accelerator-type=v5p-16"),
        *("--runtime-version=v2-alpha-tpuv5", *WHERE, "--quiet"),
    )


@pytest.mark.parametrize(
    "verb", ["create", "wait", "install", "start", "logs", "status", "stop", "delete", "run"]
)
def test_a_dry_run_prints_and_runs_nothing(launcher: Launcher, verb: str) -> None:
    launcher.secrets()
    launcher.configure(environment_file="secrets.env", bucket="b", num_slices=2)
    ended = launcher("tpu_vm.sh", verb, "--dry_run", "--", "train", "--gin.A=b c")
    assert ended.returncode == 0, ended.stderr
    assert re.match(r"\+ gcloud compute tpus (queued-resources|tpu-vm) ", ended.stdout)
    assert not launcher.calls()
    assert SECRET not in ended.stdout


@pytest.mark.parametrize(
    ("accelerator", "provisioning", "flags"),
    [
        ("v4:2x2x4", "on-demand", ["--accelerator-type=v4-32"]),
        ("v4:4x4x12", "on-demand", ["--type=v4", "--topology=4x4x12"]),
        ("v5e:4x4", "reserved", ["--accelerator-type=v5litepod-16", "--reserved"]),
        ("v5p-128", "spot", ["--accelerator-type=v5p-128", "--spot"]),
        ("v6e-64", "on-demand", ["--accelerator-type=v6e-64"]),
    ],
)
def test_slices_are_asked_for_by_the_clouds_names(
    launcher: Launcher, accelerator: str, provisioning: str, flags: list[str]
) -> None:
    launcher.configure(accelerator=accelerator, provisioning=provisioning)
    assert launcher("tpu_vm.sh", "create").returncode == 0
    call = launcher.calls()[-1]
    assert call[:5] == queued_resource("create")[:5]
    runtimes = {"v4": "tpu-ubuntu2204-base", "v5e": "v2-alpha-tpuv5-lite"}
    runtimes |= {"v5p": "v2-alpha-tpuv5", "v6e": "v2-alpha-tpuv6e"}
    runtime = runtimes[re.split("[:-]", accelerator)[0]]
    wanted = {*flags, f"--runtime-version={runtime}", "--node-id=granite-20b", "--quiet", *WHERE}
    assert set(call[6:]) == wanted


def test_only_the_alpha_track_takes_unusual_shapes_of_newer_chips(launcher: Launcher) -> None:
    launcher.configure(accelerator="v5p:4x4x12")
    assert launcher("tpu_vm.sh", "create").returncode == 0
    call = launcher.calls()[-1]
    assert call[1] == "alpha"
    assert {"--type=v5p", "--topology=4x4x12"} <= set(call)


def _until_it_trains(launcher: Launcher) -> None:
    deadline = time.monotonic() + 20
    while len(list(launcher.root.glob("hosts/*/*/environment"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)
