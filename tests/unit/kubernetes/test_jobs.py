"""A job's state from its report and its run: what the attempt at hand said comes first."""

from typing import Any

from lepton.backends.kubernetes.jobs import ORDER, REPORT, job_state, order_of, report_of
from lepton.backends.kubernetes.names import LONGEST_RAY_JOB, run_name
from lepton.jobdir import JobOrder
from lepton.plan.types import JobState
from lepton.report import Failure, JobReport, Progress, Summary
from lepton.spec.reasons import FINAL_REASONS, Reason

ORDERED = JobOrder(name="pets-build-12345678", kind="build", model="pets", revision=1, attempt=1, arguments={})
TRAINING = Progress(stage="train", message="epoch 1 of 2")
RUN: dict[str, Any] = {"kind": "RayJob", "metadata": {"name": "pets-build-12345678-1"}, "status": {}}


def config_map(report: JobReport | None = None) -> dict[str, Any]:
    return {"data": {ORDER: ORDERED.model_dump_json(), **({REPORT: report.model_dump_json()} if report else {})}}


def failed(**status: object) -> dict[str, Any]:
    return {**RUN, "status": {"jobDeploymentStatus": "Failed", "endTime": "1970-01-01T00:01:00Z", **status}}


def test_what_an_earlier_attempt_said_does_not_count() -> None:
    said = config_map(JobReport(attempt=0, failure=Failure(reason=Reason.DATA_INVALID, message="no image")))
    assert (order_of(said), report_of(said, ORDERED)) == (ORDERED, None)
    mine = JobReport(attempt=1, progress=TRAINING)
    assert report_of(config_map(mine), ORDERED) == mine


def test_a_job_waits_until_it_speaks_and_then_runs() -> None:
    assert job_state(ORDERED, None, None, []) == JobState("Pending", 1)
    assert job_state(ORDERED, None, RUN, []) == JobState("Pending", 1)
    assert job_state(ORDERED, JobReport(attempt=1, progress=TRAINING), RUN, []) == JobState("Running", 1, TRAINING)


def test_a_job_waits_for_the_pods_that_their_nodes_prepare() -> None:
    conditions = [{"type": "PodReadyToStartContainers", "status": "False"}]
    pod = {"metadata": {"name": "head", "namespace": "zoo"}, "status": {"conditions": conditions}}
    state = job_state(ORDERED, None, RUN, [pod])
    assert state == JobState("Pending", 1, waits_for=state.waits_for)
    assert "pod head" in state.waits_for


def test_how_it_ended_is_what_it_said_whatever_its_run_shows() -> None:
    summary = Summary(artifact="s3://a", digest="sha256:1")
    done = JobReport(attempt=1, progress=TRAINING, summary=summary, finished_at=5.0)
    assert job_state(ORDERED, done, failed(), []) == JobState("Succeeded", 1, TRAINING, summary, finished_at=5.0)
    failure = Failure(reason=Reason.DATA_INVALID, message="no image", stage="data")
    told = JobReport(attempt=1, failure=failure, finished_at=6.0)
    assert job_state(ORDERED, told, failed(), []) == JobState("Failed", 1, failure=failure, finished_at=6.0)


def test_a_run_that_ended_without_a_word_has_failed_with_what_kuberay_says() -> None:
    state = job_state(ORDERED, JobReport(attempt=1, progress=TRAINING), failed(message="Job\nfailed"), [])
    message = "RayJob pets-build-12345678-1 ended without a word (Job failed)"
    failure = Failure(reason=Reason.JOB_FAILED, message=message, stage="train")
    assert state == JobState("Failed", 1, TRAINING, failure=failure, finished_at=60.0)


def test_a_job_that_was_stopped_or_refused_by_kuberay_has_failed() -> None:
    for status in ({"jobStatus": "STOPPED"}, {"jobDeploymentStatus": "ValidationFailed"}):
        assert job_state(ORDERED, None, {**RUN, "status": status}, []).phase == "Failed"


def test_past_its_deadline_a_job_has_failed_for_good_whatever_it_said_while_it_was_stopped() -> None:
    told = JobReport(attempt=1, progress=TRAINING, failure=Failure(reason=Reason.JOB_FAILED, message="Ray is gone"))
    run = {**failed(reason="DeadlineExceeded"), "spec": {"activeDeadlineSeconds": 1800}}
    problem = "the build took longer than the 30 minutes of train.deadlineMinutes"
    message = f"{problem}: raise it, or lower train.epochs or data.limit; what it had learnt is kept"
    failure = Failure(reason=Reason.DEADLINE_EXCEEDED, message=message, stage="train")
    assert job_state(ORDERED, told, run, []) == JobState("Failed", 1, TRAINING, failure=failure, finished_at=60.0)
    assert failure.reason in FINAL_REASONS


def test_a_job_that_kueue_holds_waits_for_its_queue_also_when_it_ran_before() -> None:
    held = {
        "kind": "RayJob",
        "metadata": {"name": "pets-build-1", "namespace": "zoo", "labels": {"kueue.x-k8s.io/queue-name": "vision"}},
        "spec": {"suspend": True},
    }
    message = (
        "waits for quota in queue vision: `kubectl describe localqueue vision --namespace zoo` tells what is short"
    )
    trouble = Failure(reason=Reason.QUEUED, message=message)
    said = JobReport(attempt=1, progress=TRAINING)
    assert job_state(ORDERED, said, held, []) == JobState("Pending", 1, TRAINING, trouble=trouble)
    admitted = {**held, "spec": {"suspend": False}}
    assert job_state(ORDERED, said, admitted, []) == JobState("Running", 1, TRAINING)


def test_a_run_that_somebody_suspended_by_hand_says_how_it_goes_on() -> None:
    held = {**RUN, "spec": {"suspend": True}}
    message = "RayJob pets-build-12345678-1 was suspended by hand: set its spec.suspend to false"
    assert job_state(ORDERED, None, held, []).trouble == Failure(reason=Reason.SUSPENDED, message=message)


def test_a_quota_that_forbids_the_pods_of_a_run_is_told_by_its_ray_cluster() -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "message": "pods is forbidden: exceeded quota: small"}
    run = {**RUN, "status": {"rayClusterStatus": {"conditions": [condition]}}}
    trouble = job_state(ORDERED, None, run, []).trouble
    assert trouble is not None
    assert trouble.reason is Reason.QUOTA_EXCEEDED


def test_each_attempt_has_a_name_of_its_own_that_kuberay_takes() -> None:
    long = ORDERED.model_copy(update={"name": f"{'m' * 40}-build-12345678", "model": "m" * 40})
    other = long.model_copy(update={"name": f"{'m' * 40}-build-87654321"})
    names = {run_name(one) for one in (long, other, long.model_copy(update={"attempt": 12}), ORDERED)}
    assert len(names) == 4
    assert max(map(len, names)) <= LONGEST_RAY_JOB
    assert run_name(ORDERED) == "pets-build-12345678-1"
