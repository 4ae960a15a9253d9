"""launch/gke.sh: the manifest against the published schemas, and kubectl's stand-in."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest

from launch.pods.jobset import jobset
from launch.pods.pod import Gke, Pod
from tests.launch.conftest import NASTY, SECRET, Launcher

SCHEMA = json.loads((Path(__file__).parent / "jobset_schema.json").read_text())
KUBECTL = ["kubectl", "--namespace=default"]
GET = [*KUBECTL, "get", "jobset", "granite-20b", "--ignore-not-found", "--output=json"]
PODS = [*KUBECTL, "get", "pods", "--selector=jobset.sigs.k8s.io/jobset-name=granite-20b"]
FAST = "--poll_seconds=0.05"
READY = {"replicatedJobsStatus": [{"name": "slice", "ready": 1}]}
COMPLETED = {**READY, "terminalState": "Completed"}
FAILED = {**READY, "terminalState": "Failed"}

PODS_TO_TRY = {
    "one": Pod("one", "v5p:4x4x4", gke=Gke("image")),
    "several": Pod(
        "several",
        "v5e:16x16",
        num_slices=2,
        provisioning="spot",
        bucket="b",
        environment_file="e",
        gke=Gke("image", service_account="trainer", namespace="team"),
    ),
    "single": Pod("single", "v6e:2x2", provisioning="reserved", gke=Gke("i", reservation="r")),
}


@pytest.fixture(params=PODS_TO_TRY)
def manifest(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A manifest of each kind."""
    pod = PODS_TO_TRY[request.param]
    assert pod.gke is not None
    return jobset(pod, pod.gke, ["train"])


def test_the_jobset_validates(manifest: dict[str, Any]) -> None:
    """The published schema, closed: what is not listed is an error, as kubectl has it."""
    schema = _closed(SCHEMA)
    schema["properties"]["metadata"] = {"type": "object"}
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(manifest)
    for place in (manifest["spec"], manifest["spec"]["replicatedJobs"][0]["template"]["spec"]):
        place["replica"] = 1
        assert not validator.is_valid(manifest)
        del place["replica"]


def test_its_job_validates_against_kubernetes_own_schema(manifest: dict[str, Any]) -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "job"},
        **manifest["spec"]["replicatedJobs"][0]["template"],
    }
    kubernetes_validate.validate(job, "1.34", strict=True)
    job["spec"]["template"]["spec"]["nodeSelectors"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, "1.34", strict=True)


def _closed(schema: Any) -> Any:
    """Returns an OpenAPI schema in which fields that are not listed are errors."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {}
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def test_slices_are_jobs_and_hosts_are_pods() -> None:
    pod = PODS_TO_TRY["several"]
    assert pod.gke is not None
    made = jobset(pod, pod.gke, ["train"])
    (replicated,) = made["spec"]["replicatedJobs"]
    job = replicated["template"]["spec"]
    spec = job["template"]["spec"]
    (container,) = spec["containers"]
    assert replicated["replicas"] == 2
    assert job["parallelism"] == job["completions"] == 64
    assert job["completionMode"] == "Indexed"
    assert spec["nodeSelector"] == {
        "cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice",
        "cloud.google.com/gke-tpu-topology": "16x16",
        "cloud.google.com/gke-spot": "true",
    }
    assert container["resources"]["limits"] == {"google.com/tpu": "4"}
    assert made["metadata"]["annotations"] == {
        "alpha.jobset.sigs.k8s.io/exclusive-topology": "cloud.google.com/gke-nodepool"
    }
    assert container["envFrom"] == [{"secretRef": {"name": "several-environment"}}]
    assert container["volumeMounts"] == [{"name": "bucket", "mountPath": "/mnt/granite_fc"}]


@pytest.mark.parametrize(
    ("pods", "action"),
    [
        ([(2, False)], "FailJobSet"),
        ([(42, False)], "RestartJobSetAndIgnoreMaxRestarts"),
        ([(137, True)], "RestartJobSetAndIgnoreMaxRestarts"),
        ([(1, False)], "RestartJobSet"),  # up to maxRestarts
        ([(22, False)], "RestartJobSet"),
        # Survivors end first; the pod that died decides.
        ([(43, False)], None),
        ([(43, False), (43, False), (137, True)], "RestartJobSetAndIgnoreMaxRestarts"),
        ([(43, False), (43, False), (137, False)], "RestartJobSet"),
        ([(43, True)], "RestartJobSetAndIgnoreMaxRestarts"),
    ],
)
def test_exit_statuses_decide_what_happens(
    manifest: dict[str, Any], pods: list[tuple[int, bool]], action: str | None
) -> None:
    """Plays the Job controller, to which pods fail one by one, then the JobSet's.

    Each pod has an exit status, and perhaps the condition DisruptionTarget.
    """
    job = manifest["spec"]["replicatedJobs"][0]["template"]["spec"]
    assert job["backoffLimit"] == 0
    failures = [_job_failure(job["podFailurePolicy"]["rules"], *pod) for pod in pods]
    failure = next(filter(None, failures), None)
    policy = manifest["spec"]["failurePolicy"]
    found = None
    if failure is not None:
        reason, message = failure
        found = "RestartJobSet"
        for rule in policy["rules"]:
            patterns = rule.get("onJobFailureMessagePatterns", [""])
            matches = any(re.search(pattern, message) for pattern in patterns)
            if reason in rule["onJobFailureReasons"] and matches:
                found = rule["action"]
                break
    assert found == action
    assert policy["maxRestarts"] == 3


def _job_failure(
    rules: list[dict[str, Any]], status: int, disrupted: bool
) -> tuple[str, str] | None:
    """Returns a Job's reason and message when a pod fails; None where another takes its place."""
    for index, rule in enumerate(rules):
        # As in kubernetes/pkg/controller/job/pod_failure_policy.go.
        pod = "default/one-slice-0-2-x42"
        if status in rule.get("onExitCodes", {}).get("values", []):
            message = f"Container granite-fc for pod {pod} failed with exit code {status} matching"
        elif disrupted and "onPodConditions" in rule:
            message = f"Pod {pod} has condition DisruptionTarget matching"
        else:
            continue
        if rule["action"] == "Ignore":
            return None
        return "PodFailurePolicy", f"{message} FailJob rule at index {index}"
    return "BackoffLimitExceeded", "Job has reached the specified backoff limit"


