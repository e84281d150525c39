"""Ends a build that takes longer than train.deadlineMinutes, wherever it runs. Used by run.

On a cluster KubeRay keeps the same deadline from outside, also for a build that waits for its pods or hangs.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from lepton.errors import LeptonError
from lepton.report import past_deadline
from services.worker.progress import Reporter


@contextmanager
def deadline(minutes: int | None, reporter: Reporter, end: Callable[[int], object] = os._exit) -> Iterator[None]:
    """Within the block, the whole process ends once so many minutes are over; why is told first."""
    if minutes is None:
        yield
        return

    def stop() -> None:
        failure = past_deadline(minutes, reporter.stage)
        print(f"failed: {failure.reason}: {failure.message}", file=sys.stderr, flush=True)  # noqa: T201 - the job's log
        with suppress(LeptonError):
            reporter.reports.write_failure(failure)
        end(1)

    timer = threading.Timer(60 * minutes, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
