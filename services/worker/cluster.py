"""The worker on a cluster: `python -m services.worker.cluster ORDER_FILE NAMESPACE`.

The order is a file of the job's ConfigMap; what the job says goes back into that ConfigMap, the one object that its
service account may patch, and lies beside the order when the job is run again.
"""

import sys
import time
from pathlib import Path

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from pydantic import ValidationError
from urllib3.exceptions import HTTPError

from lepton.backends.kubernetes.jobs import REPORT
from lepton.errors import LeptonError
from lepton.jobdir import JobOrder
from lepton.report import Failure, JobReport, Progress, Summary
from lepton.spec.reasons import Reason
from services.worker.progress import Reporter
from services.worker.run import run

_SECONDS_BETWEEN_WRITES = 10.0
_PATIENCE_S = 600.0
"""How long a job tries to tell how it ended before it counts as failed."""
_LONGEST_PAUSE_S = 15.0
_TIMEOUT_S = 30.0
"""Of one write: over a connection that was lost without a word, a job would wait for its answer for ever."""


class ConfigMapReports:
    """See services.worker.progress.Reports."""

    def __init__(self, api: client.CoreV1Api, namespace: str, order: JobOrder) -> None:
        self._api = api
        self._namespace = namespace
        self._name = order.name
        self._report = JobReport(attempt=order.attempt)

    def write_progress(self, progress: Progress) -> None:
        """Say where the job stands; what can't be said now is said next time."""
        self._report = self._report.model_copy(update={"progress": progress})
        try:
            self._write()
        except (ApiException, HTTPError) as error:
            print(f"progress can't be told ({error})", file=sys.stderr)  # noqa: T201 - a job's log is what it prints

    def write_summary(self, summary: Summary) -> None:
        """Say that the job succeeded."""
        self._end(summary=summary)

    def write_failure(self, failure: Failure) -> None:
        """Say that the job failed."""
        self._end(failure=failure)

    def _end(self, **outcome: object) -> None:
        """Say how it ended, and try for as long as it takes: nothing else tells it. Raises LeptonError."""
        self._report = self._report.model_copy(update={**outcome, "finished_at": time.time()})
        deadline, pause_s = time.monotonic() + _PATIENCE_S, 0.5
        while True:
            try:
                return self._write()
            except (ApiException, HTTPError) as error:
                if time.monotonic() > deadline:
                    why = getattr(error, "reason", error)  # the whole of it has the server's headers in it
                    message = f"the API server could not be told how the job ended ({why}): it is tried again by itself"
                    raise LeptonError(Reason.SERVER_UNAVAILABLE, message) from error
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _write(self) -> None:
        body = {"data": {REPORT: self._report.model_dump_json(by_alias=True)}}
        self._api.patch_namespaced_config_map(
            self._name, self._namespace, body, field_manager="lepton-worker", _request_timeout=_TIMEOUT_S
        )


def is_done(report: Path, order: JobOrder) -> bool:
    """Whether an earlier run of this attempt told its success: Kueue may suspend it just then, and let it go on."""
    try:
        told = JobReport.model_validate_json(report.read_bytes())
    except (FileNotFoundError, ValidationError):
        return False
    return told.attempt == order.attempt and told.summary is not None


def main() -> int:
    """Run the job that the arguments name, unless it is done already. Returns the exit status."""
    file = Path(sys.argv[1])
    order = JobOrder.model_validate_json(file.read_bytes())
    if is_done(file.with_name(REPORT), order):
        return 0
    config.load_config()  # type: ignore[no-untyped-call]  # untyped in the client
    reports = ConfigMapReports(client.CoreV1Api(), sys.argv[2], order)
    return run(order, reports, Reporter(reports, _SECONDS_BETWEEN_WRITES))


if __name__ == "__main__":
    sys.exit(main())
