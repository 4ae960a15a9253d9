"""A run as a Kubernetes JobSet: one Job a slice, one pod a host.

The fields: https://jobset.sigs.k8s.io/docs/reference/jobset.v1alpha2/. On TPU nodes GKE itself
tells the pods of a JobSet who they are (TPU_WORKER_ID, TPU_WORKER_HOSTNAMES, and MEGASCALE_* where
there are several slices), which `jax.distributed` reads:
https://cloud.google.com/kubernetes-engine/docs/how-to/tpu-multislice
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from granite_fc.errors import ConfigurationError
from launch.pods.pod import Gke, Pod
from launch.pods.slices import Slice

CONTAINER = "granite-fc"
JOB = "slice"
_CONFIGURATION_ERROR = 2
_PREEMPTED = 42
# Of hosts that lost another one without a word from it: granite_fc/training/host_line.py.
_LOST_HOST = 43


def secret_name(pod: Pod) -> str:
    """Returns the name of the Secret that holds the environment file."""
    return f"{pod.name}-environment"


def jobset(pod: Pod, settings: Gke, command: Sequence[str]) -> dict[str, Any]:
    """Returns the manifest.

    Args:
        pod: The slices.
        settings: The cluster.
        command: Arguments of `granite-fc`.

    Raises:
        ConfigurationError: GKE has no such slices.
    """
    chips = Slice.parse(pod.accelerator, pod.num_slices)
    if pod.num_slices > 1 and chips.hosts == 1:
        raise ConfigurationError(
            "accelerator",
            found=f"{pod.num_slices} slices of {pod.accelerator}, each one host",
            expected="slices of several hosts: GKE joins no others",
        )
    job = {
        # One Job is one slice; all its pods run at once, each knowing its number.
        "parallelism": chips.hosts,
        "completions": chips.hosts,
        "completionMode": "Indexed",
        # Hosts cannot be restarted one by one: the JobSet starts all of them anew.
        "backoffLimit": 0,
        "podFailurePolicy": {
            "rules": [
                _on_exit(_CONFIGURATION_ERROR, "FailJob"),
                _on_exit(_PREEMPTED, "FailJob"),
                # The node is taken away, whatever status the pod manages to end with.
                {
                    "action": "FailJob",
                    "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
                },
                # The survivors end first and say nothing of the cause. They are started anew and
                # wait, until the pod that died tells: a lost node, or a failure that counts.
                _on_exit(_LOST_HOST, "Ignore"),
            ]
        },
        "template": _pod_template(pod, settings, chips, command),
    }
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": {
            "name": pod.name,
            "namespace": settings.namespace,
            # A Job's pods share a node pool, which is a slice, and no two Jobs one.
            "annotations": {
                "alpha.jobset.sigs.k8s.io/exclusive-topology": "cloud.google.com/gke-nodepool"
            },
        },
        "spec": {
            # A headless service of the JobSet's name, through which the hosts find each other.
            "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
            "failurePolicy": {
                # For what no rule matches: exit status 1, a crash, memory.
                "maxRestarts": pod.max_failures,
                "rules": [
                    {
                        "name": "configuration",
                        "action": "FailJobSet",
                        "onJobFailureReasons": ["PodFailurePolicy"],
                        "onJobFailureMessagePatterns": [
                            f"failed with exit code {_CONFIGURATION_ERROR} matching"
                        ],
                    },
                    {
                        "name": "preemption",
                        "action": "RestartJobSetAndIgnoreMaxRestarts",
                        "onJobFailureReasons": ["PodFailurePolicy"],
                    },
                ],
            },
            "replicatedJobs": [
                {"name": JOB, "replicas": pod.num_slices, "template": {"spec": job}}
            ],
        },
    }


def _on_exit(status: int, action: str) -> dict[str, Any]:
    return {
        "action": action,
        "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [status]},
    }


def _pod_template(pod: Pod, settings: Gke, chips: Slice, command: Sequence[str]) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": settings.image,
        "command": ["granite-fc"],
        "args": [_unexpanded(argument) for argument in command],
        # Where granite-fc says in a line why it ended.
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": {
            "requests": {"google.com/tpu": str(chips.chips_per_host)},
            "limits": {"google.com/tpu": str(chips.chips_per_host)},
        },
    }
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": pod.grace_seconds,
        "nodeSelector": {
            "cloud.google.com/gke-tpu-accelerator": chips.gke_accelerator,
            "cloud.google.com/gke-tpu-topology": chips.shape,
        },
        "containers": [container],
    }
    template: dict[str, Any] = {"spec": spec}
    if pod.provisioning == "spot":
        spec["nodeSelector"]["cloud.google.com/gke-spot"] = "true"
        spec["tolerations"] = [
            {
                "key": "cloud.google.com/gke-spot",
                "operator": "Equal",
                "value": "true",
                "effect": "NoSchedule",
            }
        ]
    if pod.provisioning == "reserved":
        if not settings.reservation:
            raise ConfigurationError("gke.reservation", found="", expected="a reservation's name")
        spec["nodeSelector"]["cloud.google.com/reservation-name"] = settings.reservation
    if settings.service_account:
        spec["serviceAccountName"] = settings.service_account
    if pod.environment_file:
        container["envFrom"] = [{"secretRef": {"name": secret_name(pod)}}]
    if pod.bucket:
        _mount(pod, template, container)
    return template


def _mount(pod: Pod, template: dict[str, Any], container: dict[str, Any]) -> None:
    """Adds the bucket as a folder, through GKE's driver.

    https://cloud.google.com/kubernetes-engine/docs/how-to/cloud-storage-fuse-csi-driver-ephemeral
    """
    template["metadata"] = {"annotations": {"gke-gcsfuse/volumes": "true"}}
    # As on TPU VMs: every host sees at once what another has written.
    options = ("implicit-dirs", "metadata-cache:ttl-secs:0", "metadata-cache:negative-ttl-secs:0")
    template["spec"]["volumes"] = [
        {
            "name": "bucket",
            "csi": {
                "driver": "gcsfuse.csi.storage.gke.io",
                "volumeAttributes": {
                    "bucketName": pod.bucket,
                    "mountOptions": ",".join([*options, "rename-dir-limit=200000"]),
                },
            },
        }
    ]
    container["volumeMounts"] = [{"name": "bucket", "mountPath": pod.mount}]


def _unexpanded(argument: str) -> str:
    """Escapes an argument, in which Kubernetes would put variables in place of `$(NAME)`."""
    return argument.replace("$", "$$")
