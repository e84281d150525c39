"""From what the API server holds of one LeptonModel to what a plan decides upon. Pure."""

from collections.abc import Iterable, Iterator
from typing import get_args

from pydantic import ValidationError

from lepton.backends.kubernetes.jobs import job_state, readable_order, report_of
from lepton.backends.kubernetes.kinds import CONFIG_MAP, GRPC_ROUTE, HTTP_ROUTE, JOB, POD, RAY_JOB, SERVICE, Object
from lepton.backends.kubernetes.names import JOB_LABEL, MODEL, run_name
from lepton.backends.kubernetes.settings import GRPC_PORT, HTTP_PORT, STATE_PORT, Gateway
from lepton.backends.kubernetes.workloads import Owned, endpoint_states, is_ours, labels_of, traffic_state, unused
from lepton.errors import LeptonError
from lepton.plan.types import JobState, Key, Observed, Ref
from lepton.report import JobKind
from lepton.spec.problems import problem_of
from lepton.spec.reasons import Reason
from lepton.spec.resource import LeptonModel
from lepton.spec.status import EndpointAddress

_METADATA = ("name", "namespace", "labels", "annotations", "uid", "generation", "deletionTimestamp")
_JOB_KINDS: tuple[str, ...] = get_args(JobKind)


def parse(object_: Object) -> LeptonModel:
    """The LeptonModel of an object. Raises LeptonError INVALID_SPEC where the CRD let pass what can't be read."""
    metadata = {name: object_["metadata"][name] for name in _METADATA if name in object_["metadata"]}
    version = int(object_["metadata"]["resourceVersion"])
    try:
        return LeptonModel.model_validate({**object_, "metadata": {**metadata, "resourceVersion": version}})
    except ValidationError as error:
        problem = problem_of(error.errors(include_url=False)[0], {})
        raise LeptonError(Reason.INVALID_SPEC, f"{problem}: mend it and apply the file again") from error


def observe(model: LeptonModel, owned: Owned, gateway: Gateway | None = None) -> Observed:
    """Everything that a decision about the model may depend on."""
    jobs, endpoints, name = _jobs(owned), endpoint_states(owned), model.metadata.name
    traffic = traffic_state(name, owned)
    refs = {Ref("Job", job) for job in (*jobs, *_damaged(owned))}
    refs |= {Ref("Endpoint", one) for one in (*endpoints, *(unled for _, unled in unused(owned)))}
    if any(name in owned(kind) for kind in (SERVICE, HTTP_ROUTE, GRPC_ROUTE)):
        refs.add(Ref("Traffic", name))
    return Observed(
        model=model,
        jobs=jobs,
        endpoints=endpoints,
        traffic=traffic,
        address=None if traffic is None else _users_address(model, owned, gateway),
        owned=frozenset(refs),
    )


def _users_address(model: LeptonModel, owned: Owned, gateway: Gateway | None) -> EndpointAddress:
    key = Key(model.metadata.namespace, model.metadata.name)
    if gateway is not None and key.name in owned(HTTP_ROUTE):
        return gateway.address(key)
    return address(key.name, key.namespace, key.name)


def address(service: str, namespace: str, model: str) -> EndpointAddress:
    """Where a model answers through a Service, within the cluster."""
    host = f"{service}.{namespace}.svc"
    return EndpointAddress(http=f"http://{host}:{HTTP_PORT}", grpc=f"{host}:{GRPC_PORT}", model=model)


def meter(service: str, namespace: str) -> str:
    """Where the server behind a Service tells what it spends."""
    return f"http://{service}.{namespace}.svc:{STATE_PORT}/metrics"


def _jobs(owned: Owned) -> dict[str, JobState]:
    """Those whose orders can be read: of another nothing is known until its order is put right."""
    states = {}
    for name, config_map in _told(owned):
        order = readable_order(config_map)
        if order is not None:
            run = owned(RAY_JOB if order.kind == "build" else JOB).get(run_name(order))
            states[name] = job_state(order, report_of(config_map, order), run, _pods_of(name, owned(POD).values()))
    return states


def _damaged(owned: Owned) -> Iterator[str]:
    """The jobs of ours whose orders can't be read."""
    for name, config_map in _told(owned):
        if is_ours(config_map) and readable_order(config_map) is None:
            yield name


def _told(owned: Owned) -> Iterator[tuple[str, Object]]:
    """Each job and its ConfigMap.

    What goes with a job is found by the job's name alone. So whoever labels a ConfigMap as ours must not choose that.
    """
    for name, config_map in owned(CONFIG_MAP).items():
        labels = labels_of(config_map)
        if labels.get(JOB_LABEL) == name and name.startswith(tuple(f"{labels[MODEL]}-{kind}-" for kind in _JOB_KINDS)):
            yield name, config_map


def _pods_of(job: str, pods: Iterable[Object]) -> list[Object]:
    return [pod for pod in pods if labels_of(pod).get(JOB_LABEL) == job]
