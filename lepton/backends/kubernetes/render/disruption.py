"""How many of the servers that users reach may be taken away at once, when nodes are drained. Pure.

One at a time, however many there are: a minimum would let a model with one server block a drain for ever, and one that
does not answer anyway never blocks it.
"""

from lepton.backends.kubernetes.kinds import DISRUPTION_BUDGET, Object
from lepton.backends.kubernetes.names import WORKLOAD
from lepton.backends.kubernetes.render import meta
from lepton.plan.types import Key


def budget(key: Key, uid: str, workload: str, of_ray: int | None = None) -> Object:
    """The budget of one workload, of the same name; `of_ray` says how many servers there are, where Ray's pods serve.

    Kubernetes can't ask a RayCluster for that, and would let none of them go.
    """
    labels = {WORKLOAD: workload}
    bound = {"maxUnavailable": 1} if of_ray is None else {"minAvailable": of_ray - 1}
    spec = {**bound, "unhealthyPodEvictionPolicy": "AlwaysAllow", "selector": {"matchLabels": labels}}
    return meta.new(DISRUPTION_BUDGET, key, uid, workload, labels, spec=spec)
