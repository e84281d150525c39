"""The worker: runs one job to its end. `python -m services.worker JOB_DIRECTORY`.

It reads its order from the job's folder and leaves a summary or a failure there. Two workers never run the same job:
the second waits for the first to end and then finds the work done, or takes it over.
"""

import fcntl
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lepton.errors import LeptonError
from lepton.jobdir import JobDirectory, JobOrder
from lepton.report import Failure, JobKind, Summary
from lepton.spec.reasons import Reason
from services.worker.progress import Reporter


def build(order: JobOrder, reporter: Reporter) -> Summary:
    """Train, compress and package a revision."""
    from services.worker.build import build_revision  # noqa: PLC0415 - torch is needed only here

    return build_revision(order, reporter)


def gate(order: JobOrder, reporter: Reporter) -> Summary:
    """Prove a loaded candidate."""
    from services.worker.gate import prove_candidate  # noqa: PLC0415 - a gate job never loads torch, nor a build tritonclient

    return prove_candidate(order, reporter)


KINDS: dict[JobKind, Callable[[JobOrder, Reporter], Summary]] = {"build": build, "gate": gate}


def run(directory: JobDirectory) -> int:
    """Run the job of this folder, unless it is done already. Returns the exit status."""
    order = directory.order()
    if order is None:
        print(f"{directory.path} holds no job.json: a job is ordered by the control loop", file=sys.stderr)  # noqa: T201
        return 2
    if directory.summary() is not None:
        return 0
    reporter = Reporter(directory)
    try:
        directory.write_summary(KINDS[order.kind](order, reporter))
    except LeptonError as error:
        return _fail(directory, reporter, error.reason, error.message)
    except MemoryError:
        message = "the machine ran out of memory: lower train.batchSize or data.image.size, or free some memory"
        return _fail(directory, reporter, Reason.OUT_OF_MEMORY, message)
    except Exception as error:  # noqa: BLE001 - the last line of defence: whatever it is, the control loop must hear of it
        traceback.print_exc()
        message = f"{type(error).__name__}: {error}"[:2000]
        return _fail(directory, reporter, Reason.JOB_FAILED, f"{message} (see `lepton logs {order.model}`)")
    return 0


def _fail(directory: JobDirectory, reporter: Reporter, reason: Reason, message: str) -> int:
    print(f"failed: {reason}: {message}", file=sys.stderr)  # noqa: T201 - a job's log is what it prints
    with suppress(LeptonError):  # on a full disk: the control loop then finds that the job ended without a word
        directory.write_failure(Failure(reason=reason, message=message, stage=reporter.stage))
    return 1


def main() -> int:
    """Run the job whose folder is the one argument."""
    directory = JobDirectory(Path(sys.argv[1]))
    with (directory.path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return run(directory)


if __name__ == "__main__":
    sys.exit(main())
