"""How a job ends: what it leaves in its folder for the control loop, whatever went wrong in it."""

import errno
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import ReadTimeoutError

from lepton.errors import LeptonError
from lepton.jobdir import JobDirectory, JobOrder
from lepton.report import Failure, JobReport, Progress, Summary
from lepton.spec.reasons import Reason
from services.worker import cluster
from services.worker.__main__ import take_over
from services.worker.progress import Reporter
from services.worker.run import KINDS, run

DONE = Summary(artifact="file:///a", digest="sha256:1")


@pytest.fixture
def directory(tmp_path: Path) -> JobDirectory:
    ordered = JobDirectory(tmp_path / "job")
    order = JobOrder(name="digits-build-0", kind="build", model="digits", revision=1, attempt=0, arguments={})
    ordered.write_order(order)
    return ordered


ENDS: dict[str, tuple[Exception, Reason, str]] = {
    "what is foreseen is told as it is": (
        LeptonError(Reason.DATA_INVALID, "data.uri: no image in it"),
        Reason.DATA_INVALID,
        "data.uri: no image in it",
    ),
    "a lack of memory says what to lower": (
        MemoryError(),
        Reason.OUT_OF_MEMORY,
        "the machine ran out of memory: lower train.batchSize or data.image.size, or free some memory",
    ),
    "a full disk is no crash, wherever it shows": (
        OSError(errno.ENOSPC, "No space left on device", "/tmp/events"),
        Reason.DISK_FULL,
        "no space left to write /tmp/events: free some space; the work then goes on by itself",
    ),
    "what nobody foresaw names the log": (
        ZeroDivisionError("by zero"),
        Reason.JOB_FAILED,
        "ZeroDivisionError: by zero (see `lepton logs digits`)",
    ),
}


@pytest.mark.parametrize("case", ENDS)
def test_a_job_that_fails_says_why_and_in_which_stage(
    case: str, directory: JobDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, reason, message = ENDS[case]

    def fails(_: JobOrder, reporter: Reporter) -> Summary:
        reporter.say(Progress(stage="train"))
        raise error

    monkeypatch.setitem(KINDS, "build", fails)
    assert take_over(directory) == 1
    assert directory.failure() == Failure(reason=reason, message=message, stage="train")
    assert directory.summary() is None


def test_a_job_that_is_done_is_not_done_again(directory: JobDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []

    def succeeds(order: JobOrder, _: Reporter) -> Summary:
        runs.append(order.name)
        return DONE

    monkeypatch.setitem(KINDS, "build", succeeds)
    assert [take_over(directory), take_over(directory)] == [0, 0]
    assert (runs, directory.summary(), directory.failure()) == (["digits-build-0"], DONE, None)


def test_a_folder_without_an_order_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert take_over(JobDirectory(tmp_path)) == 2
    assert "holds no job.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("told", "is_done"),
    [
        (JobReport(attempt=1, summary=DONE), True),
        (JobReport(attempt=0, summary=DONE), False),
        (JobReport(attempt=1, failure=Failure(reason=Reason.DATA_INVALID, message="no image")), False),
        (JobReport(attempt=1, progress=Progress(stage="train")), False),
        (None, False),
    ],
    ids=["it told its success", "an earlier attempt did", "it failed", "it was under way", "it has not said a word"],
)
def test_a_run_on_a_cluster_that_is_begun_again_is_done_where_it_told_its_success(
    tmp_path: Path, told: JobReport | None, is_done: bool
) -> None:
    order = JobOrder(name="digits-build-0", kind="build", model="digits", revision=1, attempt=1, arguments={})
    report = tmp_path / "report.json"
    if told is not None:
        report.write_text(told.model_dump_json(by_alias=True))
    assert cluster.is_done(report, order) == is_done


def test_a_report_that_somebody_damaged_is_no_success(tmp_path: Path) -> None:
    order = JobOrder(name="digits-build-0", kind="build", model="digits", revision=1, attempt=0, arguments={})
    (tmp_path / "report.json").write_text("no JSON")
    assert not cluster.is_done(tmp_path / "report.json", order)


class Api:
    """Plays the API server: raises what it is given, one after the other, and then the last for ever."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.told: list[JobReport] = []
        self.timeouts: set[float] = set()

    def patch_namespaced_config_map(
        self, _: str, __: str, body: Any, field_manager: str, _request_timeout: float
    ) -> None:
        self.timeouts.add(_request_timeout)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise answer
        self.told.append(JobReport.model_validate_json(body["data"]["report.json"]))


LOST = ReadTimeoutError(None, "", "read timed out")  # type: ignore[arg-type]  # nothing reads the pool
ORDER = JobOrder(name="digits-build-0", kind="build", model="digits", revision=1, attempt=0, arguments={})


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time passes, and there is no patience."""
    monkeypatch.setattr("services.worker.cluster.time.sleep", lambda _: None)
    monkeypatch.setattr(cluster, "_PATIENCE_S", -1.0)


def test_no_write_of_a_job_waits_for_ever_for_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.worker.cluster.time.sleep", lambda _: None)
    api = Api(LOST, ApiException(500, "Internal"), LOST, None)
    reports = cluster.ConfigMapReports(api, "team", ORDER)  # type: ignore[arg-type]  # what it calls is there
    reports.write_progress(Progress(stage="train"))
    reports.write_summary(DONE)
    assert api.timeouts == {30.0}
    assert [(report.progress, report.summary) for report in api.told] == [(Progress(stage="train"), DONE)]


def test_a_job_that_can_not_tell_its_end_ends_all_the_same(
    hasty: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(KINDS, "build", lambda *_: DONE)
    for answer in (LOST, ApiException(403, "Forbidden")):
        reports = cluster.ConfigMapReports(Api(answer), "team", ORDER)  # type: ignore[arg-type]  # see above
        assert run(ORDER, reports, Reporter(reports)) == 1
    said = capsys.readouterr().err
    assert "failed: ServerUnavailable: the API server could not be told how the job ended (Forbidden): " in said
    assert "Traceback" not in said
