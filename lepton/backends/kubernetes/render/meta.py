"""What every object has in common: its name, whose it is, and how its containers are confined. Pure."""

from collections.abc import Mapping

from lepton.backends.kubernetes.kinds import LEPTON_MODEL, Kind, Object
from lepton.backends.kubernetes.names import MODEL
from lepton.backends.kubernetes.settings import Settings
from lepton.plan.types import Key

MANAGED_BY = {"app.kubernetes.io/managed-by": "lepton"}
CONTAINER = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
"""securityContext of every container: the restricted Pod Security Standard, and no writing to the image."""
POD = {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
"""securityContext of every pod."""


def of_pods(settings: Settings) -> Object:
    """What every pod has: who it runs as, and with what its images are pulled."""
    secrets = [{"name": name} for name in settings.pull_secrets]
    return {"securityContext": POD, **({"imagePullSecrets": secrets} if secrets else {})}


def labelled(key: Key, labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of an object of this model."""
    return {**MANAGED_BY, MODEL: key.name, **labels}


def new(
    kind: Kind,
    key: Key,
    uid: str,
    name: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
    **fields: object,
) -> Object:
    """An object that belongs to the LeptonModel of this uid, and goes when it goes."""
    owner = {
        "apiVersion": LEPTON_MODEL.api_version,
        "kind": LEPTON_MODEL.name,
        "name": key.name,
        "uid": uid,
        "controller": True,
    }
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": {
            "name": name,
            "namespace": key.namespace,
            "labels": labelled(key, labels),
            **({"annotations": dict(annotations)} if annotations else {}),
            "ownerReferences": [owner],
        },
        **fields,
    }
