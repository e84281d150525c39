"""Collects what the stages of a job say and passes it on: often enough to watch, rarely enough to cost nothing."""

import time
from typing import Protocol

from lepton.report import BuildStage, Failure, Progress, Summary


class Reports(Protocol):
    """Where a job says how it stands and how it ended. Each method may raise LeptonError."""

    def write_progress(self, progress: Progress) -> None:
        """Say where the job stands."""

    def write_summary(self, summary: Summary) -> None:
        """Say that the job succeeded."""

    def write_failure(self, failure: Failure) -> None:
        """Say that the job failed."""


class Reporter:
    """Passes on the progress, writes it to the job's log, and measures the stages."""

    def __init__(self, reports: Reports, seconds_between_writes: float = 0.2) -> None:
        self.stage: BuildStage | None = None
        self.stage_seconds: dict[str, float] = {}
        self.reports = reports
        self._seconds_between_writes = seconds_between_writes
        self._stage_began = time.monotonic()
        self._last_write = 0.0
        self._last_message = ""

    def say(self, progress: Progress) -> None:
        """Take note of where the job stands."""
        changed = progress.stage != self.stage
        if changed:
            self.end_stage()
            self.stage = progress.stage
        if progress.message != self._last_message:
            print(f"{progress.stage}: {progress.message}", flush=True)  # noqa: T201 - the job's log
            self._last_message = progress.message
        now = time.monotonic()
        if changed or now - self._last_write >= self._seconds_between_writes:
            self._last_write = now
            self.reports.write_progress(progress.model_copy(update={"stage_seconds": dict(self.stage_seconds)}))

    def end_stage(self) -> None:
        """Close the account of the stage that ran until now."""
        now = time.monotonic()
        if self.stage is not None:
            self.stage_seconds[self.stage] = round(self.stage_seconds.get(self.stage, 0.0) + now - self._stage_began, 3)
        self._stage_began = now
