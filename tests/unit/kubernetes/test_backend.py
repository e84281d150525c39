"""What the backend makes of an API server that refuses, and of objects that it can't read."""

import asyncio

import pytest

from lepton.backends.kubernetes.backend import KubernetesBackend
from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import ApiError
from lepton.backends.kubernetes.kinds import CONFIG_MAP, DEPLOYMENT, LEPTON_MODEL, RAY_JOB, SERVICE, Kind, Object
from lepton.backends.kubernetes.names import JOB_LABEL, MODEL, WORKLOAD
from lepton.backends.kubernetes.settings import Settings
from lepton.errors import LeptonError
from lepton.jobdir import JobOrder
from lepton.plan.types import Job, Key, Ref
from lepton.report import JobReport, Summary
from lepton.spec.reasons import Reason
from tests.contract.harness import digits

KEY = Key("zoo", "digits")
SETTINGS = Settings(worker_image="worker", server_image="server", artifacts="s3://models")
FORBIDDEN = ApiError(403, "Forbidden", 'services "digits" is forbidden')
UNREACHABLE = ApiError(0, "Unreachable", "no route")


class FakeClient:
    """Lets nothing be deleted, for one reason."""

    def __init__(self, refusal: ApiError) -> None:
        self._refusal = refusal

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        raise self._refusal


def of(object_: Object, **metadata: object) -> Object:
    common = {"name": "digits", "namespace": "zoo", "uid": "u1", "resourceVersion": "1", "generation": 1}
    return {**object_, "metadata": {**common, **metadata}}


def backend(cache: Cache, refusal: ApiError = UNREACHABLE) -> KubernetesBackend:
    return KubernetesBackend(FakeClient(refusal), cache, SETTINGS)  # type: ignore[arg-type]  # a fake


def model(status: Object) -> Object:
    return of({"spec": digits().model_dump(mode="json", by_alias=True, exclude_defaults=True), "status": status})


def test_a_status_that_another_version_of_lepton_wrote_is_refused_in_words_and_left_as_it_is() -> None:
    cache = Cache()
    cache.put(LEPTON_MODEL, model({"phase": "Levitating"}))
    unable = backend(cache)
    with pytest.raises(LeptonError, match=r"status\.phase.*Levitating") as raised:
        asyncio.run(unable.observe(KEY))
    asyncio.run(unable.confess(KEY, raised.value.reason, raised.value.message))  # writes nothing, ends nothing


def test_what_may_not_be_deleted_is_told_in_words_and_what_could_not_be_asked_is_tried_again() -> None:
    cache = Cache()
    cache.put(SERVICE, of({}, labels={MODEL: "digits"}))
    with pytest.raises(LeptonError, match='refuses to delete Traffic digits: services "digits" is forbidden') as told:
        asyncio.run(backend(cache, FORBIDDEN).delete(KEY, Ref("Traffic", "digits")))
    assert told.value.reason is Reason.LOAD_FAILED
    with pytest.raises(ApiError, match="Unreachable"):
        asyncio.run(backend(cache, UNREACHABLE).delete(KEY, Ref("Traffic", "digits")))


DAMAGED = [{}, {"order.json": "{}"}, {"order.json": "no JSON"}]


def job_of(data: Object, run: str = "", labelled: bool = True) -> Cache:
    """What is there of a job whose ConfigMap holds this, with a run of that name."""
    owner = {"kind": "LeptonModel", "name": "digits", "uid": "u1"}
    mine: Object = {"labels": {MODEL: "digits", JOB_LABEL: "digits-build-1"}, "ownerReferences": [owner]}
    labels = mine["labels"] if labelled else {MODEL: "digits"}
    cache = Cache()
    cache.put(LEPTON_MODEL, model({}))
    cache.put(CONFIG_MAP, of({"data": data} if data else {}, name="digits-build-1", **{**mine, "labels": labels}))
    if run:
        cache.put(RAY_JOB, of({"spec": {}}, name=run, **mine))
    return cache


@pytest.mark.parametrize("data", DAMAGED)
def test_of_a_job_whose_order_is_damaged_nothing_is_known_but_that_it_is_there(data: Object) -> None:
    seen = asyncio.run(backend(job_of(data)).observe(KEY))
    assert seen is not None
    assert (seen.jobs, seen.owned) == ({}, {Ref("Job", "digits-build-1")})


def order(attempt: int, name: str = "digits-build-1") -> str:
    arguments = {"spec": digits().model_dump(mode="json", by_alias=True)}
    given = JobOrder(name=name, kind="build", model="digits", revision=1, attempt=attempt, arguments=arguments)
    return given.model_dump_json()


