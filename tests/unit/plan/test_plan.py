"""Whole plans, compared as whole objects: what a backend is asked for, word for word."""

import pytest

from lepton.plan.fold import make_plan
from lepton.plan.revision import build_name
from lepton.plan.types import Endpoint, EndpointState, Job, JobState, Observed, Plan, Ref, Traffic
from lepton.report import CheckResult, Failure, Progress, Summary
from lepton.spec.reasons import ConditionType, Phase, Reason
from lepton.spec.resource import LeptonModel
from lepton.spec.status import Candidate, Condition, EndpointAddress, RevisionRecord, Serving, Status

NOW = 1_760_000_000.0
THEN = "2025-10-09T08:53:20Z"
ADDRESS = EndpointAddress(http="http://127.0.0.1:8000", grpc="127.0.0.1:8001", model="digits")
MODEL = LeptonModel.model_validate(
    {
        "apiVersion": "leptonml.dev/v1alpha1",
        "kind": "LeptonModel",
        "metadata": {"name": "digits", "generation": 4},
        "spec": {
            "task": "image-classification",
            "data": {"uri": "sklearn://digits"},
            "train": {"workers": 2, "resources": {"cpu": 1.5, "gpu": 1}},
            "deploy": {"instances": 2},
        },
    }
)
RECORD = RevisionRecord(number=1, name=build_name("digits", MODEL.spec), cause="spec", created=THEN, instances=2)
BUILT = RECORD.model_copy(
    update={"outcome": "Gating", "artifact": "file:///a", "digest": "sha256:1", "metrics": {"sizeBytes": 9.0}}
)
PINNED = BUILT.model_copy(update={"outcome": "Passed"})
GATE = MODEL.spec.gate.model_dump(mode="json", by_alias=True)


def condition(kind: str, status: str, reason: Reason, message: str, since: str = THEN) -> Condition:
    return Condition.model_validate(
        {"type": kind, "status": status, "reason": reason, "message": message, "last_transition_time": since}
    )


def with_status(status: Status) -> LeptonModel:
    return MODEL.model_copy(update={"status": status})


def test_a_new_model_is_planned_as_one_build_and_a_revision() -> None:
    waits = (Reason.PENDING, "waits for the stages before it")
    conditions = (
        condition("DataReady", "Unknown", Reason.PENDING, "begins"),
        condition("Trained", "Unknown", Reason.PENDING, "begins"),
        condition("Compressed", "Unknown", *waits),
        condition("GatePassed", "Unknown", *waits),
        condition("Serving", "Unknown", *waits),
        condition("Ready", "Unknown", Reason.PENDING, "DataReady: begins"),
    )
    spec = MODEL.spec.model_dump(mode="json", by_alias=True)
    arguments = {"spec": spec, "created": THEN}
    assert make_plan(Observed(MODEL), NOW) == Plan(
        status=Status(
            phase=Phase.PENDING,
            observed_generation=4,
            conditions=conditions,
            candidate=Candidate(revision=1, stage="data", message="begins"),
            revisions=(RECORD,),
        ),
        desired=(Job(RECORD.name, "build", "digits", 1, arguments, cpus=3.0),),
        poll_s=1.0,
    )


def test_progress_of_the_build_is_told_as_the_job_tells_it() -> None:
    progress = Progress(stage="train", fraction=0.6, message="epoch 12 of 20, accuracy 90.8", seconds_left=31.0)
    seen = Observed(with_status(Status(revisions=(RECORD,))), {RECORD.name: JobState("Running", 2, progress)})
    plan = make_plan(seen, NOW)
    assert plan.status.candidate == Candidate(
        revision=1, stage="train", progress=0.6, message="epoch 12 of 20, accuracy 90.8", seconds_left=31.0
    )
    assert [job.attempt for job in plan.desired if isinstance(job, Job)] == [2]


def test_what_keeps_a_job_from_getting_on_is_told_while_it_stays_wanted() -> None:
    why = "pod digits-0 waits for a node: 3 Insufficient nvidia.com/gpu"
    stuck = JobState("Pending", trouble=Failure(reason=Reason.UNSCHEDULABLE, message=why))
    plan = make_plan(Observed(with_status(Status(revisions=(RECORD,))), {RECORD.name: stuck}), NOW)
    told = {one.type: (one.status, one.reason, one.message) for one in plan.status.conditions}
    assert told[ConditionType.DATA_READY] == ("False", Reason.UNSCHEDULABLE, why)
    assert told[ConditionType.READY] == ("False", Reason.UNSCHEDULABLE, f"DataReady: {why}")
    assert [one.ref for one in plan.desired] == [Ref("Job", RECORD.name)]


