"""Finding the processes that work off jobs, whoever started them and whether or not Ray still knows them."""

from collections.abc import Sequence
from pathlib import Path

import psutil

WORKER = ("-m", "services.worker")
"""The arguments of the interpreter that begin a worker; the job's folder follows them."""


def workers(jobs: Path, worker: Sequence[str] = WORKER) -> dict[str, list[psutil.Process]]:
    """The processes that work on a job in the folder `jobs`, by the job's name."""
    found: dict[str, list[psutil.Process]] = {}
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or [""]
        if command[1:-1] == list(worker) and Path(command[-1]).parent == jobs:
            found.setdefault(Path(command[-1]).name, []).append(process)
    return found
