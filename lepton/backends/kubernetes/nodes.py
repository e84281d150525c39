"""Whether the node of a pod is silent, as far as the pod itself shows it. Pure; called by health and farewell.

Nodes belong to no namespace, so the operator may not look at them. Kubernetes calls a pod unready whose node is silent,
and evicts it after some minutes; what the node itself last said of the containers stays as it was.
"""

from lepton.backends.kubernetes.kinds import Object
from lepton.report import Failure
from lepton.spec.reasons import Reason

_EVICTED = "DeletionByTaintManager"


def silence(pod: Object) -> Failure | None:
    """What there is to say of a pod whose node is silent; None where nothing speaks for that."""
    conditions = {one["type"]: one for one in pod.get("status", {}).get("conditions", ())}
    said = {kind: one["status"] for kind, one in conditions.items()}
    overruled = (said.get("Ready"), said.get("ContainersReady")) == ("False", "True")
    evicted = conditions.get("DisruptionTarget", {}).get("reason") == _EVICTED
    if not (overruled or evicted) or pod.get("spec", {}).get("readinessGates"):
        return None
    name, node = pod["metadata"]["name"], pod.get("spec", {}).get("nodeName", "")
    message = (
        f"pod {name} is on node {node}, which is silent: see `kubectl describe node {node}`; "
        f"all goes on once it is back, or, where it is gone for good, after `kubectl delete node {node}`"
    )
    return Failure(reason=Reason.NODE_NOT_READY, message=message)