def test_what_a_job_waits_for_before_it_begins_is_told_as_being_on_its_way() -> None:
    waiting = JobState("Pending", waits_for="the volumes of pod digits-0")
    plan = make_plan(Observed(with_status(Status(revisions=(RECORD,))), {RECORD.name: waiting}), NOW)
    told = {one.type: (one.status, one.reason, one.message) for one in plan.status.conditions}
    assert told[ConditionType.DATA_READY] == ("Unknown", Reason.IN_PROGRESS, "waits for the volumes of pod digits-0")


def test_what_was_built_is_planned_as_two_endpoints_and_a_proof() -> None:
    base = Observed(with_status(Status(revisions=(BUILT,))))
    loading = make_plan(base, NOW)
    candidate, baseline = (e for e in loading.desired if isinstance(e, Endpoint))
    assert loading.desired == (
        Endpoint(candidate.name, "digits", 1, "served", "file:///a", "sha256:1", 2, MODEL.spec.deploy),
        Endpoint(baseline.name, "digits", 1, "baseline", "file:///a", "sha256:1", 2, MODEL.spec.deploy),
    )
    key = candidate.name.removeprefix("digits-candidate-")
    assert baseline.name == f"digits-baseline-{key}"
    loaded = EndpointState(ready=True, digest="sha256:1")
    proving = make_plan(Observed(base.model, {}, {candidate.name: loaded, baseline.name: loaded}), NOW)
    arguments = {
        "artifact": "file:///a",
        "digest": "sha256:1",
        "gate": GATE,
        "candidate": candidate.name,
        "baseline": baseline.name,
    }
    proof = Job(f"digits-gate-{key}", "gate", "digits", 1, arguments, cpus=1.0)
    assert proving.desired == (*loading.desired, proof)
    assert proving.refs == {Ref("Job", RECORD.name), proof.ref, candidate.ref, baseline.ref}


def test_a_verdict_is_remembered_before_the_traffic_moves_and_what_serves_is_told_with_its_figures() -> None:
    base = Observed(with_status(Status(revisions=(BUILT,))))
    key = make_plan(base, NOW).desired[0].ref.name.rpartition("-")[2]
    proof = f"digits-gate-{key}"
    check = CheckResult(name="digest", measured="same", allowed="same", passed=True, message="the same files")
    metrics = {"accuracy": 98.5, "p50Ms": 0.4}
    summary = Summary(artifact="file:///a", digest="sha256:1", metrics=metrics, checks=(check,))
    jobs = {RECORD.name: JobState("Succeeded"), proof: JobState("Succeeded", summary=summary)}
    passed = BUILT.model_copy(update={"outcome": "Passed", "gate": proof, "metrics": {"sizeBytes": 9.0, **metrics}})
    plan = make_plan(Observed(base.model, jobs), NOW)
    assert plan.status.revisions == (passed,)
    assert plan.desired == (Traffic("digits", 1, "file:///a", "sha256:1", 2, MODEL.spec.deploy),)
    seen = Observed(
        with_status(plan.status), jobs, traffic=EndpointState(ready=True, digest="sha256:1"), address=ADDRESS
    )
    serving = make_plan(seen, NOW + 60)
    done = (Reason.SUCCEEDED,)
    assert serving == Plan(
        status=Status(
            phase=Phase.SERVING,
            observed_generation=4,
            conditions=(
                condition("DataReady", "True", *done, "the data is prepared"),
                condition("Trained", "True", *done, "the network is trained"),
                condition("Compressed", "True", *done, "the artifact is packaged"),
                condition("GatePassed", "True", *done, "revision 1 met every budget at its endpoint"),
                condition("Serving", "True", *done, "revision 1 answers", "2025-10-09T08:54:20Z"),
                condition("Ready", "True", *done, "revision 1 answers", "2025-10-09T08:54:20Z"),
            ),
            endpoint=ADDRESS,
            serving=Serving(revision=1, digest="sha256:1", accuracy=98.5, size_bytes=9, p50_ms=0.4),
            revisions=(passed,),
        ),
        desired=plan.desired,
        keep=frozenset({Ref("Job", RECORD.name), Ref("Job", proof)}),
        poll_s=10.0,
    )


def test_servers_that_are_not_as_the_spec_wants_them_are_told_though_the_right_files_answer() -> None:
    record = PINNED.model_copy(update={"gate": "digits-gate-1"})
    model = with_status(Status(revisions=(record,), serving=Serving(revision=1, digest="sha256:1")))
    pinned = model.model_copy(update={"spec": model.spec.model_copy(update={"revision": 1})})
    failure = Failure(reason=Reason.NOT_INSTALLED, message="KServe is not installed")
    seen = Observed(pinned, traffic=EndpointState(ready=True, digest="sha256:1", failure=failure), address=ADDRESS)
    plan = make_plan(seen, NOW)
    found = {condition.type: (condition.status, condition.message) for condition in plan.status.conditions}
    assert plan.status.phase is Phase.DEPLOYING
    assert found[ConditionType.SERVING] == ("True", "revision 1 answers")
    told = "Serving: KServe is not installed; the switch is tried again by itself; users still get answers meanwhile"
    assert found[ConditionType.READY] == ("False", told)
    assert plan.poll_s == 15.0


