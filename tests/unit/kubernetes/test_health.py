"""Why pods do not run, told as their statuses tell it on a real cluster."""

from typing import Any

import pytest

from lepton.backends.kubernetes.health import being_prepared, is_ready, trouble
from lepton.backends.kubernetes.names import WORKLOAD
from lepton.report import Failure
from lepton.spec.reasons import Reason


def pod(**status: Any) -> dict[str, Any]:
    metadata = {"name": "pets-1", "namespace": "zoo", "labels": {WORKLOAD: "pets-1"}}
    return {"metadata": metadata, "status": {"phase": "Pending", **status}}


def container(state: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "triton", "image": "registry/server:1", "state": state, **fields}


READY = pod(phase="Running", conditions=[{"type": "Ready", "status": "True"}])
NO_NODE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
}
LAST_WORDS = Failure(reason=Reason.ARTIFACT_CORRUPT, message="model.onnx differs from its digest")


GATED = pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}])


@pytest.mark.parametrize(
    ("sick", "told"),
    [
        (pod(), None),
        (pod(containerStatuses=[container({"waiting": {"reason": "ContainerCreating"}})]), None),
        (READY, None),
        (
            pod(conditions=[NO_NODE]),
            Failure(
                reason=Reason.UNSCHEDULABLE,
                message="pod pets-1 waits: no node has nvidia.com/gpu free: ask for less (deploy.resources), "
                "add nodes, or wait until others end",
            ),
        ),
        (
            GATED,
            Failure(
                reason=Reason.UNSCHEDULABLE,
                message="pod pets-1 has a scheduling gate: whoever put it there must take it away",
            ),
        ),
        (
            {**GATED, "metadata": {**GATED["metadata"], "labels": {"kueue.x-k8s.io/queue-name": "default"}}},
            Failure(
                reason=Reason.QUEUED,
                message="waits for quota in queue default: "
                "`kubectl describe localqueue default --namespace zoo` tells what is short",
            ),
        ),
        (
            pod(containerStatuses=[container({"waiting": {"reason": "ImagePullBackOff", "message": "not found"}})]),
            Failure(
                reason=Reason.IMAGE_NOT_PULLED,
                message="pod pets-1 waits for its image registry/server:1 (not found): see that it can be pulled",
            ),
        ),
        (
            pod(
                containerStatuses=[
                    container({"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "s3" not found'}})
                ]
            ),
            Failure(
                reason=Reason.REFERENCE_NOT_FOUND,
                message='pod pets-1 can\'t start (secret "s3" not found): create it with `kubectl create secret '
                "generic s3 --namespace zoo --from-env-file=FILE`, one NAME=VALUE in each line of FILE",
            ),
        ),
        (
            pod(
                containerStatuses=[
                    container({"waiting": {"reason": "CreateContainerConfigError", "message": "no such key"}})
                ]
            ),
            Failure(
                reason=Reason.REFERENCE_NOT_FOUND,
                message="pod pets-1 can't start (no such key): create what is missing",
            ),
        ),
        (
            pod(
                conditions=[{**NO_NODE, "message": '0/1 nodes are available: persistentvolumeclaim "pets" not found.'}]
            ),
            Failure(
                reason=Reason.REFERENCE_NOT_FOUND,
                message="pod pets-1 waits for the PersistentVolumeClaim pets, which is not there: create it",
            ),
        ),
        (
            pod(
                initContainerStatuses=[
                    container({"terminated": {"exitCode": 1, "message": LAST_WORDS.model_dump_json()}}, name="fetch")
                ]
            ),
            LAST_WORDS,
        ),
        (
            pod(
                phase="Running",
                containerStatuses=[
                    container(
                        {"waiting": {"reason": "CrashLoopBackOff"}},
                        lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                    )
                ],
            ),
            Failure(
                reason=Reason.LOAD_FAILED,
                message="container triton of pod pets-1 ended with exit code 137 (OOMKilled): "
                "see `kubectl logs pets-1 -c triton`",
            ),
        ),
    ],
)
def test_the_cause_is_named(sick: dict[str, Any], told: Failure | None) -> None:
    assert trouble([sick]) == told


def test_pods_that_are_ready_or_leaving_have_no_trouble() -> None:
    leaving = {**pod(conditions=[NO_NODE]), "metadata": {"name": "old", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    assert trouble([READY, leaving]) is None
    assert (is_ready(READY), is_ready(leaving), is_ready(pod())) == (True, False, False)


def test_a_quota_that_forbids_pods_is_told_by_what_makes_them() -> None:
    message = 'pods "pets-1" is forbidden: exceeded quota: small, requested: cpu=1'
    maker = {"status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": message}]}}
    assert trouble([], maker) == Failure(reason=Reason.QUOTA_EXCEEDED, message=f"pods can't be made: {message}")


def test_a_pod_that_its_node_can_not_prepare_leads_to_the_events_that_tell_why() -> None:
    prepared = pod(conditions=[{"type": "PodReadyToStartContainers", "status": "True"}])
    stuck = pod(conditions=[{"type": "PodReadyToStartContainers", "status": "False"}])
    look = "`kubectl describe pod pets-1 --namespace zoo`"
    told = f"the volumes and the network of pod pets-1: {look} tells what its node lacks"
    assert [being_prepared(pods) for pods in ([], [pod(), READY, prepared], [READY, stuck])] == ["", "", told]
    assert being_prepared([{**stuck, "metadata": {**stuck["metadata"], "deletionTimestamp": "now"}}]) == ""
