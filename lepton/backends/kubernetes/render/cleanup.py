"""The Jobs that remove what a deleted model, or a forgotten build, has in the artifact store and on the claim. Pure.

The first runs before the LeptonModel goes, which then takes it along; the second goes by itself when it is done.
"""

from collections.abc import Sequence

from lepton.backends.kubernetes.kinds import JOB, Object
from lepton.backends.kubernetes.names import JOB_LABEL, cleanup_name, removal_name
from lepton.backends.kubernetes.render import meta, storage
from lepton.backends.kubernetes.settings import Settings
from lepton.plan.types import Key

_REMOVE = ["python", "-m", "services.worker.remove"]
_TRIES = 1000
"""A store out of reach is tried again for days, ever less often."""
_RESOURCES = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}}


def cleanup(key: Key, uid: str, settings: Settings) -> Object:
    """Removes the folders of this model, and of no other."""
    places = [storage.artifacts(key, settings), storage.work(key)]
    return meta.new(JOB, key, uid, cleanup_name(key, uid), _labels(key, uid), spec=_spec(key, uid, places, settings))


def removal(key: Key, uid: str, build: str, artifact: str, settings: Settings) -> Object:
    """Removes the artifact of one build."""
    spec = {"ttlSecondsAfterFinished": 0, **_spec(key, uid, [artifact], settings)}
    return meta.new(JOB, key, uid, removal_name(key, build), _labels(key, uid), spec=spec)


def _labels(key: Key, uid: str) -> dict[str, str]:
    """Of all of them: the pods of one never hold up another, as those that write would."""
    return {JOB_LABEL: cleanup_name(key, uid)}


def _spec(key: Key, uid: str, places: Sequence[str], settings: Settings) -> Object:
    template = {"metadata": {"labels": meta.labelled(key, _labels(key, uid))}, "spec": _pod(places, settings)}
    return {"backoffLimit": _TRIES, "template": template}


def _pod(places: Sequence[str], settings: Settings) -> Object:
    container = {
        "name": "remove",
        "image": settings.worker_image,
        "command": [*_REMOVE, *places],
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
