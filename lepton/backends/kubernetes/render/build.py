"""A build as the RayJob that runs it. Pure.

The driver works on the head pod: it reads the data, compresses and packages, and trains there too unless the spec wants
more than one worker. Then each worker has a pod of its own, and the head neither trains nor reserves a GPU.
"""

from lepton.backends.kubernetes.kinds import Object
from lepton.backends.kubernetes.render.pod import command, worker
from lepton.backends.kubernetes.settings import Settings
from lepton.jobdir import JobOrder
from lepton.plan.types import Key
from lepton.spec.data import Data, claim_of
from lepton.spec.resource import Spec
from lepton.spec.train import Train
from lepton.urls import CLAIMS, CREDENTIALS

_ALONE = {"include-log-monitor": "no"}
"""There are no workers whose words it could fetch, and it costs the start seconds of CPU."""
_BESIDE_WORKERS = {"num-cpus": "0"}
"""So that Ray places no training worker on the head."""
_GRACE_S = 5
"""How long a stopped pod goes on: Ray's heed no signal, and what was learnt until the last epoch lies on the claim."""


def ray_job(key: Key, order: JobOrder, settings: Settings) -> Object:
    """The spec of the RayJob. It leaves `suspend` alone, which is Kueue's where a queue is named.

    Another attempt is a RayJob of its own. KubeRay itself replaces pods that were lost, and hands a new head the job
    again. Either goes on from the checkpoints that lie on the claim.
    """
    wanted = Spec.model_validate(order.arguments["spec"])
    train = wanted.train
    deadline = {} if train.deadline_minutes is None else {"activeDeadlineSeconds": 60 * train.deadline_minutes}
    workers = {"workerGroupSpecs": [_workers(key, order, settings, train)]} if train.workers > 1 else {}
    return {
        "entrypoint": " ".join(command(key)),
        "submissionMode": "HTTPMode",
        "shutdownAfterJobFinishes": True,
        **deadline,
        "rayClusterSpec": {
            "rayVersion": settings.ray_version,
            "headGroupSpec": _head(key, order, settings, wanted),
            **workers,
        },
    }


def _head(key: Key, order: JobOrder, settings: Settings, wanted: Spec) -> Object:
    alone = wanted.train.workers == 1
    pod = _pod(key, order, settings, wanted.train, gpus=wanted.train.resources.gpu if alone else 0)
    _let_read(pod["spec"], wanted.data)
    return {
        "rayStartParams": {
            "dashboard-host": "0.0.0.0",  # noqa: S104 - KubeRay submits to the pod's address
            "no-monitor": "true",  # nothing scales a build, and Ray's autoscaler costs the start seconds of CPU
            **(_ALONE if alone else _BESIDE_WORKERS),
        },
        "template": pod,
    }


def _workers(key: Key, order: JobOrder, settings: Settings, train: Train) -> Object:
    return {
        "groupName": "workers",
        "replicas": train.workers,
        "minReplicas": train.workers,
        "maxReplicas": train.workers,
        "rayStartParams": {},
        "template": _pod(key, order, settings, train, gpus=train.resources.gpu),
    }


def _pod(key: Key, order: JobOrder, settings: Settings, train: Train, gpus: int) -> Object:
    cpus = train.resources.cpu or 1
    resources = {"cpu": f"{cpus:g}", "memory": train.resources.memory or "4Gi"}
    if gpus:
        resources["nvidia.com/gpu"] = str(gpus)
    most = {**resources, "cpu": f"{max(cpus, 1):g}"}  # with less, Ray takes too long to start, and ends
    threads = {"name": "OMP_NUM_THREADS", "value": str(int(max(cpus, 1)))}  # by default one for each core of the node
    container = {"name": "ray", "env": [threads], "resources": {"requests": resources, "limits": most}}
    pod = worker(key, order, settings, container)
    pod["spec"]["terminationGracePeriodSeconds"] = _GRACE_S
    if train.node_selector:
        pod["spec"]["nodeSelector"] = train.node_selector
    if train.tolerations:
        told = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in train.tolerations]
        pod["spec"]["tolerations"] = told
    return pod


def _let_read(pod: Object, data: Data) -> None:
    """Give the pod what it needs to read the data: credentials, or the claim in which they lie."""
    (container,) = pod["containers"]
    if data.credentials_from is not None:
        secret = {"name": data.credentials_from.secret_ref.name}
        container.setdefault("envFrom", []).append({"prefix": CREDENTIALS, "secretRef": secret})
    claim = claim_of(data.uri)
    if claim is not None:
        volume = _volume_of(pod, claim)
        container["volumeMounts"].append({"name": volume, "mountPath": str(CLAIMS / claim), "readOnly": True})


def _volume_of(pod: Object, claim: str) -> str:
    """The name of the pod's volume for a claim. There must be one only: a kubelet waits for ever for the second."""
    for volume in pod["volumes"]:
        if volume.get("persistentVolumeClaim", {}).get("claimName") == claim:
            return str(volume["name"])
    pod["volumes"].append({"name": "data", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}})
    return "data"
