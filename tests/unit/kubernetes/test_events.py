"""What a person is told in Events, and how often progress is written."""

import asyncio
from typing import Any

import pytest

from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import ApiError
from lepton.backends.kubernetes.events import EVENT, Told, event, is_progress, transitions
from lepton.backends.kubernetes.kinds import LEPTON_MODEL, Kind, Object
from lepton.backends.kubernetes.telling import PROGRESS_S, TellingBackend
from lepton.plan.types import Key
from lepton.spec.reasons import ConditionType, Phase, Reason
from lepton.spec.status import Candidate, Condition, RevisionRecord, Serving, Status
from tests.cluster.harness import SETTINGS
from tests.contract.harness import digits

KEY = Key("zoo", "digits")
NEW = RevisionRecord(number=1, name="digits-build-1", cause="spec", created="2026-01-01T00:00:00Z")
LOW = "accuracy is 91 %, at least 99 % asked: lower gate.minAccuracy"


def condition(kind: ConditionType, status: str, reason: Reason, message: str) -> Condition:
    given = {"type": kind, "status": status, "reason": reason, "message": message}
    return Condition.model_validate({**given, "lastTransitionTime": "2026-01-01T00:00:00Z"})


def status(phase: Phase, *conditions: Condition, **fields: Any) -> Status:
    return Status(phase=phase, conditions=conditions, revisions=(NEW,), **fields)


TRAINED = condition(ConditionType.TRAINED, "True", Reason.SUCCEEDED, "the network is trained")
TRAINS = condition(ConditionType.TRAINED, "Unknown", Reason.IN_PROGRESS, "epoch 1 of 2")
TOO_LOW = condition(ConditionType.GATE_PASSED, "False", Reason.BUDGET_NOT_MET, LOW)
SERVES = condition(ConditionType.SERVING, "True", Reason.SUCCEEDED, "revision 1 answers")
DOWN = condition(ConditionType.SERVING, "False", Reason.LOAD_FAILED, "container triton ended")
WAITS = condition(ConditionType.READY, "Unknown", Reason.IN_PROGRESS, "DataReady: starts")
WRONG = condition(ConditionType.READY, "False", Reason.INVALID_SPEC, "spec.data: mend it")
ONE, TWO = (Serving(revision=number, digest=f"sha256:{number}") for number in (1, 2))

CASES: dict[str, tuple[Status, Status, tuple[Told, ...]]] = {
    "a revision is decided": (
        Status(),
        status(Phase.PENDING),
        (Told("Normal", "RevisionDecided", "revision 1 is to be built (spec)"),),
    ),
    "a phase is told with what Ready says, where nothing else is to tell": (
        status(Phase.PENDING),
        status(Phase.TRAINING, WAITS),
        (Told("Normal", "Training", "DataReady: starts"),),
    ),
    "what comes true is told by its name": (
        status(Phase.TRAINING, TRAINS),
        status(Phase.COMPRESSING, TRAINED, WAITS),
        (Told("Normal", "Trained", "the network is trained"),),
    ),
    "what fails is a warning with its reason, and the phase that follows from it is not told besides": (
        status(Phase.GATING),
        status(Phase.FAILED, TOO_LOW),
        (Told("Warning", "BudgetNotMet", f"GatePassed: {LOW}"),),
    ),
    "the first traffic": (
        status(Phase.DEPLOYING),
        status(Phase.SERVING, SERVES, serving=ONE),
        (Told("Normal", "TrafficMoved", "revision 1 answers the users"),),
    ),
    "the traffic moves": (
        status(Phase.DEPLOYING, SERVES, serving=ONE),
        status(Phase.SERVING, SERVES, serving=TWO),
        (Told("Normal", "TrafficMoved", "revision 2 answers the users instead of revision 1"),),
    ),
    "what was down serves again": (
        status(Phase.DEPLOYING, DOWN, serving=ONE),
        status(Phase.SERVING, SERVES, serving=ONE),
        (Told("Normal", "Serving", "revision 1 answers"),),
    ),
    "a spec that can't be read": (
        status(Phase.SERVING),
        status(Phase.SERVING, WRONG),
        (Told("Warning", "InvalidSpec", "spec.data: mend it"),),
    ),
    "words alone": (
        status(Phase.TRAINING, TRAINS),
        status(Phase.TRAINING, TRAINS.model_copy(update={"message": "epoch 2 of 2"})),
        (),
    ),
    "what is no other than before": (status(Phase.SERVING, SERVES, WRONG), status(Phase.SERVING, SERVES, WRONG), ()),
}


@pytest.mark.parametrize("case", CASES)
def test_a_person_is_told(case: str) -> None:
    before, after, expected = CASES[case]
    assert transitions(before, after) == expected


def test_progress_is_what_changes_neither_a_condition_nor_a_phase_nor_a_decision() -> None:
    trains = status(Phase.TRAINING, TRAINS)
    candidate = Candidate(revision=1, stage="train", progress=0.5)
    words = TRAINS.model_copy(update={"message": "epoch 2 of 2"})
    assert is_progress(trains, status(Phase.TRAINING, words, candidate=candidate))
    for other in (status(Phase.TRAINING, TRAINED), status(Phase.GATING, TRAINS), Status(conditions=(TRAINS,))):
        assert not is_progress(trains, other)


