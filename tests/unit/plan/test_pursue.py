"""Following a job: what to do about it in each of its states, and how long to wait before another try."""

from dataclasses import replace

import pytest

from lepton.plan.pursue import Pursuit, delay_s, pursue, sentence
from lepton.plan.types import Job, JobState
from lepton.report import Failure, Summary
from lepton.spec.reasons import FINAL_REASONS, Reason

NOW = 1_000.0
JOB = Job("digits-build-00000000", "build", "digits", 1, {}, cpus=1.0)
KEEP = frozenset({JOB.ref})
CRASH = Failure(reason=Reason.JOB_FAILED, message="killed")
MENDABLE = Failure(reason=Reason.DATA_INVALID, message="data.uri: no image in it")
FULL = Failure(reason=Reason.DISK_FULL, message="no space left")
SILENT = Failure(reason=Reason.JOB_FAILED, message="the job ended without a word")


def failed(failure: Failure | None, attempt: int = 0, ago: float = 0.0) -> JobState:
    return JobState("Failed", attempt, failure=failure, finished_at=NOW - ago)


def attempt(number: int) -> tuple[Job, ...]:
    return (replace(JOB, attempt=number),)


CASES: dict[str, tuple[JobState | None, bool, Pursuit]] = {
    "what is not there is begun": (None, True, Pursuit(attempt(0), poll_s=1.0)),
    "what may not start is not begun": (None, False, Pursuit()),
    "what waits is asked for again, as the attempt it is": (
        JobState("Pending", 3),
        True,
        Pursuit(attempt(3), KEEP, poll_s=1.0),
    ),
    "what runs goes on": (JobState("Running", 1), True, Pursuit(attempt(1), KEEP, poll_s=1.0)),
    "what runs while nothing may start is left alone": (JobState("Running", 1), False, Pursuit((), KEEP, poll_s=1.0)),
    "what succeeded stays": (
        JobState("Succeeded", summary=Summary(artifact="a", digest="d")),
        True,
        Pursuit((), KEEP),
    ),
    "what the user must mend is given up at once": (
        failed(MENDABLE, ago=1e9),
        True,
        Pursuit((), KEEP, failure=MENDABLE, given_up=True),
    ),
    "what crashed waits a little": (
        failed(CRASH),
        True,
        Pursuit((), KEEP, delay_s(JOB.name, 0), failure=CRASH),
    ),
    "what crashed is tried again after a while": (
        failed(CRASH, 2, ago=60),
        True,
        Pursuit(attempt(3), KEEP, poll_s=1.0, failure=CRASH),
    ),
    "what crashed is not tried again while nothing may start": (
        failed(CRASH, 2, ago=60),
        False,
        Pursuit((), KEEP, poll_s=1.0, failure=CRASH),
    ),
    "what died without a word is tried again": (
        failed(None, ago=60),
        True,
        Pursuit(attempt(1), KEEP, poll_s=1.0, failure=SILENT),
    ),
    "the sixth crash is the last": (
        failed(CRASH, 5, ago=1e9),
        True,
        Pursuit((), KEEP, failure=CRASH, given_up=True),
    ),
    "a full disk is tried for ever": (
        failed(FULL, 50, ago=400),
        True,
        Pursuit(attempt(51), KEEP, poll_s=1.0, failure=FULL),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_job_is_followed(case: str) -> None:
    state, may_start, expected = CASES[case]
    assert pursue(JOB, state, NOW, may_start) == expected


@pytest.mark.parametrize("reason", sorted(FINAL_REASONS))
def test_no_reason_that_the_user_must_mend_is_retried(reason: Reason) -> None:
    failure = Failure(reason=reason, message="mend it")
    pursuit = pursue(JOB, failed(failure, ago=1e9), NOW, may_start=True)
    assert (pursuit.given_up, pursuit.desired) == (True, ())


RETRIES = {
    "what a person mended and asks for again is tried at once": (100.0, 50.0, True),
    "a failure after the last asking is final": (50.0, 100.0, False),
    "asking in the future is not asking": (100.0, -10.0, False),
}


@pytest.mark.parametrize("case", RETRIES)
def test_a_final_failure_is_tried_again_when_a_person_asks(case: str) -> None:
    failed_ago, asked_ago, again = RETRIES[case]
    state = failed(Failure(reason=Reason.DATA_NOT_FOUND, message="mend it"), ago=failed_ago)
    pursuit = pursue(JOB, state, NOW, may_start=True, retried_at=NOW - asked_ago)
    assert (pursuit.given_up, pursuit.desired) == ((False, attempt(1)) if again else (True, ()))


def test_delays_double_up_to_five_minutes_and_stay_within_a_quarter() -> None:
    plain = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    delays = [delay_s(JOB.name, number) for number in range(12)]
    assert all(0.75 * p <= delay <= 1.25 * p for p, delay in zip(plain, delays, strict=True))
    assert delay_s(JOB.name, 10_000) <= 375


def test_jobs_that_failed_together_come_back_at_different_times_and_always_the_same() -> None:
    delays = [delay_s(f"pets-build-{number:08x}", 3) for number in range(50)]
    assert len({round(delay, 3) for delay in delays}) > 45
    assert delays == [delay_s(f"pets-build-{number:08x}", 3) for number in range(50)]


SENTENCES = {
    "what the user must mend is told as it is": (MENDABLE, True, 0, "data.uri: no image in it"),
    "a crash says that it is tried again": (CRASH, False, 1, "killed; try 3 follows by itself"),
    "the last crash says how to go on": (
        CRASH,
        True,
        5,
        "killed; given up after 6 tries: see `lepton logs`, then apply it again to try once more",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_a_failure_is_told_with_what_follows(case: str) -> None:
    failure, given_up, number, expected = SENTENCES[case]
    assert sentence(failure, given_up, number) == expected
