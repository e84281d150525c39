"""The servers of one variant of one artifact as a Deployment: fetched and verified first, then Triton. Pure."""

from lepton.backends.kubernetes.kinds import DEPLOYMENT, Object
from lepton.backends.kubernetes.names import DIGEST, WORKLOAD
from lepton.backends.kubernetes.render import meta, storage
from lepton.backends.kubernetes.render.quantity import cores, memory
from lepton.backends.kubernetes.settings import GRPC_PORT, HTTP_PORT, STATE_PORT, Settings
from lepton.plan.types import Endpoint, Key, Traffic
from lepton.spec.deploy import DeployResources

METRICS_PORT = 8002
_PORTS = {"http": HTTP_PORT, "grpc": GRPC_PORT, "metrics": METRICS_PORT, "state": STATE_PORT}
"""In this order: the first is the port 80 of the Service that KServe makes."""
DRAIN_S = 5
"""How long a server still answers after it was taken out of its Services."""
_PERIOD_S = 2
_START_S, _AWAY_S, _SICK_S = 600, 6, 120
"""How long a server may take until its first answer; how long it may then be without one until it gets no more
requests, and until it is started anew."""
MODELS = "/models"
"""Where the fetched artifact is mounted."""
_FETCH = ["python", "-m", "services.server.fetch"]
_SERVE = ["python", "-m", "services.server.serve"]


STRATEGY = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def variant_of(desired: Endpoint | Traffic) -> str:
    """Which model of the artifact it serves."""
    return desired.variant if isinstance(desired, Endpoint) else "served"


def replicas(desired: Endpoint | Traffic) -> int:
    """How many servers. A proof needs one: what it measures of several would be of none."""
    return desired.deploy.replicas if isinstance(desired, Traffic) else 1


def deployment(key: Key, uid: str, name: str, desired: Endpoint | Traffic, settings: Settings) -> Object:
    """The Deployment that an endpoint and the traffic share when they are of the same files."""
    labels = {WORKLOAD: name}
    spec = {
        "replicas": replicas(desired),
        "selector": {"matchLabels": labels},
        "strategy": STRATEGY,
        "template": {
            "metadata": {"labels": meta.labelled(key, labels), "annotations": {DIGEST: desired.digest}},
            "spec": pod(name, desired, settings, triton(key, "triton", desired, settings)),
        },
    }
    return meta.new(DEPLOYMENT, key, uid, name, labels, {DIGEST: desired.digest}, spec=spec)


def triton(key: Key, name: str, desired: Endpoint | Traffic, settings: Settings) -> Object:
    """What is peculiar to the container, of this name, in which Triton serves."""
    served = [key.name, variant_of(desired), desired.digest, str(desired.instances), MODELS]
    return {"name": name, "image": settings.server_image, "command": [*_SERVE, *served]}


def pod(workload: str, desired: Endpoint | Traffic, settings: Settings, server: Object) -> Object:
    """What each server is, whoever makes its pod; `server` is what is peculiar to the container that serves."""
    common = {
        "image": server["image"],
        "securityContext": meta.CONTAINER,
        "resources": resources(desired.deploy.resources),
        "volumeMounts": [{"name": "models", "mountPath": MODELS}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - an emptyDir of the pod's own
    }
    fetch = {
        **common,
        "name": "fetch",
        "command": [*_FETCH, desired.artifact, desired.digest, MODELS],
        **storage.credentials(settings),
    }
    volumes = [{"name": "models", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]
    if desired.artifact.startswith("file://"):
        fetch["volumeMounts"] = [
            *common["volumeMounts"],
            {"name": "lepton", "mountPath": storage.CLAIM, "readOnly": True},
        ]
        claim = {"claimName": settings.claim, "readOnly": True}
        volumes.append({"name": "lepton", "persistentVolumeClaim": claim})
    serve = {
        **common,
        **server,
        "ports": [{"name": name, "containerPort": number, "protocol": "TCP"} for name, number in _PORTS.items()],
        "startupProbe": _probe(_START_S),
        "readinessProbe": _probe(_AWAY_S),
        "livenessProbe": _probe(_SICK_S),
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_S}}},
    }
    return {
        "automountServiceAccountToken": False,
        **meta.of_pods(settings),
        "initContainers": [fetch],
        "containers": [serve],
        "topologySpreadConstraints": [_spread(workload)],
        "volumes": volumes,
    }


def _spread(workload: str) -> Object:
    """Rather on several nodes than on one."""
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {WORKLOAD: workload}},
    }


def resources(wanted: DeployResources, promised: str = "512Mi", most: str = "2Gi") -> Object:
    """What is promised and what is the most: the same where the spec says it, else so much memory."""
    requests, limits = {"cpu": "250m", "memory": promised}, {"memory": most}
    if wanted.cpu is not None:
        requests["cpu"] = limits["cpu"] = cores(wanted.cpu)
    if wanted.memory is not None:
        requests["memory"] = limits["memory"] = memory(wanted.memory)
    return {"requests": requests, "limits": limits}


def _probe(patience_s: int) -> Object:
    """Asks whether the last real inference was answered; fails once it was not for so long."""
    ask = {"path": "/readyz", "port": "state"}
    return {
        "httpGet": ask,
        "periodSeconds": _PERIOD_S,
        "timeoutSeconds": _PERIOD_S,
        "failureThreshold": patience_s // _PERIOD_S,
    }
