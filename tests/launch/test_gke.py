"""launch/gke.sh: the manifest against the published schemas, and kubectl's stand-in."""

from __future__ import annotations

import json
import os
import re
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
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.validate(manifest)
    manifest["spec"]["replicatedJobs"][0]["replica"] = 1
    assert not validator.is_valid(manifest)


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


@pytest.mark.skipif(
    "GRANITE_FC_JOBSET_CRD" not in os.environ,
    reason="set GRANITE_FC_JOBSET_CRD to a file with the output of "
    "kubectl get crd jobsets.jobset.x-k8s.io --output=json",
)
def test_the_jobset_validates_against_a_clusters_own_definition(manifest: dict[str, Any]) -> None:
    definition = json.loads(Path(os.environ["GRANITE_FC_JOBSET_CRD"]).read_text())
    schema = _closed(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(manifest)
    manifest["spec"]["replicatedJobs"][0]["template"]["spec"]["completion"] = 1
    assert not validator.is_valid(manifest)


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
    ("status", "disrupted", "action"),
    [
        (2, False, "FailJobSet"),
        (42, False, "RestartJobSetAndIgnoreMaxRestarts"),
        (137, True, "RestartJobSetAndIgnoreMaxRestarts"),
        (1, False, None),  # RestartJobSet, up to maxRestarts
        (22, False, None),
    ],
)
def test_exit_statuses_decide_what_happens(
    manifest: dict[str, Any], status: int, disrupted: bool, action: str | None
) -> None:
    """Plays the Job controller's matching of exit codes, then the JobSet's of its message."""
    job = manifest["spec"]["replicatedJobs"][0]["template"]["spec"]
    assert job["backoffLimit"] == 0
    reason, message = "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    for index, rule in enumerate(job["podFailurePolicy"]["rules"]):
        if status in rule.get("onExitCodes", {}).get("values", []):
            reason = "PodFailurePolicy"
            # As in kubernetes/pkg/controller/job/pod_failure_policy.go.
            message = (
                f"Container granite-fc for pod default/one-slice-0-2-x42 failed with exit code "
                f"{status} matching FailJob rule at index {index}"
            )
            break
        if disrupted and "onPodConditions" in rule:
            reason = "PodFailurePolicy"
            message = (
                f"Pod default/one-slice-0-2-x42 has condition DisruptionTarget matching FailJob "
                f"rule at index {index}"
            )
            break
    policy = manifest["spec"]["failurePolicy"]
    found = None
    for rule in policy["rules"]:
        patterns = rule.get("onJobFailureMessagePatterns", [""])
        if reason in rule["onJobFailureReasons"] and any(re.search(p, message) for p in patterns):
            found = rule["action"]
            break
    assert found == action
    assert policy["maxRestarts"] == 3


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
    created = calls[3]
    assert created[:3] == [*KUBECTL, "create"]
    assert not Path(created[3].removeprefix("--filename=")).exists()  # it was temporary
    secret = "granite-20b-environment"
    delete_secret = [*KUBECTL, "delete", "secret", secret, "--ignore-not-found"]
    create_secret = [*KUBECTL, "create", "secret", "generic", secret]
    logs = (
        "--selector=jobset.sigs.k8s.io/jobset-name=granite-20b,"
        "jobset.sigs.k8s.io/job-global-index=0,batch.kubernetes.io/job-completion-index=0"
    )
    follow = [*KUBECTL, "logs", "--follow", logs, "--container=granite-fc", "--tail=-1"]
    assert calls == [
        delete_secret,
        [*create_secret, f"--from-env-file={launcher.root / 'secrets.env'}"],
        GET,
        created,
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


def test_a_stopped_jobset_goes_on_when_it_is_created_again(launcher: Launcher) -> None:
    _cluster(launcher, READY)
    assert launcher("gke.sh", "create", "--", "train").returncode == 0
    assert "exists" in launcher("gke.sh", "create", "--", "train").stdout
    assert launcher("gke.sh", "create", "--", "train", "--gin.A=2").returncode == 2
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


def test_slices_of_one_host_cannot_be_joined(launcher: Launcher) -> None:
    launcher.configure(accelerator="v6e:2x2", num_slices=2)
    ended = launcher("gke.sh", "manifest", "--", "train")
    assert ended.returncode == 2
    assert "several hosts" in ended.stderr


def _cluster(launcher: Launcher, *statuses: dict[str, Any], pods: list[Any] | None = None) -> None:
    cluster = {"jobset": None, "statuses": list(statuses), "pods": pods or []}
    (launcher.root / "cluster.json").write_text(json.dumps(cluster))


def _pod(name: str, status: int, message: str) -> dict[str, Any]:
    ended = {"exitCode": status, "message": message}
    containers = [{"name": "granite-fc", "state": {"terminated": ended}}]
    return {
        "metadata": {"name": name},
        "status": {"phase": "Failed", "containerStatuses": containers},
    }
