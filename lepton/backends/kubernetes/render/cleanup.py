"""The Job that removes what a deleted model has in the artifact store and on the claim. Pure.

It runs before the LeptonModel goes, which then takes it along.
"""

from lepton.backends.kubernetes.kinds import JOB, Object
from lepton.backends.kubernetes.names import JOB_LABEL, cleanup_name
from lepton.backends.kubernetes.render import meta, storage
from lepton.backends.kubernetes.settings import Settings
from lepton.plan.types import Key

_REMOVE = ["python", "-m", "services.worker.remove"]
_TRIES = 1000
"""A store out of reach is tried again for days, ever less often."""
_RESOURCES = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}}


def cleanup(key: Key, uid: str, settings: Settings) -> Object:
    """Removes the folders of this model, and of no other."""
    name = cleanup_name(key, uid)
    labels = {JOB_LABEL: name}
    template = {"metadata": {"labels": meta.labelled(key, labels)}, "spec": _pod(key, settings)}
    return meta.new(JOB, key, uid, name, labels, spec={"backoffLimit": _TRIES, "template": template})


def _pod(key: Key, settings: Settings) -> Object:
    container = {
        "name": "remove",
        "image": settings.worker_image,
        "command": [*_REMOVE, storage.artifacts(key, settings), storage.work(key)],
        "securityContext": meta.CONTAINER,
        "resources": _RESOURCES,
        "volumeMounts": [{"name": "lepton", "mountPath": storage.CLAIM}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - an emptyDir of the pod's own
        **storage.credentials(settings),
    }
    return {
        "automountServiceAccountToken": False,
        "restartPolicy": "OnFailure",
        **meta.of_pods(settings),
        "containers": [container],
        "volumes": [
            {"name": "lepton", "persistentVolumeClaim": {"claimName": settings.claim}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
