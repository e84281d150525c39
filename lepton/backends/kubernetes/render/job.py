"""A job as objects: the ConfigMap in which it is ordered and reports, its rights, and one run for each attempt. Pure.

A build runs as a RayJob, whose driver works on the head pod and trains there too unless the spec wants more than one
worker; a gate needs no Ray and runs as a batch Job.
"""

from lepton.backends.kubernetes.jobs import ORDER
from lepton.backends.kubernetes.kinds import CONFIG_MAP, JOB, RAY_JOB, ROLE, ROLE_BINDING, SERVICE_ACCOUNT, Kind, Object
from lepton.backends.kubernetes.names import JOB_LABEL, run_name
from lepton.backends.kubernetes.render import meta
from lepton.backends.kubernetes.settings import Settings
from lepton.jobdir import JobOrder
from lepton.plan.types import Key
from lepton.spec.resource import Spec
from lepton.spec.train import TrainResources

ROOT = "/lepton"
"""Where the claim is mounted."""
_ORDERS = "/etc/lepton"
_ENTRYPOINT = ["python", "-m", "services.worker.cluster", f"{_ORDERS}/{ORDER}"]
_GATE_RESOURCES = {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}}


def account(key: Key, uid: str, order: JobOrder) -> list[tuple[Kind, Object]]:
    """A service account that may patch one object and do nothing else, and that object: the job's ConfigMap.

    The ConfigMap comes last: where it is, the others are.
    """
    labels = {JOB_LABEL: order.name}
    rule = {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [order.name], "verbs": ["patch"]}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": order.name}
    subject = {"kind": "ServiceAccount", "name": order.name, "namespace": key.namespace}
    return [
        (SERVICE_ACCOUNT, meta.new(SERVICE_ACCOUNT, key, uid, order.name, labels)),
        (ROLE, meta.new(ROLE, key, uid, order.name, labels, rules=[rule])),
        (ROLE_BINDING, meta.new(ROLE_BINDING, key, uid, order.name, labels, roleRef=role, subjects=[subject])),
        (CONFIG_MAP, meta.new(CONFIG_MAP, key, uid, order.name, labels, data={ORDER: order.model_dump_json()})),
    ]


def run(key: Key, uid: str, order: JobOrder, settings: Settings) -> tuple[Kind, Object]:
    """One attempt at the job."""
    name, labels = run_name(order), {JOB_LABEL: order.name}
    if order.kind == "gate":
        spec: Object = {"backoffLimit": 0, "template": _gate_pod(key, order, settings)}
        return JOB, meta.new(JOB, key, uid, name, labels, spec=spec)
    train = Spec.model_validate(order.arguments["spec"]).train
    spec = {
        "entrypoint": " ".join((*_ENTRYPOINT, key.namespace)),
        "submissionMode": "HTTPMode",
        "shutdownAfterJobFinishes": True,
        "rayClusterSpec": {
            "rayVersion": settings.ray_version,
            "headGroupSpec": {
                "rayStartParams": {"dashboard-host": "0.0.0.0"},  # noqa: S104 - KubeRay submits to the pod's address
                "template": _ray_pod(key, order, settings, train.resources),
            },
            **({"workerGroupSpecs": [_workers(key, order, settings)]} if train.workers > 1 else {}),
        },
    }
    return RAY_JOB, meta.new(RAY_JOB, key, uid, name, labels, spec=spec)


def _workers(key: Key, order: JobOrder, settings: Settings) -> Object:
    train = Spec.model_validate(order.arguments["spec"]).train
    return {
        "groupName": "workers",
        "replicas": train.workers,
        "minReplicas": train.workers,
        "maxReplicas": train.workers,
        "rayStartParams": {},
        "template": _ray_pod(key, order, settings, train.resources),
    }


def _ray_pod(key: Key, order: JobOrder, settings: Settings, wanted: TrainResources) -> Object:
    resources = {"cpu": f"{wanted.cpu or 1:g}", "memory": wanted.memory or "4Gi"}
    if wanted.gpu:
        resources["nvidia.com/gpu"] = str(wanted.gpu)
    return _pod(key, order, settings, {"name": "ray", "resources": {"requests": resources, "limits": dict(resources)}})


def _gate_pod(key: Key, order: JobOrder, settings: Settings) -> Object:
    pod = _pod(
        key, order, settings, {"name": "gate", "command": [*_ENTRYPOINT, key.namespace], "resources": _GATE_RESOURCES}
    )
    pod["spec"]["restartPolicy"] = "Never"
    return pod


def _pod(key: Key, order: JobOrder, settings: Settings, container: Object) -> Object:
    """A pod of the worker's image, with the order, the claim, and a folder for everything else that is written."""
    mounts = [
        {"name": "order", "mountPath": _ORDERS, "readOnly": True},
        {"name": "lepton", "mountPath": ROOT},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - an emptyDir of the pod's own
    ]
    volumes = [
        {"name": "order", "configMap": {"name": order.name}},
        {"name": "lepton", "persistentVolumeClaim": {"claimName": settings.claim}},
        {"name": "tmp", "emptyDir": {}},
    ]
    environment = [{"secretRef": {"name": settings.secret}}] if settings.secret else []
    full = {
        "name": container["name"],
        "image": settings.worker_image,
        "securityContext": meta.CONTAINER,
        "volumeMounts": mounts,
        **({"envFrom": environment} if environment else {}),
        **container,
    }
    return {
        "metadata": {"labels": meta.labelled(key, {JOB_LABEL: order.name})},
        "spec": {
            "serviceAccountName": order.name,
            "securityContext": meta.POD,
            "containers": [full],
            "volumes": volumes,
        },
    }
