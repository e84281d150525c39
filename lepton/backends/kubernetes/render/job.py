"""A job as objects: the ConfigMap in which it is ordered and reports, its rights, and one run for each attempt. Pure.

A build runs as a RayJob; a gate needs no Ray and runs as a batch Job.
"""

from lepton.backends.kubernetes.jobs import ORDER
from lepton.backends.kubernetes.kinds import CONFIG_MAP, JOB, RAY_JOB, ROLE, ROLE_BINDING, SERVICE_ACCOUNT, Kind, Object
from lepton.backends.kubernetes.names import JOB_LABEL, QUEUE, RENDERED, run_name
from lepton.backends.kubernetes.render import meta
from lepton.backends.kubernetes.render.build import ray_job
from lepton.backends.kubernetes.render.pod import command, worker
from lepton.backends.kubernetes.settings import Settings
from lepton.hashing import short_hash
from lepton.jobdir import JobOrder
from lepton.plan.types import Key
from lepton.spec.resource import Spec

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
        return JOB, meta.new(JOB, key, uid, name, labels, {RENDERED: short_hash(spec)}, spec=spec)
    queue = Spec.model_validate(order.arguments["spec"]).train.queue
    labels |= {QUEUE: queue} if queue is not None else {}
    spec = ray_job(key, order, settings)
    return RAY_JOB, meta.new(RAY_JOB, key, uid, name, labels, {RENDERED: short_hash(spec)}, spec=spec)


def _gate_pod(key: Key, order: JobOrder, settings: Settings) -> Object:
    pod = worker(key, order, settings, {"name": "gate", "command": command(key), "resources": _GATE_RESOURCES})
    pod["spec"]["restartPolicy"] = "Never"
    return pod
