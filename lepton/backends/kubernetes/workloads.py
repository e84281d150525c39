"""Which servers a model has, who is sent to them, and whether they answer. Pure.

A workload is all servers of one variant of one artifact by one engine. Services and routes lead to it; what nothing
leads to, or shall lead to, goes.
"""

from collections.abc import Callable, Mapping

from lepton.backends.kubernetes import rayservice, routes
from lepton.backends.kubernetes.health import being_prepared, is_leaving, trouble
from lepton.backends.kubernetes.kinds import (
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    GRPC_ROUTE,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    LEPTON_MODEL,
    POD,
    RAY_SERVICE,
    SERVICE,
    Kind,
    Object,
)
from lepton.backends.kubernetes.names import (
    BACKEND,
    DIGEST,
    ENDPOINT,
    RAY,
    TRAFFIC,
    WANTED,
    WORKLOAD,
    deployment_name,
)
from lepton.plan.types import EndpointState
from lepton.report import Failure

Owned = Callable[[Kind], Mapping[str, Object]]
"""The model's objects of a kind, by name."""
_PARTS = (DEPLOYMENT, INFERENCE_SERVICE, RAY_SERVICE, DISRUPTION_BUDGET)
"""What a workload is made of."""


def endpoint_states(owned: Owned) -> dict[str, EndpointState]:
    """Every endpoint, by name."""
    return {
        name: workload_state(selected_by(service), owned)
        for name, service in owned(SERVICE).items()
        if ENDPOINT in labels_of(service)
    }


def workload_state(name: str, owned: Owned) -> EndpointState:
    """Whether a workload takes requests and which files it verified; why not, as its pods tell it.

    That it does is read from the Deployment, which counts its own pods and not those of an earlier one of its name;
    never from an InferenceService, which goes on to call itself ready when a rollout fails. Where Ray Serve answers, it
    is read from the pods of the cluster to which the RayService leads.
    """
    maker = _maker(name, owned)
    if maker is not None and ready_servers(name, owned):
        return EndpointState(ready=True, digest=maker["metadata"].get("annotations", {}).get(DIGEST))
    waits_for = ""
    if maker is None and name in owned(INFERENCE_SERVICE):
        waits_for = f"KServe to make the Deployment {deployment_name(name)}: see that its controller runs"
    if maker is not None and maker["kind"] == RAY_SERVICE.name and not rayservice.is_known(maker):
        waits_for = f"KubeRay to take the RayService {name}: see that its operator runs"
    waits_for = waits_for or being_prepared(_pods_of(name, owned))
    return EndpointState(ready=False, failure=_trouble(name, owned), waits_for=waits_for)


def ready_servers(workload: str, owned: Owned) -> int:
    """How many servers of a workload take requests."""
    maker = _maker(workload, owned) or {}
    if maker.get("kind") == RAY_SERVICE.name:
        servers = [pod for pod in owned(POD).values() if labels_of(pod).get(WORKLOAD) == workload]
        return rayservice.ready_servers(maker, servers)
    ready: int = maker.get("status", {}).get("readyReplicas", 0)
    return ready


def traffic_state(model: str, owned: Owned) -> EndpointState | None:
    """What users get answers from, and what keeps a server of the wanted workload from answering.

    Where the model has routes, they count: as long as the Gateway has not taken a switch, the workload before answers.
    """
    service = owned(SERVICE).get(model)
    if service is None:
        return None
    selected = selected_by(service)
    wanted = service["metadata"].get("annotations", {}).get(WANTED, selected)
    live = [owned(kind)[model] for kind in (HTTP_ROUTE, GRPC_ROUTE) if model in owned(kind)]
    before = next((one for one in map(routes.answering, live) if one != selected), selected)
    state = workload_state(before, owned)
    refused = next((failure for failure in map(routes.refusal, live) if failure is not None), None)
    failure = _trouble(wanted, owned) or refused
    waiting = next((routes.waits_for(route) for route in live if not routes.is_accepted(route)), None)
    if state.ready and waiting is not None:
        return EndpointState(ready=False, failure=failure, waits_for=waiting)
    return EndpointState(state.ready, state.digest, failure, state.waits_for)


def of_traffic(model: str, owned: Owned) -> set[str]:
    """The workloads that users reach, or shall reach."""
    found = [owned(kind)[model] for kind in (SERVICE, HTTP_ROUTE, GRPC_ROUTE) if model in owned(kind)]
    return set[str]().union(*map(_led_to, found))


def unused(owned: Owned) -> list[tuple[Kind, str]]:
    """What there is of workloads that nothing leads to, or shall lead to."""
    leading = [one for kind in (SERVICE, HTTP_ROUTE, GRPC_ROUTE) for one in owned(kind).values()]
    used = set[str]().union(*map(_led_to, leading))
    parts = [(kind, one) for kind in _PARTS for one in owned(kind).values() if is_ours(one) and not is_leaving(one)]
    found = [(kind, one["metadata"]["name"]) for kind, one in parts if labels_of(one).get(WORKLOAD) not in used]
    return found + [(SERVICE, name) for name, workload in backends(owned).items() if workload not in used]


def backends(owned: Owned) -> dict[str, str]:
    """The Services that routes may name, each with its workload."""
    services = owned(SERVICE).items()
    return {name: labels_of(one)[BACKEND] for name, one in services if BACKEND in labels_of(one)}


def selected_by(service: Object) -> str:
    """The workload that a Service leads to; "" where somebody took its selector away."""
    return str((service["spec"].get("selector") or {}).get(WORKLOAD, ""))


def is_ours(object_: Object) -> bool:
    """Whether we made it, and not somebody of something that we made, with our labels."""
    owners = object_["metadata"].get("ownerReferences", ())
    return any(owner["kind"] == LEPTON_MODEL.name for owner in owners)


def labels_of(object_: Object) -> Mapping[str, str]:
    """Its labels."""
    labels: Mapping[str, str] = object_["metadata"].get("labels", {})
    return labels


def _led_to(leading: Object) -> set[str]:
    """The workloads that a Service or a route of ours leads to, or shall lead to; a Service for routes to none."""
    labels = labels_of(leading)
    if not is_ours(leading) or (ENDPOINT not in labels and TRAFFIC not in labels):
        return set()
    if leading["kind"] != SERVICE.name:
        return set(routes.weights(leading))
    wanted = leading["metadata"].get("annotations", {}).get(WANTED)
    return {selected_by(leading), *((wanted,) if wanted else ())} - {""}


def _trouble(workload: str, owned: Owned) -> Failure | None:
    pods = _pods_of(workload, owned)
    maker = _maker(workload, owned)
    if maker is None or maker["kind"] != RAY_SERVICE.name:
        return trouble(pods, maker)
    return trouble(pods, rayservice.cluster(maker)) or rayservice.trouble(maker)


def _pods_of(workload: str, owned: Owned) -> list[Object]:
    return [pod for pod in owned(POD).values() if workload in (labels_of(pod).get(WORKLOAD), labels_of(pod).get(RAY))]


def _maker(workload: str, owned: Owned) -> Object | None:
    """What makes a workload's pods, and knows them from those of an earlier one of its name."""
    service = owned(RAY_SERVICE).get(workload)
    return owned(DEPLOYMENT).get(deployment_name(workload)) if service is None else service
