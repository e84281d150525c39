"""The servers of one variant of one artifact as a Deployment: fetched and verified first, then Triton. Pure."""

from lepton.backends.kubernetes.kinds import DEPLOYMENT, Object
from lepton.backends.kubernetes.names import DIGEST, WORKLOAD, workload_name
from lepton.backends.kubernetes.observe import GRPC_PORT, HTTP_PORT, STATE_PORT
from lepton.backends.kubernetes.render import meta
from lepton.backends.kubernetes.settings import Settings
from lepton.plan.types import Endpoint, Key, Traffic

METRICS_PORT = 8002
DRAIN_S = 5
"""How long a server still answers after it was taken out of its Services."""
_MODELS = "/models"
_FETCH = ["python", "-m", "services.server.fetch"]
_SERVE = ["python", "-m", "services.server.serve"]
_RESOURCES = {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}}


def variant_of(desired: Endpoint | Traffic) -> str:
    """Which model of the artifact it serves."""
    return desired.variant if isinstance(desired, Endpoint) else "served"


def deployment(key: Key, uid: str, desired: Endpoint | Traffic, settings: Settings) -> Object:
    """The Deployment that an endpoint and the traffic share when they are of the same files."""
    name = workload_name(key, variant_of(desired), desired.digest)
    labels = {WORKLOAD: name}
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {
            "metadata": {"labels": meta.labelled(key, labels), "annotations": {DIGEST: desired.digest}},
            "spec": _pod(key, desired, settings, labels),
        },
    }
    return meta.new(DEPLOYMENT, key, uid, name, labels, {DIGEST: desired.digest}, spec=spec)


def _pod(key: Key, desired: Endpoint | Traffic, settings: Settings, labels: dict[str, str]) -> Object:
    environment = [{"secretRef": {"name": settings.secret}}] if settings.secret else []
    common = {
        "image": settings.server_image,
        "securityContext": meta.CONTAINER,
        "resources": _RESOURCES,
        "volumeMounts": [{"name": "models", "mountPath": _MODELS}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - an emptyDir of the pod's own
    }
    fetch = {
        **common,
        "name": "fetch",
        "command": [*_FETCH, desired.artifact, desired.digest, _MODELS],
        **({"envFrom": environment} if environment else {}),
    }
    volumes = [{"name": "models", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]
    if desired.artifact.startswith("file://"):
        fetch["volumeMounts"] = [*common["volumeMounts"], {"name": "lepton", "mountPath": "/lepton", "readOnly": True}]
        claim = {"claimName": settings.claim, "readOnly": True}
        volumes.append({"name": "lepton", "persistentVolumeClaim": claim})
    ready = {"httpGet": {"path": "/readyz", "port": "state"}, "periodSeconds": 2}
    served = [key.name, variant_of(desired), desired.digest, str(desired.instances), _MODELS]
    serve = {
        **common,
        "name": "triton",
        "command": [*_SERVE, *served],
        "ports": [
            {"name": "http", "containerPort": HTTP_PORT},
            {"name": "grpc", "containerPort": GRPC_PORT},
            {"name": "metrics", "containerPort": METRICS_PORT},
            {"name": "state", "containerPort": STATE_PORT},
        ],
        "readinessProbe": ready,
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_S}}},
    }
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels},
    }
    return {
        "automountServiceAccountToken": False,
        "securityContext": meta.POD,
        "initContainers": [fetch],
        "containers": [serve],
        "topologySpreadConstraints": [spread],
        "volumes": volumes,
    }
