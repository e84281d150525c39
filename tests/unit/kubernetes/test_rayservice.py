"""What a RayService says of its servers, as KubeRay 1.6 writes it."""

from typing import Any

import pytest

from lepton.backends.kubernetes import rayservice
from lepton.backends.kubernetes.kinds import DEPLOYMENT, POD, RAY_SERVICE, Kind, Object
from lepton.backends.kubernetes.names import DIGEST, RAY, WORKLOAD
from lepton.backends.kubernetes.render.rayserve import ray_service
from lepton.backends.kubernetes.settings import Settings
from lepton.backends.kubernetes.workloads import workload_state
from lepton.plan.types import EndpointState, Key, Traffic
from lepton.report import Failure
from lepton.spec.deploy import Deploy
from lepton.spec.reasons import Reason

NAME = "pets-served-0a1b2c3d-rayserve"
SERVING = {"activeServiceStatus": {"rayClusterName": f"{NAME}-x"}}
STARTING = {"pendingServiceStatus": {"rayClusterName": f"{NAME}-x"}}


def seen(status: Object | None = None, **metadata: Any) -> Object:
    meta = {"name": NAME, "annotations": {DIGEST: "sha256:1"}, **metadata}
    return {"kind": RAY_SERVICE.name, "metadata": meta, **({} if status is None else {"status": status})}


def pod(name: str = "server", *, cluster: str = f"{NAME}-x", ready: str = "True", **status: Any) -> Object:
    labels = {RAY: NAME, "ray.io/cluster": cluster} | ({WORKLOAD: NAME} if name != "head" else {})
    conditions = [{"type": "Ready", "status": ready}]
    return {"metadata": {"name": name, "labels": labels}, "status": {"conditions": conditions, **status}}


def state(service: Object, *pods: Object) -> EndpointState:
    held: dict[Kind, dict[str, Object]] = {
        RAY_SERVICE: {NAME: service},
        POD: {one["metadata"]["name"]: one for one in pods},
        DEPLOYMENT: {},
    }
    return workload_state(NAME, lambda kind: held.get(kind, {}))


READY = EndpointState(ready=True, digest="sha256:1")
STARTS = EndpointState(ready=False)
STATES = {
    "a server of the cluster that answers": (SERVING, [pod()], READY),
    "the head alone": (SERVING, [pod("head")], STARTS),
    "a server of a cluster that does not answer yet": (STARTING, [pod()], STARTS),
    "a server of an earlier RayService of the name": (SERVING, [pod(cluster=f"{NAME}-y")], STARTS),
    "a server that has no answer": (SERVING, [pod(ready="False")], STARTS),
    "nobody that looks": (
        None,
        [],
        EndpointState(False, waits_for=f"KubeRay to take the RayService {NAME}: see that its operator runs"),
    ),
}


@pytest.mark.parametrize(("status", "pods", "expected"), STATES.values(), ids=STATES.keys())
def test_it_serves_by_ready_servers_of_the_cluster_that_answers(
    status: Object | None, pods: list[Object], expected: EndpointState
) -> None:
    assert state(seen(status), *pods) == expected


def test_one_that_goes_serves_no_more() -> None:
    assert rayservice.ready_servers(seen(SERVING, deletionTimestamp="now"), [pod()]) == 0


def application(status: str, said: str, of_the_model: str = "") -> Object:
    deployments = {"Model": {"status": "UNHEALTHY", "message": of_the_model}}
    return {"status": status, "message": said, "serveDeploymentStatuses": deployments}


WHY = (
    f"Ray Serve can't serve the model of RayService {NAME} (%s): see /tmp/ray/session_latest/logs/serve in its pods "
    f"(`kubectl get pods --selector leptonml.dev/ray={NAME}`)"
)
TROUBLES = {
    "the application can't be imported": (
        {"pendingServiceStatus": {"applicationStatuses": {"model": application("DEPLOY_FAILED", "no\n module")}}},
        Failure(reason=Reason.LOAD_FAILED, message=WHY % "no module"),
    ),
    "the model can't be loaded": (
        {"activeServiceStatus": {"applicationStatuses": {"model": application("UNHEALTHY", "see", "corrupt")}}},
        Failure(reason=Reason.LOAD_FAILED, message=WHY % "corrupt"),
    ),
    "it is being loaded": (
        {"pendingServiceStatus": {"applicationStatuses": {"model": application("DEPLOYING", "wait", "wait")}}},
        None,
    ),
    "KubeRay refuses it": (
        {"conditions": [{"type": "Ready", "status": "False", "reason": "ValidationFailed", "message": "bad name"}]},
        Failure(reason=Reason.LOAD_FAILED, message=f"KubeRay refuses RayService {NAME}: bad name"),
    ),
    "a quota forbids its pods": (
        {
            "pendingServiceStatus": {
                "rayClusterStatus": {
                    "conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small"}]
                }
            }
        },
        Failure(reason=Reason.QUOTA_EXCEEDED, message="pods can't be made: exceeded quota: small"),
    ),
}


@pytest.mark.parametrize(("status", "expected"), TROUBLES.values(), ids=TROUBLES.keys())
def test_why_it_does_not_serve_is_told(status: Object, expected: Failure | None) -> None:
    assert state(seen(status)) == EndpointState(ready=False, failure=expected)


def looked_at(replicas: int) -> Object:
    """The servers as KubeRay compares them to see whether it needs another cluster."""
    traffic = Traffic("pets", 1, "s3://a", "sha256:1", 1, Deploy(engine="rayserve", replicas=replicas))
    settings = Settings(worker_image="w", server_image="s", artifacts="s3://a")
    spec = ray_service(Key("zoo", "pets"), "uid", NAME, traffic, settings)["spec"]
    (servers,) = spec["rayClusterConfig"]["workerGroupSpecs"]
    assert [servers.pop(count) for count in ("replicas", "minReplicas", "maxReplicas")] == [replicas] * 3
    return dict(servers)


def test_another_number_of_servers_shows_where_kuberay_looks() -> None:
    assert looked_at(2) == looked_at(2) != looked_at(3)


def test_a_head_that_can_not_start_is_told_by_its_pod() -> None:
    waiting = {"name": "head", "image": "worker:1", "state": {"waiting": {"reason": "ErrImagePull", "message": "gone"}}}
    failure = state(seen(STARTING), pod("head", ready="False", containerStatuses=[waiting])).failure
    assert failure is not None
    assert failure.reason is Reason.IMAGE_NOT_PULLED
