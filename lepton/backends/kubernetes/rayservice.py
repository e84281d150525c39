"""What a RayService says of its servers: which of its clusters answers, and why none does. Pure.

KubeRay makes a cluster of Ray, gives it the application, and leads to it once that runs. A change of what its pods are
makes another cluster, which takes the place of the first when it answers.
"""

from collections.abc import Iterable

from lepton.backends.kubernetes.health import is_leaving, is_ready
from lepton.backends.kubernetes.kinds import Object
from lepton.backends.kubernetes.names import RAY
from lepton.report import Failure
from lepton.spec.reasons import Reason

_CLUSTER = "ray.io/cluster"
"""Label of pods, from KubeRay: the cluster of Ray that they belong to."""
_FAILED = ("DEPLOY_FAILED", "UNHEALTHY")
_LOGS = "/tmp/ray/session_latest/logs/serve"  # noqa: S108 - in an emptyDir of the pod's own
"""Where Ray Serve writes them: no container prints them."""
_LONGEST = 500


def ready_servers(service: Object, servers: Iterable[Object]) -> int:
    """How many of these pods take requests, and are of the cluster that answers."""
    answering = _of(service, "activeServiceStatus").get("rayClusterName")
    if answering is None or is_leaving(service):
        return 0
    return sum(pod["metadata"]["labels"].get(_CLUSTER) == answering and is_ready(pod) for pod in servers)


def is_known(service: Object) -> bool:
    """Whether KubeRay has seen it."""
    return bool(service.get("status"))


def cluster(service: Object) -> Object:
    """The newest cluster's own words, which tell why pods can't be made."""
    return {"status": _newest(service).get("rayClusterStatus", {})}


def trouble(service: Object) -> Failure | None:
    """Why it does not serve, though its pods run."""
    name = service["metadata"]["name"]
    for one in service.get("status", {}).get("conditions", ()):
        if one["type"] == "Ready" and one["status"] == "False" and one.get("reason") == "ValidationFailed":
            message = f"KubeRay refuses RayService {name}: {one.get('message', '')}"
            return Failure(reason=Reason.LOAD_FAILED, message=message)
    for application in _newest(service).get("applicationStatuses", {}).values():
        if application.get("status") in _FAILED:
            why = " ".join(_why(application).split())[-_LONGEST:]
            where = f"see {_LOGS} in its pods (`kubectl get pods --selector {RAY}={name}`)"
            message = f"Ray Serve can't serve the model of RayService {name} ({why}): {where}"
            return Failure(reason=Reason.LOAD_FAILED, message=message)
    return None


def _why(application: Object) -> str:
    """What Ray Serve says: of the deployment, where it says anything of that."""
    said = [one.get("message") for one in application.get("serveDeploymentStatuses", {}).values()]
    return str(next(filter(None, said), application.get("message", "")))


def _newest(service: Object) -> Object:
    return _of(service, "pendingServiceStatus") or _of(service, "activeServiceStatus")


def _of(service: Object, which: str) -> Object:
    status: Object = service.get("status", {}).get(which, {})
    return status
