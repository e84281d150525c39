"""A worker that does what a test writes into its folder: `python worker.py JOB_DIRECTORY`.

It stands in for services.worker, whose real work takes minutes; the way in which Ray runs it is the same.
"""

import fcntl
import os
import sys
import time
from pathlib import Path

from lepton.jobdir import JobDirectory
from lepton.report import Failure, Progress, Summary

DIE = "die"


def command(directory: Path, name: str, value: str) -> None:
    """Tell the worker of this folder, which may start only later, what to do."""
    fresh = directory / f".{name}"
    fresh.write_text(value)
    fresh.rename(directory / name)


def _obey(directory: JobDirectory) -> bool:
    """Do what was asked, if anything was; whether that was the end."""
    for name in ("do-progress", "do-summary", "do-failure"):
        path = directory.path / name
        if not path.exists():
            continue
        value = path.read_text()
        path.unlink()
        if value == DIE:
            os._exit(9)
        if name == "do-progress":
            directory.write_progress(Progress.model_validate_json(value))
            return False
        if name == "do-summary":
            directory.write_summary(Summary.model_validate_json(value))
        else:
            directory.write_failure(Failure.model_validate_json(value))
        return True
    return False


def main() -> None:
    directory = JobDirectory(Path(sys.argv[1]))
    with (directory.path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with (directory.path / "starts").open("a") as starts:
            starts.write(f"{os.getpid()}\n")
        while not _obey(directory):
            time.sleep(0.02)


if __name__ == "__main__":
    main()