def test_arguments_reach_the_container_unchanged() -> None:
    pod = PODS_TO_TRY["one"]
    assert pod.gke is not None
    made = jobset(pod, pod.gke, NASTY)
    job = made["spec"]["replicatedJobs"][0]["template"]["spec"]
    arguments = job["template"]["spec"]["containers"][0]["args"]
    environment = {"A": "a", "B": "b", "id": "c"}
    assert [_expanded(argument, environment) for argument in arguments] == NASTY


def _expanded(argument: str, environment: dict[str, str]) -> str:
    """Expands as Kubernetes does: $(NAME) is a variable, $$ a dollar, any other $ itself."""

    def expand(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return environment.get(match[1], match[0])

    return re.sub(r"\$\$|\$\(([^)]*)\)", expand, argument)


def test_a_run_from_creation_to_its_end_takes_exactly_these_commands(launcher: Launcher) -> None:
    launcher.secrets()
    launcher.configure(environment_file="secrets.env", accelerator="v5p:4x4x4")
    _cluster(launcher, {}, READY, READY, COMPLETED)

    ended = launcher("gke.sh", "run", FAST, "--", *NASTY)

    assert ended.returncode == 0, ended.stderr
    calls = launcher.calls()
    secret = "granite-20b-environment"
    delete_secret = [*KUBECTL, "delete", "secret", secret, "--ignore-not-found"]
    create_secret = [*KUBECTL, "create", "secret", "generic", secret]
    logs = (
        "--selector=jobset.sigs.k8s.io/jobset-name=granite-20b,"
        "jobset.sigs.k8s.io/job-global-index=0,batch.kubernetes.io/job-completion-index=0"
    )
    follow = [*KUBECTL, "logs", "--follow", logs, "--container=granite-fc", "--tail=-1"]
    again = calls[9].pop()
    assert re.fullmatch(r"--since-time=20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", again)
    assert calls == [
        GET,
        delete_secret,
        [*create_secret, f"--from-env-file={launcher.root / 'secrets.env'}"],
        [*KUBECTL, "create", "--filename=-"],
        *(GET, GET, follow, GET),  # waits, follows, and asks how it ended
        *(GET, follow, GET),
        [*KUBECTL, "delete", "jobset", "granite-20b", "--ignore-not-found"],
        delete_secret,
    ]
    assert "token ***" in ended.stdout
    assert SECRET not in ended.stdout + ended.stderr + json.dumps(calls)


@pytest.mark.parametrize(("status", "expected"), [(2, 2), (1, 1)])
def test_a_jobset_that_failed_says_why(launcher: Launcher, status: int, expected: int) -> None:
    _cluster(launcher, FAILED, pods=[_pod("slice-0-0", status, "MODEL_DIR: found None")])
    ended = launcher("gke.sh", "run", FAST, "--", "train")
    assert ended.returncode == expected
    assert f"slice-0-0: Failed with status {status}: MODEL_DIR: found None" in ended.stdout


def test_a_jobset_that_is_refused_leaves_no_secret_behind(launcher: Launcher) -> None:
    launcher.secrets()
    launcher.configure(environment_file="secrets.env")
    _cluster(launcher, READY, refusal="forbidden: exceeded quota")
    ended = launcher("gke.sh", "run", "--", "train")
    assert ended.returncode == 1
    assert "exceeded quota" in ended.stdout
    verbs = [call[2:4] for call in launcher.calls()]
    assert verbs[-2:] == [["create", "--filename=-"], ["delete", "secret"]]


def test_a_stopped_jobset_goes_on_when_it_is_created_again(launcher: Launcher) -> None:
    launcher.secrets()
    launcher.configure(environment_file="secrets.env")
    _cluster(launcher, READY)
    assert "`create` makes it" in launcher("gke.sh", "wait").stderr
    assert launcher("gke.sh", "create", "--", "train").returncode == 0
    assert "exists" in launcher("gke.sh", "create", "--", "train").stdout
    before = len(launcher.calls())
    assert launcher("gke.sh", "create", "--", "train", "--gin.A=2").returncode == 2
    assert launcher.calls()[before:] == [GET]  # and the other run keeps its secrets
    assert launcher("gke.sh", "stop").returncode == 0
    stopped = launcher("gke.sh", "run", FAST, "--", "train", "--gin.A=2")
    assert stopped.returncode == 2
    assert "Suspended" in launcher("gke.sh", "status").stdout
    assert launcher("gke.sh", "create", "--", "train").returncode == 0
    patches = [call[-1] for call in launcher.calls() if call[2] == "patch"]
    assert patches == [
        '--patch={"spec": {"suspend": true}}',
        '--patch={"spec": {"suspend": false}}',
    ]
    assert launcher("gke.sh", "wait").returncode == 0
    assert launcher("gke.sh", "delete").returncode == 0
    assert "does not exist" in launcher("gke.sh", "status").stdout


@pytest.mark.parametrize(
    "verb", ["manifest", "create", "wait", "logs", "status", "stop", "delete", "run"]
)
def test_a_dry_run_prints_and_runs_nothing(launcher: Launcher, verb: str) -> None:
    launcher.secrets()
    launcher.configure(environment_file="secrets.env", gke__context="mine")
    ended = launcher("gke.sh", verb, "--dry_run", "--", "train", "--gin.A=b c")
    assert ended.returncode == 0, ended.stderr
    if verb == "manifest":
        assert json.loads(ended.stdout)["kind"] == "JobSet"
    else:
        assert ended.stdout.startswith("+ kubectl --context=mine --namespace=default ")
    assert not launcher.calls()
    assert SECRET not in ended.stdout
    if verb == "create":
        # What is printed can be pasted.
        _cluster(launcher)
        text = re.sub(r"^\+ ", "", ended.stdout, flags=re.MULTILINE)
        subprocess.run(["bash", "-ec", text], env=launcher.environment, check=True)
        made = json.loads((launcher.root / "cluster.json").read_text())["jobset"]
        (replicated,) = made["spec"]["replicatedJobs"]
        (container,) = replicated["template"]["spec"]["template"]["spec"]["containers"]
        assert container["args"] == ["train", "--gin.A=b c"]


def test_slices_of_one_host_cannot_be_joined(launcher: Launcher) -> None:
    launcher.configure(accelerator="v6e:2x2", num_slices=2)
    ended = launcher("gke.sh", "manifest", "--", "train")
    assert ended.returncode == 2
    assert "several hosts" in ended.stderr


def _cluster(
    launcher: Launcher,
    *statuses: dict[str, Any],
    pods: list[Any] | None = None,
    refusal: str = "",
) -> None:
    cluster: dict[str, Any] = {"jobset": None, "statuses": list(statuses or [{}])}
    cluster |= {"pods": pods or [], "refusal": refusal}
    (launcher.root / "cluster.json").write_text(json.dumps(cluster))


def _pod(name: str, status: int, message: str) -> dict[str, Any]:
    ended = {"exitCode": status, "message": message}
    containers = [{"name": "granite-fc", "state": {"terminated": ended}}]
    return {
        "metadata": {"name": name},
        "status": {"phase": "Failed", "containerStatuses": containers},
    }