OWNED = [{"kind": "LeptonModel", "name": "digits", "uid": "u1"}]
FOREIGN: dict[str, tuple[str, str, str, list[Object]]] = {
    "notes of somebody's": ("digits-build-1", "digits-build-1", "no order", []),
    "what has another name than the job, damaged": ("notes", "digits-build-1", "no order", OWNED),
    "a copy under another name": ("notes", "digits-build-1", order(0), OWNED),
    "what would take a service account with it": ("prometheus", "prometheus", order(0, "prometheus"), OWNED),
    "what would, and is called as the model is": ("digits-web", "digits-web", order(0, "digits-web"), OWNED),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_somebody_else_labelled_as_a_job_is_left_alone(what: str) -> None:
    """A job takes the Role and the service account of its name with it, so nobody else may say what that is."""
    name, job, told, owners = FOREIGN[what]
    cache = Cache()
    cache.put(LEPTON_MODEL, model({}))
    labels = {MODEL: "digits", JOB_LABEL: job}
    cache.put(CONFIG_MAP, of({"data": {"order.json": told}}, name=name, labels=labels, ownerReferences=owners))
    seen = asyncio.run(backend(cache).observe(KEY))
    assert seen is not None
    assert (seen.jobs, seen.owned) == ({}, frozenset())


BUILD = Job("digits-build-1", "build", "digits", 1, {"spec": digits().model_dump(mode="json", by_alias=True)}, 1.0)
REPORTED = JobReport(attempt=2).model_dump_json(by_alias=True)
ENDED = JobReport(attempt=2, summary=Summary(artifact="s3://a", digest="sha256:1")).model_dump_json(by_alias=True)


def build_with(client: "AppliedClient", cache: Cache) -> None:
    """Let the backend see to the wanted build."""
    asyncio.run(KubernetesBackend(client, cache, SETTINGS).apply(KEY, BUILD))  # type: ignore[arg-type]  # a fake client


def test_the_label_that_tells_whose_job_it_is_is_put_back_and_nothing_begins_anew() -> None:
    client, cache = AppliedClient(), job_of({"order.json": order(2), "report.json": ENDED}, labelled=False)
    build_with(client, cache)
    assert client.applied["ConfigMap"]["metadata"]["labels"][JOB_LABEL] == "digits-build-1"
    assert JobOrder.model_validate_json(client.applied["ConfigMap"]["data"]["order.json"]).attempt == 2
    assert "RayJob" not in client.applied


def test_a_job_that_told_its_end_is_not_begun_anew_where_its_order_is_damaged() -> None:
    client, cache = AppliedClient(), job_of({"order.json": "no JSON", "report.json": ENDED})
    build_with(client, cache)
    assert JobOrder.model_validate_json(client.applied["ConfigMap"]["data"]["order.json"]).attempt == 2
    assert "RayJob" not in client.applied


def test_a_run_that_is_made_again_is_given_its_rights_again() -> None:
    client, cache = AppliedClient(), job_of({"order.json": order(0)})
    build_with(client, cache)
    assert {"RayJob", "ServiceAccount", "Role", "RoleBinding"} <= client.applied.keys()


@pytest.mark.parametrize("labels", [{MODEL: "digits"}, {MODEL: "digits", WORKLOAD: "nobody"}])
def test_servers_that_somebody_took_the_label_from_are_there_to_be_put_right(labels: dict[str, str]) -> None:
    cache = Cache()
    cache.put(LEPTON_MODEL, model({}))
    cache.put(DEPLOYMENT, of({"spec": {}}, name="digits-served-1", labels=labels, ownerReferences=OWNED))
    seen = asyncio.run(backend(cache).observe(KEY))
    assert seen is not None
    assert seen.owned == {Ref("Endpoint", "digits-served-1")}


@pytest.mark.parametrize(
    ("data", "run", "attempt"),
    [
        ({"order.json": "no JSON"}, "", 0),
        ({"order.json": "no JSON"}, "digits-build-1-3", 3),
        ({"order.json": "no JSON", "report.json": REPORTED}, "digits-build-1-3", 2),
        ({}, "digits-build-1-3", 3),
    ],
)
def test_a_damaged_order_is_written_anew_for_the_attempt_at_hand(data: Object, run: str, attempt: int) -> None:
    client = AppliedClient()
    spec = digits().model_dump(mode="json", by_alias=True)
    build_with(client, job_of(data, run))
    order = JobOrder.model_validate_json(client.applied["ConfigMap"]["data"]["order.json"])
    assert (order.name, order.kind, order.attempt) == ("digits-build-1", "build", attempt)
    assert order.arguments["spec"] == spec


class AppliedClient:
    """Takes whatever is applied, and keeps the last of each kind."""

    def __init__(self) -> None:
        self.applied: dict[str, Object] = {}

    async def apply(self, kind: Kind, object_: Object) -> Object:
        self.applied[kind.name] = object_
        return {**object_, "metadata": {**object_["metadata"], "uid": "u2", "resourceVersion": "9"}}

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        assert kind == RAY_JOB, "a run of another attempt, or one that was made otherwise"


def test_what_is_refused_is_shown_at_once_and_tried_again_in_its_time() -> None:
    """What a pass is refused shows in the next one: which comes by itself, once for each reason."""
    asked_for: list[Key] = []
    cache = Cache(asked_for.append)
    cache.put(LEPTON_MODEL, model({}))
    asked_for.clear()
    client = RefusingClient()
    tried = KubernetesBackend(client, cache, SETTINGS)  # type: ignore[arg-type]  # a fake
    gate = Job("digits-gate-1", "gate", "digits", 1, {"candidate": "c", "baseline": "b"}, 1.0)
    for message in ("exceeded quota: 1 of 1", "exceeded quota: 2 of 1", "no such field"):
        client.message = message
        asyncio.run(tried.apply(KEY, gate))
    assert asked_for == [KEY, KEY]


class RefusingClient:
    """Takes nothing, for the reason of the day."""

    message = ""

    async def apply(self, kind: Kind, object_: Object) -> Object:
        raise ApiError(403, "Forbidden", self.message)
