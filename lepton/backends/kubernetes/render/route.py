"""The routes by which users reach a model through a Gateway: by its own hostname over HTTP, by another over gRPC. Pure.

A hostname tells models apart in both protocols, where a path would only in one: gRPC's does not name the model. Two
hostnames, because the Gateway API gives one hostname of a listener to routes of one kind only.
"""

from collections.abc import Mapping

from lepton.backends.kubernetes.kinds import GRPC_ROUTE, HTTP_ROUTE, Kind, Object
from lepton.backends.kubernetes.names import TRAFFIC, backend_name
from lepton.backends.kubernetes.render import meta
from lepton.backends.kubernetes.settings import GRPC_PORT, HTTP_PORT, Gateway
from lepton.plan.types import Key

_GROUP = "gateway.networking.k8s.io"
_HTTP = {"path": {"type": "PathPrefix", "value": "/v2"}}
_GRPC = {"method": {"type": "Exact", "service": "inference.GRPCInferenceService"}}


def http_route(key: Key, uid: str, gateway: Gateway, weights: Mapping[str, int]) -> Object:
    """All that the Open Inference Protocol v2 asks over HTTP."""
    return _route(HTTP_ROUTE, key, uid, gateway, gateway.http_host(key), _rule(_HTTP, HTTP_PORT, weights))


def grpc_route(key: Key, uid: str, gateway: Gateway, weights: Mapping[str, int]) -> Object:
    """All that the Open Inference Protocol v2 asks over gRPC."""
    return _route(GRPC_ROUTE, key, uid, gateway, gateway.grpc_host(key), _rule(_GRPC, GRPC_PORT, weights))


def _rule(match: Object, port: int, weights: Mapping[str, int]) -> Object:
    references = [
        {"name": backend_name(workload), "port": port, "weight": weight} for workload, weight in weights.items()
    ]
    return {"matches": [match], "backendRefs": references}


def _route(kind: Kind, key: Key, uid: str, gateway: Gateway, host: str, rule: Object) -> Object:
    parent = {"group": _GROUP, "kind": "Gateway", "name": gateway.name, "namespace": gateway.namespace}
    spec = {"parentRefs": [parent], "hostnames": [host], "rules": [rule]}
    return meta.new(kind, key, uid, key.name, {TRAFFIC: key.name}, spec=spec)
