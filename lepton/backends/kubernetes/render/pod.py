"""The pods that work a job off: the worker's image, the order, the claim, a place for what else is written. Pure."""

from lepton.backends.kubernetes.jobs import ORDER
from lepton.backends.kubernetes.kinds import Object
from lepton.backends.kubernetes.names import JOB_LABEL
from lepton.backends.kubernetes.render import meta, storage
from lepton.backends.kubernetes.settings import Settings
from lepton.jobdir import JobOrder
from lepton.plan.types import Key

_ORDERS = "/etc/lepton"


def command(key: Key) -> list[str]:
    """What works the order off."""
    return ["python", "-m", "services.worker.cluster", f"{_ORDERS}/{ORDER}", key.namespace]


def worker(key: Key, order: JobOrder, settings: Settings, container: Object) -> Object:
    """The template of a pod with one container, of which the name and what is peculiar to it are given."""
    mounts = [
        {"name": "order", "mountPath": _ORDERS, "readOnly": True},
        {"name": "lepton", "mountPath": storage.CLAIM},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - an emptyDir of the pod's own
    ]
    volumes: list[Object] = [
        {"name": "order", "configMap": {"name": order.name}},
        {"name": "lepton", "persistentVolumeClaim": {"claimName": settings.claim}},
        {"name": "tmp", "emptyDir": {}},
    ]
    full = {
        "name": container["name"],
        "image": settings.worker_image,
        "securityContext": meta.CONTAINER,
        "volumeMounts": mounts,
        **storage.credentials(settings),
        **container,
    }
    return {
        "metadata": {"labels": meta.labelled(key, {JOB_LABEL: order.name})},
        "spec": {
            "serviceAccountName": order.name,
            **meta.of_pods(settings),
            "containers": [full],
            "volumes": volumes,
        },
    }
