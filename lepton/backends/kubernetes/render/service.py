"""The names under which servers are reached: one Service for each endpoint, and one for the users' traffic. Pure."""

from lepton.backends.kubernetes.kinds import SERVICE, Object
from lepton.backends.kubernetes.names import BACKEND, ENDPOINT, TRAFFIC, WANTED, WORKLOAD, backend_name
from lepton.backends.kubernetes.render import meta
from lepton.backends.kubernetes.settings import GRPC_PORT, HTTP_PORT, STATE_PORT
from lepton.plan.types import Key


def of_endpoint(key: Key, uid: str, name: str, workload: str) -> Object:
    """Leads the gate to a revision that has no traffic, and to what its server spends."""
    spec = _spec(workload)
    spec["ports"].append({"name": "state", "port": STATE_PORT, "targetPort": "state", "protocol": "TCP"})
    return meta.new(SERVICE, key, uid, name, {ENDPOINT: name}, spec=spec)


def of_traffic(key: Key, uid: str, selected: str, wanted: str) -> Object:
    """Leads users to the selected workload, until the wanted one can take its place."""
    return meta.new(SERVICE, key, uid, key.name, {TRAFFIC: key.name}, {WANTED: wanted}, spec=_spec(selected))


def of_backend(key: Key, uid: str, workload: str) -> Object:
    """Leads a Gateway to a workload, with the weight that the routes give it."""
    labels = {BACKEND: workload, WORKLOAD: workload}
    return meta.new(SERVICE, key, uid, backend_name(workload), labels, spec=_spec(workload))


def _spec(workload: str) -> Object:
    ports = [
        {"name": "http", "port": HTTP_PORT, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"},
        {
            "name": "grpc",
            "port": GRPC_PORT,
            "targetPort": "grpc",
            "protocol": "TCP",
            "appProtocol": "kubernetes.io/h2c",
        },
    ]
    return {"selector": {WORKLOAD: workload}, "ports": ports}
