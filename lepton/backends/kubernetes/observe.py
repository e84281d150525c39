"""From what the API server holds of one LeptonModel to what a plan decides upon. Pure."""

from collections.abc import Callable, Iterable, Mapping

from pydantic import ValidationError

from lepton.backends.kubernetes.health import trouble
from lepton.backends.kubernetes.jobs import job_state, order_of, report_of
from lepton.backends.kubernetes.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    INFERENCE_SERVICE,
    JOB,
    LEPTON_MODEL,
    POD,
    RAY_JOB,
    SERVICE,
    Kind,
    Object,
)
from lepton.backends.kubernetes.names import DIGEST, ENDPOINT, JOB_LABEL, WANTED, WORKLOAD, deployment_name, run_name
from lepton.errors import LeptonError
from lepton.plan.types import EndpointState, JobState, Observed, Ref
from lepton.report import Failure
from lepton.spec.reasons import Reason
from lepton.spec.resource import LeptonModel
from lepton.spec.status import EndpointAddress

Owned = Callable[[Kind], Mapping[str, Object]]
"""The model's objects of a kind, by name."""
HTTP_PORT, GRPC_PORT, STATE_PORT = 8000, 8001, 8003
_PARTS = (DEPLOYMENT, INFERENCE_SERVICE, DISRUPTION_BUDGET)
"""What a workload is made of."""
_METADATA = ("name", "namespace", "labels", "annotations", "uid", "generation", "deletionTimestamp")


def parse(object_: Object) -> LeptonModel:
    """The LeptonModel of an object. Raises LeptonError INVALID_SPEC where the CRD let pass what can't be read."""
    metadata = {name: object_["metadata"][name] for name in _METADATA if name in object_["metadata"]}
    version = int(object_["metadata"]["resourceVersion"])
    try:
        return LeptonModel.model_validate({**object_, "metadata": {**metadata, "resourceVersion": version}})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        what = first["msg"].removeprefix("Value error, ")
        raise LeptonError(Reason.INVALID_SPEC, f"{where}: {what}: mend it and apply the file again") from error


def observe(model: LeptonModel, owned: Owned) -> Observed:
    """Everything that a decision about the model may depend on."""
    jobs = _jobs(owned)
    services = owned(SERVICE)
    endpoints = {
        name: workload_state(service["spec"]["selector"][WORKLOAD], owned)
        for name, service in services.items()
        if ENDPOINT in _labels(service)
    }
    name = model.metadata.name
    service = services.get(name)
    traffic = None if service is None else _traffic(service, owned)
    refs = {Ref("Job", job) for job in jobs} | {
        Ref("Endpoint", one) for one in (*endpoints, *(name for _, name in unused(owned)))
    }
    return Observed(
        model=model,
        jobs=jobs,
        endpoints=endpoints,
        traffic=traffic,
        address=None if service is None else address(name, model.metadata.namespace, name),
        owned=frozenset(refs | ({Ref("Traffic", name)} if service is not None else set())),
    )


def address(service: str, namespace: str, model: str) -> EndpointAddress:
    """Where a model answers through a Service, within the cluster."""
    host = f"{service}.{namespace}.svc"
    return EndpointAddress(http=f"http://{host}:{HTTP_PORT}", grpc=f"{host}:{GRPC_PORT}", model=model)


def meter(service: str, namespace: str) -> str:
    """Where the server behind a Service tells what it spends."""
    return f"http://{service}.{namespace}.svc:{STATE_PORT}/metrics"


def workload_state(name: str, owned: Owned) -> EndpointState:
    """Whether a workload takes requests and which files it verified; why not, as its pods tell it.

    That it does is read from the Deployment, which counts its own pods and not those of an earlier one of its name;
    never from an InferenceService, which goes on to call itself ready when a rollout fails.
    """
    deployment = owned(DEPLOYMENT).get(deployment_name(name))
    if deployment is not None and ready_servers(name, owned):
        return EndpointState(ready=True, digest=deployment["metadata"]["annotations"][DIGEST])
    return EndpointState(ready=False, failure=_trouble(name, owned))


def ready_servers(workload: str, owned: Owned) -> int:
    """How many servers of a workload take requests."""
    ready: int = owned(DEPLOYMENT).get(deployment_name(workload), {}).get("status", {}).get("readyReplicas", 0)
    return ready


def of_traffic(name: str, owned: Owned) -> set[str]:
    """The workloads that users reach through the Service of this name, or shall reach."""
    service = owned(SERVICE).get(name)
    return set() if service is None else _led_to(service)


def unused(owned: Owned) -> list[tuple[Kind, str]]:
    """What there is of workloads that no Service leads to, or shall lead to."""
    used = set[str]().union(*(_led_to(service) for service in owned(SERVICE).values() if is_ours(service)))
    parts = [(kind, one) for kind in _PARTS for one in owned(kind).values() if is_ours(one)]
    return [(kind, one["metadata"]["name"]) for kind, one in parts if _labels(one)[WORKLOAD] not in used]


def is_ours(object_: Object) -> bool:
    """Whether we made it, and not somebody of something that we made, with our labels."""
    owners = object_["metadata"].get("ownerReferences", ())
    return any(owner["kind"] == LEPTON_MODEL.name for owner in owners)


def _led_to(service: Object) -> set[str]:
    wanted = service["metadata"].get("annotations", {}).get(WANTED)
    return {service["spec"]["selector"][WORKLOAD], *((wanted,) if wanted else ())}


def _traffic(service: Object, owned: Owned) -> EndpointState:
    """What the selected workload answers with, and what keeps a server of the wanted one from answering."""
    state = workload_state(service["spec"]["selector"][WORKLOAD], owned)
    return EndpointState(state.ready, state.digest, _trouble(service["metadata"]["annotations"][WANTED], owned))


def _trouble(workload: str, owned: Owned) -> Failure | None:
    pods = [pod for pod in owned(POD).values() if _labels(pod).get(WORKLOAD) == workload]
    return trouble(pods, owned(DEPLOYMENT).get(deployment_name(workload)))


def _jobs(owned: Owned) -> dict[str, JobState]:
    states = {}
    for config_map in owned(CONFIG_MAP).values():
        name = _labels(config_map).get(JOB_LABEL)
        if name is not None:
            order = order_of(config_map)
            run = owned(RAY_JOB if order.kind == "build" else JOB).get(run_name(order))
            states[name] = job_state(order, report_of(config_map, order), run, _pods_of(name, owned(POD).values()))
    return states


def _pods_of(job: str, pods: Iterable[Object]) -> list[Object]:
    return [pod for pod in pods if _labels(pod).get(JOB_LABEL) == job]


def _labels(object_: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = object_["metadata"].get("labels", {})
    return labels
