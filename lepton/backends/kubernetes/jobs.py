"""What is known of a job: from the ConfigMap in which it reports, the run of its last attempt, and that run's pods.

Pure. The run is a RayJob for a build and a batch Job for a gate.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from lepton.backends.kubernetes.health import being_prepared, trouble
from lepton.backends.kubernetes.kinds import Object
from lepton.backends.kubernetes.names import RENDERED
from lepton.backends.kubernetes.scheduling import in_queue
from lepton.errors import LeptonError
from lepton.jobdir import JobOrder
from lepton.plan.types import JobState
from lepton.report import BuildStage, Failure, JobReport, Progress, past_deadline
from lepton.spec.reasons import Reason

T = TypeVar("T", bound=BaseModel)

ORDER, REPORT = "order.json", "report.json"
"""What the job's ConfigMap holds: what to do, written by the operator, and what came of it, written by the job."""


def order_of(config_map: Object) -> JobOrder:
    """What the job is to do. Raises LeptonError where that can't be read."""
    return _read(JobOrder, config_map, ORDER)


def readable_order(config_map: Object) -> JobOrder | None:
    """What the job is to do; None where somebody damaged that, so that it must be written anew."""
    try:
        return order_of(config_map)
    except LeptonError:
        return None


def last_attempt(config_map: Object, runs: Iterable[str]) -> int:
    """At which attempt a job is whose order is damaged: as it said last, else as its runs are named."""
    try:
        return _read(JobReport, config_map, REPORT).attempt
    except LeptonError:
        return max((int(run.rpartition("-")[2]) for run in runs), default=0)


def report_of(config_map: Object, order: JobOrder) -> JobReport | None:
    """What the attempt at hand said last; None before its first word. What an earlier one said does not count.

    Raises LeptonError where that can't be read.
    """
    report = _read(JobReport, config_map, REPORT) if config_map.get("data", {}).get(REPORT) else None
    return report if report is not None and report.attempt == order.attempt else None


def has_told_its_end(config_map: Object, order: JobOrder) -> bool:
    """Whether the attempt at hand said how it ended."""
    report = report_of(config_map, order)
    return report is not None and (report.summary is not None or report.failure is not None)


def is_outdated(run: Object, wanted: Object, report: JobReport | None) -> bool:
    """Whether a run that has not said a word was made otherwise than it would be now: with another image, say.

    Of one whose annotations somebody took away nothing is known, and it goes on.
    """
    made, now = (one["metadata"].get("annotations", {}).get(RENDERED) for one in (run, wanted))
    return report is None and made not in (None, now)


def job_state(order: JobOrder, report: JobReport | None, run: Object | None, pods: Sequence[Object]) -> JobState:
    """Where the job stands."""
    said = report or JobReport(attempt=order.attempt)
    if said.summary is not None:
        return JobState("Succeeded", order.attempt, said.progress, said.summary, finished_at=said.finished_at)
    if run is not None and _is_past_deadline(run):  # whatever the job said of its end while it was being stopped
        failure = past_deadline(run["spec"]["activeDeadlineSeconds"] / 60, _stage(said))
        return JobState("Failed", order.attempt, said.progress, failure=failure, finished_at=_ended_at(run))
    if said.failure is not None:
        return JobState("Failed", order.attempt, said.progress, failure=said.failure, finished_at=said.finished_at)
    if run is not None and is_failed(run):
        failure = Failure(reason=Reason.JOB_FAILED, message=_why_failed(run), stage=_stage(said))
        return JobState("Failed", order.attempt, said.progress, failure=failure, finished_at=_ended_at(run))
    held = _holding(run) if run is not None else None
    at_work = run is not None and held is None and said.progress is not None
    hindrance = held or trouble(pods, _maker(run))
    return JobState(
        "Running" if at_work else "Pending",
        order.attempt,
        said.progress,
        trouble=hindrance,
        waits_for=being_prepared(pods),
    )


def progress_of(config_maps: Iterable[Object]) -> Progress | None:
    """What the job at work among those of a model said last. What can't be read of another says nothing here."""
    for config_map in config_maps:
        order = readable_order(config_map)
        with suppress(LeptonError):
            if order is not None and not has_told_its_end(config_map, order):
                report = report_of(config_map, order)
                return None if report is None else report.progress
    return None


def is_failed(run: Object) -> bool:
    """Whether a RayJob or a Job has ended, and not well."""
    status = run.get("status", {})
    conditions = status.get("conditions", ())
    return (
        status.get("jobDeploymentStatus") in ("Failed", "ValidationFailed")
        or status.get("jobStatus") in ("FAILED", "STOPPED")
        or any(one["type"] == "Failed" and one["status"] == "True" for one in conditions)
    )


def _read(kind: type[T], config_map: Object, entry: str) -> T:
    try:
        return kind.model_validate_json(config_map.get("data", {}).get(entry, ""))
    except ValidationError as error:
        what = f"ConfigMap {config_map['metadata']['name']} holds no {entry} that this version of Lepton can read"
        raise LeptonError(Reason.RECONCILE_ERROR, f"{what}: delete it, and the job begins anew") from error


def _is_past_deadline(run: Object) -> bool:
    return bool(run.get("status", {}).get("reason") == "DeadlineExceeded")


def _holding(run: Object) -> Failure | None:
    """Who keeps a RayJob or a Job from running: Kueue, until there is quota, or somebody who suspended it by hand."""
    if not run.get("spec", {}).get("suspend"):
        return None
    message = f"{run['kind']} {run['metadata']['name']} was suspended by hand: set its spec.suspend to false"
    return in_queue(run) or Failure(reason=Reason.SUSPENDED, message=message)


def _maker(run: Object | None) -> Object | None:
    """What tells why pods can't be made: a RayJob repeats what its RayCluster says."""
    cluster = (run or {}).get("status", {}).get("rayClusterStatus")
    return {"status": cluster} if cluster else run


def _why_failed(run: Object) -> str:
    status = run.get("status", {})
    told = [one.get("message", "") for one in status.get("conditions", ()) if one["type"] == "Failed"]
    why = " ".join((told[0] if told else status.get("message", "")).split())[:500]
    return f"{run['kind']} {run['metadata']['name']} ended without a word{f' ({why})' if why else ''}"


def _ended_at(run: Object) -> float | None:
    status = run.get("status", {})
    times = [one.get("lastTransitionTime") for one in status.get("conditions", ()) if one["type"] == "Failed"]
    ended = status.get("endTime") or (times[0] if times else None)
    return None if ended is None else datetime.fromisoformat(ended).timestamp()


def _stage(said: JobReport) -> BuildStage | None:
    return said.progress.stage if said.progress is not None else None
