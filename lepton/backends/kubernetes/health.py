"""Why pods do not run, in a sentence that names the deepest cause and what to do. Pure.

Read from the pods themselves and from what makes them, because the status of a RayJob or an InferenceService does not
show it.
"""

import json
import re
from collections.abc import Iterable

from pydantic import ValidationError

from lepton.backends.kubernetes.kinds import Object
from lepton.backends.kubernetes.nodes import silence
from lepton.backends.kubernetes.scheduling import gated, unplaced
from lepton.report import Failure
from lepton.spec.reasons import Reason

_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_REFERENCE = "CreateContainerConfigError"
_SECRET = re.compile(r'secret "([^"]+)" not found')
_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" not found')
_CRASHING = "CrashLoopBackOff"


def trouble(pods: Iterable[Object], maker: Object | None = None) -> Failure | None:
    """What keeps the pods from being ready, the worst first; None where they only need time.

    `maker` is the Deployment or Job that makes them: where a quota forbids a pod, it alone knows.
    """
    living = sorted(
        (pod for pod in pods if not is_leaving(pod) and not is_ready(pod)), key=lambda pod: str(pod["metadata"]["name"])
    )
    found = [
        failure for pod in living for failure in (_containers(pod), _placing(pod), silence(pod)) if failure is not None
    ]
    return found[0] if found else _making(maker)


def being_prepared(pods: Iterable[Object]) -> str:
    """The first pod whose volumes and network its node has not made yet, and where the reason is told; "" for none."""
    for pod in sorted(pods, key=lambda one: str(one["metadata"]["name"])):
        conditions = {one["type"]: one["status"] for one in pod.get("status", {}).get("conditions", ())}
        if conditions.get("PodReadyToStartContainers") == "False" and not is_leaving(pod):
            name, namespace = pod["metadata"]["name"], pod["metadata"].get("namespace", "")
            look = f"kubectl describe pod {name} --namespace {namespace}"
            return f"the volumes and the network of pod {name}: `{look}` tells what its node lacks"
    return ""


def is_ready(pod: Object) -> bool:
    """Whether it takes requests."""
    return not is_leaving(pod) and any(
        one["type"] == "Ready" and one["status"] == "True" for one in pod.get("status", {}).get("conditions", ())
    )


def is_leaving(pod: Object) -> bool:
    """Whether it is on its way out."""
    return "deletionTimestamp" in pod["metadata"] or pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def _containers(pod: Object) -> Failure | None:
    status = pod.get("status", {})
    name = pod["metadata"]["name"]
    for one in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        waiting = one.get("state", {}).get("waiting", {})
        why, told = waiting.get("reason", ""), waiting.get("message", "")
        if why in _IMAGE:
            message = (
                f"pod {name} waits for its image {one.get('image', '')} ({told or why}): see that it can be pulled"
            )
            return Failure(reason=Reason.IMAGE_NOT_PULLED, message=message)
        if why == _REFERENCE:
            message = f"pod {name} can't start ({told}): {_creation(told, pod['metadata'].get('namespace', ''))}"
            return Failure(reason=Reason.REFERENCE_NOT_FOUND, message=message)
        ended = one.get("state", {}).get("terminated") or one.get("lastState", {}).get("terminated")
        if ended is not None and ended.get("exitCode") and (why == _CRASHING or "terminated" in one.get("state", {})):
            return _last_words(ended.get("message", "")) or Failure(
                reason=Reason.LOAD_FAILED,
                message=f"container {one['name']} of pod {name} ended with exit code {ended['exitCode']}"
                f"{_because(ended)}: see `kubectl logs {name} -c {one['name']}`",
            )
    return None


def _creation(told: str, namespace: str) -> str:
    """How to make what the kubelet did not find."""
    secret = _SECRET.search(told)
    if secret is None:
        return "create what is missing"
    what = f"kubectl create secret generic {secret[1]} --namespace {namespace} --from-env-file=FILE"
    return f"create it with `{what}`, one NAME=VALUE in each line of FILE"


def _last_words(message: str) -> Failure | None:
    """What a container of ours left in its termination message."""
    try:
        return Failure.model_validate(json.loads(message))
    except (ValueError, ValidationError):
        return None


def _because(ended: Object) -> str:
    reason = ended.get("reason", "")
    return f" ({reason})" if reason not in ("", "Error") else ""


def _placing(pod: Object) -> Failure | None:
    for one in pod.get("status", {}).get("conditions", ()):
        if one["type"] == "PodScheduled" and one.get("reason") == "SchedulingGated":
            return gated(pod)
        if one["type"] == "PodScheduled" and one["status"] == "False" and one.get("reason") == "Unschedulable":
            name, told = pod["metadata"]["name"], one.get("message", "")
            missing = _CLAIM.search(told)
            if missing:
                message = f"pod {name} waits for the PersistentVolumeClaim {missing[1]}, which is not there: create it"
                return Failure(reason=Reason.REFERENCE_NOT_FOUND, message=message)
            return Failure(reason=Reason.UNSCHEDULABLE, message=f"pod {name} {unplaced(pod, told)}")
    return None


def _making(maker: Object | None) -> Failure | None:
    """A Deployment that may not make its pods says so in a condition."""
    for one in (maker or {}).get("status", {}).get("conditions", ()):
        if one["type"] == "ReplicaFailure" and one["status"] == "True":
            message = f"pods can't be made: {one.get('message', '')}"
            exceeded = "exceeded quota" in message
            return Failure(reason=Reason.QUOTA_EXCEEDED if exceeded else Reason.LOAD_FAILED, message=message)
    return None