def test_the_deepest_cause_is_told_in_full_with_what_to_do() -> None:
    low = CheckResult(name="minAccuracy", measured=91.0, allowed=99.0, passed=False, message="accuracy: train longer")
    big = CheckResult(name="maxSizeMiB", measured=3.0, allowed=2.0, passed=False, message="size: compress more")
    base = Observed(with_status(Status(revisions=(BUILT,))))
    proof = f"digits-gate-{make_plan(base, NOW).desired[0].ref.name.rpartition('-')[2]}"
    summary = Summary(artifact="file:///a", digest="sha256:1", checks=(low, big))
    plan = make_plan(Observed(base.model, {proof: JobState("Succeeded", summary=summary)}), NOW)
    found = {condition.type: (condition.reason, condition.message) for condition in plan.status.conditions}
    assert found[ConditionType.GATE_PASSED] == (
        Reason.BUDGET_NOT_MET,
        "accuracy: train longer; size: compress more",
    )
    assert found[ConditionType.READY] == (
        Reason.BUDGET_NOT_MET,
        "GatePassed: accuracy: train longer; size: compress more",
    )
    assert plan.status.revisions[0].message == "accuracy: train longer; size: compress more"


def test_other_files_than_those_built_are_unloaded_and_loaded_anew() -> None:
    base = Observed(with_status(Status(revisions=(BUILT,))))
    candidate, baseline = make_plan(base, NOW).desired
    states = {
        candidate.ref.name: EndpointState(ready=True, digest="sha256:other"),
        baseline.ref.name: EndpointState(ready=True, digest="sha256:1"),
    }
    plan = make_plan(Observed(base.model, {}, states, owned=frozenset({candidate.ref, baseline.ref})), NOW)
    assert plan.desired == (baseline,)
    assert candidate.ref not in plan.refs
    assert plan.status.conditions[3].reason is Reason.DIGEST_MISMATCH


def test_a_wrong_digest_found_by_the_gate_is_told_apart_from_a_budget() -> None:
    base = Observed(with_status(Status(revisions=(BUILT,))))
    proof = f"digits-gate-{make_plan(base, NOW).desired[0].ref.name.rpartition('-')[2]}"
    check = CheckResult(name="digest", measured="b", allowed="a", passed=False, message="other files are loaded")
    summary = Summary(artifact="file:///a", digest="sha256:1", checks=(check,))
    plan = make_plan(Observed(base.model, {proof: JobState("Succeeded", summary=summary)}), NOW)
    assert plan.status.conditions[3].reason is Reason.DIGEST_MISMATCH


def test_what_serves_is_seen_to_before_anything_new_is_begun() -> None:
    passed = BUILT.model_copy(update={"number": 1, "name": "digits-build-00000000", "outcome": "Passed"})
    serving = Serving(revision=1, digest="sha256:1")
    plan = make_plan(Observed(with_status(Status(serving=serving, revisions=(passed,)))), NOW)
    assert [desired.ref.kind for desired in plan.desired] == ["Traffic", "Job"]


def test_no_address_is_told_before_something_answers_there() -> None:
    assert make_plan(Observed(MODEL, address=ADDRESS), NOW).status.endpoint is None


RECHECKS: dict[str, tuple[RevisionRecord, EndpointState | None, EndpointState | None, float]] = {
    "a build is watched each second": (RECORD, None, None, 1.0),
    "a candidate that loads is watched closely": (BUILT, EndpointState(ready=False), None, 0.5),
    "a candidate that can't be loaded is tried again after a while": (
        BUILT,
        EndpointState(ready=False, failure=Failure(reason=Reason.LOAD_FAILED, message="no")),
        None,
        15.0,
    ),
    "a switch is watched closely": (PINNED, None, EndpointState(ready=False), 0.5),
    "a switch that failed is tried again after a while": (
        PINNED,
        None,
        EndpointState(ready=False, failure=Failure(reason=Reason.LOAD_FAILED, message="no")),
        15.0,
    ),
    "what serves is looked at now and then": (PINNED, None, EndpointState(ready=True, digest="sha256:1"), 10.0),
}


@pytest.mark.parametrize("case", RECHECKS)
def test_who_is_not_told_of_changes_looks_for_them_in_time(case: str) -> None:
    record, endpoint, traffic, expected = RECHECKS[case]
    pinned = MODEL.spec.model_copy(update={"revision": 1 if record is PINNED else None})
    model = MODEL.model_copy(update={"spec": pinned, "status": Status(revisions=(record,))})
    names = [e.name for e in make_plan(Observed(model), NOW).desired if isinstance(e, Endpoint)]
    endpoints = {name: endpoint for name in names if endpoint is not None}
    plan = make_plan(Observed(model, {}, endpoints, traffic), NOW)
    assert (plan.recheck_s, plan.poll_s) == (None, expected)