def test_an_event_that_comes_again_has_the_name_that_it_had() -> None:
    metadata = {"name": "digits", "namespace": "zoo", "uid": "u1", "resourceVersion": "7"}
    model = {"apiVersion": "leptonml.dev/v1alpha1", "kind": "LeptonModel", "metadata": metadata}
    first, again = (event(model, Told("Normal", "Trained", "x" * 2000), now) for now in (1.0, 2.5))
    assert first["metadata"] == again["metadata"]
    regarding = {"apiVersion": "leptonml.dev/v1alpha1", "kind": "LeptonModel"}
    assert again == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": first["metadata"]["name"], "namespace": "zoo"},
        "eventTime": "1970-01-01T00:00:02.500000Z",
        "reportingController": "leptonml.dev/operator",
        "reportingInstance": "leptonml.dev/operator",
        "action": "Reconcile",
        "type": "Normal",
        "reason": "Trained",
        "note": "x" * 1024,
        "regarding": {**regarding, "name": "digits", "namespace": "zoo", "uid": "u1"},
    }


class FakeClient:
    """An API server that holds one model, and the Events that it was given."""

    def __init__(self, refuses: bool = False) -> None:
        self.events: dict[str, Object] = {}
        self.written: list[Status] = []
        self._refuses = refuses

    async def merge(self, kind: Kind, namespace: str, name: str, changes: Object) -> Object:
        assert kind == EVENT
        self.events[name].update(changes)
        return self.events[name]

    async def write_status(self, kind: Kind, object_: Object) -> Object:
        if self._refuses:
            raise ApiError(409, "Conflict", "newer")
        self.written.append(Status.model_validate(object_["status"]))
        version = str(int(object_["metadata"]["resourceVersion"]) + 1)
        return {**object_, "metadata": {**object_["metadata"], "resourceVersion": version}}

    async def create(self, kind: Kind, object_: Object) -> Object:
        name = object_["metadata"]["name"]
        if name in self.events:
            raise ApiError(409, "AlreadyExists", name)
        self.events[name] = object_
        return object_


def of_the_api_server() -> Object:
    metadata = {"name": "digits", "namespace": "zoo", "uid": "u1", "resourceVersion": "1"}
    spec = digits().model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"metadata": {**metadata, "finalizers": ["leptonml.dev/cleanup"]}, "spec": spec}


def reported(client: FakeClient, *statuses: Status) -> tuple[list[bool], list[float]]:
    """Report these, one after the other; what came of each, and after which times another pass was asked for."""
    again: list[float] = []
    cache = Cache()
    cache.put(LEPTON_MODEL, of_the_api_server())
    backend = TellingBackend(client, cache, SETTINGS, lambda _, seconds: again.append(seconds))  # type: ignore[arg-type]  # a fake

    async def story() -> list[bool]:
        telling = asyncio.create_task(backend.tell())
        done = []
        for one in statuses:
            model = cache.model(KEY)
            assert model is not None
            done.append(await backend.report(KEY, one, int(model["metadata"]["resourceVersion"])))
        await backend.all_told()
        telling.cancel()
        return done

    return asyncio.run(story()), again


def words(number: int) -> Status:
    return status(Phase.TRAINING, TRAINS.model_copy(update={"message": f"epoch {number} of 9"}))


def test_progress_is_written_once_in_a_while_and_the_rest_is_left_to_a_later_pass() -> None:
    client = FakeClient()
    done, again = reported(client, words(1), words(2), words(3), status(Phase.COMPRESSING, TRAINED))
    assert done == [True] * 4
    assert client.written == [words(1), words(2), status(Phase.COMPRESSING, TRAINED)]
    (wait_s,) = again
    assert 0 < wait_s <= PROGRESS_S


def test_each_change_is_one_event_and_one_that_comes_again_is_counted() -> None:
    client = FakeClient()
    up, down = status(Phase.SERVING, SERVES, serving=ONE), status(Phase.DEPLOYING, DOWN, serving=ONE)
    reported(client, up, down, up, down, up)
    told = {one["reason"]: one.get("series", {}).get("count", 1) for one in client.events.values()}
    assert told == {"RevisionDecided": 1, "TrafficMoved": 1, "LoadFailed": 2, "Serving": 2}


def test_what_was_told_of_a_model_is_forgotten_with_it() -> None:
    client, cache = FakeClient(), Cache()
    backend = TellingBackend(client, cache, SETTINGS, lambda *_: None)  # type: ignore[arg-type]  # a fake
    up, down = status(Phase.SERVING, SERVES, serving=ONE), status(Phase.DEPLOYING, DOWN, serving=ONE)

    async def live() -> None:
        cache.put(LEPTON_MODEL, of_the_api_server())
        for one in (up, down, up, down):
            model = cache.model(KEY)
            assert model is not None
            await backend.report(KEY, one, int(model["metadata"]["resourceVersion"]))
        await backend.all_told()
        cache.remove(LEPTON_MODEL, of_the_api_server())
        assert await backend.observe(KEY) is None

    async def story() -> None:
        telling = asyncio.create_task(backend.tell())
        for _ in range(2):
            await live()
        telling.cancel()

    asyncio.run(story())
    assert {one.get("series", {}).get("count", 1) for one in client.events.values()} == {2, 3}, "not 4"


def test_what_could_not_be_written_is_not_told() -> None:
    client = FakeClient(refuses=True)
    assert reported(client, status(Phase.SERVING, SERVES, serving=ONE)) == ([False], [])
    assert client.events == {}
