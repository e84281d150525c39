"""Jobs on one machine: each is a folder with its order, and a Ray job that works it off.

The backend uses it. Never do two workers of one job run at once: before a job is submitted again, the old submission
is stopped and every process that still works on its folder is killed.
"""

import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from lepton.artifact import remove
from lepton.backends.local.home import Home
from lepton.backends.local.processes import descendants, end
from lepton.backends.local.ray import Ray
from lepton.backends.local.workers import workers
from lepton.errors import LeptonError
from lepton.files import as_lepton_error, write_atomically
from lepton.jobdir import JobDirectory, JobOrder
from lepton.plan.types import Job, JobState
from lepton.report import Failure, Progress
from lepton.spec.fields import Section
from lepton.spec.reasons import Reason


class Submission(Section):
    """Under which id the job was last given to which run of Ray."""

    id: str
    session: str


class Jobs:
    """All jobs of one home."""

    def __init__(self, home: Home, ray: Ray, worker: Sequence[str]) -> None:
        """`worker`: see workers.WORKER."""
        self._home = home
        self._ray = ray
        self._worker = tuple(worker)

    def ensure(self, job: Job, arguments: Mapping[str, JsonValue]) -> bool:
        """Order the job, and give it to Ray unless it is there or done. True when anything was begun.

        Raises LeptonError when it can't be ordered (disk) or submitted (Ray); another call then goes on.
        """
        directory = self._directory(job.name)
        order = directory.order()
        current = order is not None and order.attempt >= job.attempt
        if order is not None and current and (_told(directory, order) is not None or self._is_known(directory)):
            return False
        session = self._ray.session()
        if session is None and current:
            return False
        self._stop(directory)
        directory.write_order(_order(job, arguments))
        if session is not None:
            self._submit(directory, job, session)
        return True

    def progress(self, name: str) -> Progress | None:
        """What the job said last of where it stands; None before its first word."""
        return self._directory(name).progress()

    def state(self, name: str, order: JobOrder) -> JobState:
        """What is known of the job."""
        directory = self._directory(name)
        told = _told(directory, order)
        if told is not None:
            return told
        submission = _submission(directory)
        if submission is None:
            return JobState("Pending", order.attempt)
        try:
            state = self._ray.state(submission.id)
        except LeptonError:
            state = "Unknown"
        if state == "Unknown":
            running = name in workers(self._home.jobs, self._worker)
            return JobState("Running" if running else "Pending", order.attempt, directory.progress())
        if state == "Ended":
            return _told(directory, order) or _died(directory, order)
        return JobState("Running" if state == "Running" else "Pending", order.attempt, directory.progress())

    def orders(self, model: str) -> dict[str, JobOrder]:
        """Every job that was ordered for the model, by name."""
        orders = {path.name: JobDirectory(path).order() for path in self._home.jobs.glob(f"{model}-*")}
        return {name: order for name, order in orders.items() if order is not None and order.model == model}

    def delete(self, name: str) -> None:
        """Stop the job and remove its folder; the artifact of a build first, as the folder is what remembers it."""
        directory = self._directory(name)
        if not directory.path.is_dir():
            return
        order = directory.order()
        self._stop(directory)
        artifact = order.arguments.get("artifact") if order is not None and order.kind == "build" else None
        try:
            if isinstance(artifact, str):
                remove(artifact)
            shutil.rmtree(directory.path)
        except OSError as error:
            raise as_lepton_error(error, directory.path) from error

    def fingerprint(self, name: str) -> tuple[int, ...]:
        """Numbers that change whenever the job reports something. Costs microseconds."""
        directory = self._home.jobs / name
        return tuple(
            _modified(directory / file) for file in ("job.json", "progress.json", "summary.json", "failure.json")
        )

    def _directory(self, name: str) -> JobDirectory:
        return JobDirectory(self._home.jobs / name)

    def _is_known(self, directory: JobDirectory) -> bool:
        """Whether this run of Ray has it."""
        submission = _submission(directory)
        if submission is None or submission.session != self._ray.session():
            return False
        return self._ray.state(submission.id) != "Unknown"

    def _submit(self, directory: JobDirectory, job: Job, session: str) -> None:
        # written first: if this process dies in between, Ray does not know the id and the job is submitted again
        submission = Submission(id=f"{job.name}-{job.attempt}-{secrets.token_hex(3)}", session=session)
        write_atomically(directory.path / "submission.json", submission.model_dump_json().encode())
        threads = max(1, min(os.cpu_count() or 1, round(job.cpus)))
        command = (sys.executable, *self._worker, str(directory.path))
        entrypoint = f"OMP_NUM_THREADS={threads} exec {shlex.join(command)} >>{shlex.quote(str(directory.log))} 2>&1"
        self._ray.submit(submission.id, entrypoint, threads)

    def _stop(self, directory: JobDirectory) -> None:
        submission = _submission(directory)
        if submission is not None and submission.session == self._ray.session():
            self._ray.cancel(submission.id)
        found = workers(self._home.jobs, self._worker).get(directory.path.name, [])
        end(process for worker in found for process in (*descendants(worker), worker))


def _order(job: Job, arguments: Mapping[str, JsonValue]) -> JobOrder:
    return JobOrder(
        name=job.name,
        kind=job.kind,
        model=job.model,
        revision=job.revision,
        attempt=job.attempt,
        arguments=dict(arguments),
    )


def _told(directory: JobDirectory, order: JobOrder) -> JobState | None:
    """What the job itself reported as its end."""
    summary, failure = directory.summary(), directory.failure()
    if summary is not None:
        ended = _modified(directory.path / "summary.json") / 1e9
        return JobState("Succeeded", order.attempt, directory.progress(), summary, finished_at=ended)
    if failure is not None:
        ended = _modified(directory.path / "failure.json") / 1e9
        return JobState("Failed", order.attempt, directory.progress(), failure=failure, finished_at=ended)
    return None


def _died(directory: JobDirectory, order: JobOrder) -> JobState:
    """Put down that the job ended without a word, so that the time of its end is known from now on."""
    progress = directory.progress()
    message = f"the job's process ended without a report (killed?); see `lepton logs {order.model}`"
    stage = progress.stage if progress is not None else None
    failure = Failure(reason=Reason.JOB_FAILED, message=message, stage=stage)
    try:
        directory.write_failure(failure)
    except LeptonError as error:  # the disk is full, which may also be why the job could not say so itself
        told = Failure(reason=error.reason, message=error.message, stage=stage)
        return JobState("Failed", order.attempt, progress, failure=told)
    ended = _modified(directory.path / "failure.json") / 1e9
    return JobState("Failed", order.attempt, progress, failure=failure, finished_at=ended)


def _submission(directory: JobDirectory) -> Submission | None:
    try:
        return Submission.model_validate_json((directory.path / "submission.json").read_bytes())
    except FileNotFoundError:
        return None


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
