"""The worker on one machine: runs one job to its end. `python -m services.worker JOB_DIRECTORY`.

It reads its order from the job's folder and leaves a summary or a failure there. Two workers never run the same job:
the second waits for the first to end and then finds the work done, or takes it over.
"""

import fcntl
import sys
from pathlib import Path

from lepton.jobdir import JobDirectory
from services.worker.progress import Reporter
from services.worker.run import run


def take_over(directory: JobDirectory) -> int:
    """Run the job of this folder, unless it is done already. Returns the exit status."""
    order = directory.order()
    if order is None:
        print(f"{directory.path} holds no job.json: a job is ordered by the control loop", file=sys.stderr)  # noqa: T201 - the job's log
        return 2
    if directory.summary() is not None:
        return 0
    return run(order, directory, Reporter(directory))


def main() -> int:
    """Run the job whose folder is the one argument."""
    directory = JobDirectory(Path(sys.argv[1]))
    with (directory.path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return take_over(directory)


if __name__ == "__main__":
    sys.exit(main())
