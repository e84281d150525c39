"""Why a pod has no node yet, in a sentence for a person that says what to do. Pure.

Called by health, and by jobs for what waits in a queue of Kueue. The scheduler counts nodes by what is wrong with them:
`0/3 nodes are available: 2 Insufficient cpu, 1 node(s) had untolerated taint {gpu: true}. preemption: ...`.
"""

import re
from collections.abc import Mapping

from lepton.backends.kubernetes.kinds import Object
from lepton.backends.kubernetes.names import JOB_LABEL, QUEUE, WORKLOAD
from lepton.report import Failure
from lepton.spec.reasons import Reason

_SAID = re.compile(r"0/\d+ nodes are available: (.+?)(?:\. |\.?$)")
_BETWEEN_COUNTS = re.compile(r", (?=\d+ )")
_INSUFFICIENT = re.compile(r"Insufficient (\S+)")
_SILENT = re.compile(r"untolerated taint \{node\.kubernetes\.io/(unreachable|not-ready):")
_TAINT = re.compile(r"untolerated taint \{([^:}]+): ?([^}]*)\}")
_SELECTOR = "node affinity/selector"
_CORDONED = "were unschedulable"
_OF_A_BUILD = {"resources": "train.resources", "tolerations": "train.tolerations", "selector": "train.nodeSelector"}
_OF_A_SERVER = {"resources": "deploy.resources"}
"""The fields of the spec that say where a pod may go; gates and cleanups have none."""


def unplaced(pod: Object, told: str) -> str:
    """Why there is no node for a pod, and what to do. `told` is the scheduler's message."""
    said = _SAID.search(told)
    if said is None:
        return f"waits for a node: {told}"
    fields = _fields(pod)
    counts = [(number, why) for number, _, why in (one.partition(" ") for one in _BETWEEN_COUNTS.split(said[1]))]
    explained = [_explained(pod, why, fields) for _, why in counts]
    remedies = list(dict.fromkeys(remedy for _, remedy in explained))
    if len(counts) == 1:
        return f"waits: no node {explained[0][0]}: {remedies[0]}"
    parts = [f"{number} of the nodes: none {lack}" for (number, _), (lack, _) in zip(counts, explained, strict=True)]
    return f"waits for a node ({'; '.join(parts)}): {', or '.join(remedies)}"


def in_queue(held: Object) -> Failure | None:
    """That an object waits for quota, and where that can be looked up; None where it is in no queue of Kueue."""
    metadata = held["metadata"]
    queue = metadata.get("labels", {}).get(QUEUE)
    if queue is None:
        return None
    where = f"`kubectl describe localqueue {queue} --namespace {metadata['namespace']}`"
    return Failure(reason=Reason.QUEUED, message=f"waits for quota in queue {queue}: {where} tells what is short")


def gated(pod: Object) -> Failure:
    """Why the scheduler may not look at a pod yet."""
    message = f"pod {pod['metadata']['name']} has a scheduling gate: whoever put it there must take it away"
    return in_queue(pod) or Failure(reason=Reason.UNSCHEDULABLE, message=message)


def _fields(pod: Object) -> Mapping[str, str]:
    labels = pod["metadata"].get("labels", {})
    if "-build-" in labels.get(JOB_LABEL, ""):
        return _OF_A_BUILD
    return _OF_A_SERVER if WORKLOAD in labels else {}


def _explained(pod: Object, why: str, fields: Mapping[str, str]) -> tuple[str, str]:
    """What no such node does, and what to do about it."""
    short = _INSUFFICIENT.search(why)
    if short:
        less = f"ask for less ({fields['resources']}), " if "resources" in fields else ""
        return f"has {_asked(pod, short[1])}{short[1]} free", f"{less}add nodes, or wait until others end"
    if _SILENT.search(why):
        return "is ready", "see `kubectl get nodes`"
    taint = _TAINT.search(why)
    if taint:
        name = f"{taint[1]}={taint[2]}" if taint[2] else taint[1]
        bear = f"bear it ({fields['tolerations']}), or " if "tolerations" in fields else ""
        return f"is without the taint {name}", f"{bear}add nodes without it"
    if _SELECTOR in why and "selector" in fields:
        return "has the labels that are asked for", f"mend {fields['selector']}, or label a node"
    if _CORDONED in why:
        return "takes pods", "uncordon it with `kubectl uncordon NODE`"
    return f"will do ({why})", "see `kubectl describe pod`"


def _asked(pod: Object, resource: str) -> str:
    containers = pod.get("spec", {}).get("containers", ())
    asked = [one.get("resources", {}).get("requests", {}).get(resource) for one in containers]
    return next((f"{amount} " for amount in asked if amount), "")
