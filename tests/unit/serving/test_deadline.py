"""A build that takes too long is ended, and says why first."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lepton.errors import LeptonError
from lepton.jobdir import JobDirectory, JobOrder
from lepton.report import Progress, past_deadline
from lepton.spec.reasons import Reason
from services.worker import data
from services.worker import deadline as module
from services.worker import run as running
from services.worker.deadline import deadline
from services.worker.progress import Reporter
from tests.contract.harness import digits

MINUTES = 30


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds for which timers were asked; each goes off at once."""
    found: list[float] = []
    timer = threading.Timer

    def at_once(seconds: float, stop: object) -> threading.Timer:
        found.append(seconds)
        return timer(0, stop)  # type: ignore[arg-type]  # as the real one is called

    monkeypatch.setattr(module.threading, "Timer", at_once)
    return found


def test_a_build_past_its_deadline_says_so_in_the_stage_that_it_is_in_and_ends(
    tmp_path: Path, asked: list[float]
) -> None:
    directory, ended = JobDirectory(tmp_path), threading.Event()
    reporter = Reporter(directory)
    reporter.say(Progress(stage="train"))
    with deadline(MINUTES, reporter, lambda _: ended.set()):
        assert ended.wait(5)
    assert asked == [60 * MINUTES]
    assert directory.failure() == past_deadline(MINUTES, "train")


def test_without_a_deadline_nothing_is_timed(tmp_path: Path, asked: list[float]) -> None:
    with deadline(None, Reporter(JobDirectory(tmp_path))):
        pass
    assert asked == []


def test_a_build_that_ends_in_time_is_not_ended(tmp_path: Path) -> None:
    directory = JobDirectory(tmp_path)
    with deadline(MINUTES, Reporter(directory)):
        (timer,) = (one for one in threading.enumerate() if isinstance(one, threading.Timer))
    timer.join(5)
    assert (timer.is_alive(), directory.failure()) == (False, None)


def test_the_deadline_of_the_spec_holds_from_the_first_look_at_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int | None] = []

    @contextmanager
    def kept(minutes: int | None, _: Reporter) -> Iterator[None]:
        held.append(minutes)
        yield
        held.append(None)

    def read(*_: object) -> None:
        assert held == [MINUTES]
        raise LeptonError(Reason.DATA_NOT_FOUND, "no data")

    monkeypatch.setattr(running, "deadline", kept)
    monkeypatch.setattr(data, "prepare_data", read)
    spec = digits(train={"deadlineMinutes": MINUTES}).model_dump(mode="json", by_alias=True)
    arguments = {"spec": spec, "work": str(tmp_path)}
    order = JobOrder(name="digits-build-0", kind="build", model="digits", revision=1, attempt=0, arguments=arguments)
    with pytest.raises(LeptonError, match="no data"):
        running.build(order, Reporter(JobDirectory(tmp_path)))
