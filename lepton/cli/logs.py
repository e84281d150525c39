"""What the jobs of a revision printed: build first, then gate. Reads the jobs' folders; never talks to Ray."""

import sys
import time
from pathlib import Path

from lepton.backends.local.home import Home
from lepton.cli.errors import CommandError
from lepton.cli.machine import open_store, require, warn_when_down
from lepton.cli.results import find_revision
from lepton.jobdir import JobDirectory
from lepton.spec.resource import LeptonModel
from lepton.spec.status import RevisionRecord

_POLL_S = 0.25
_FINISHED = frozenset({"Passed", "Failed", "Superseded"})


def show_logs(name: str, revision: int | None, *, keep_on: bool) -> None:
    """Print the logs of one revision, the newest by default; with `keep_on` until its jobs have ended.

    Raises LeptonError when there is no such revision, CommandError when it has not printed anything yet.
    """
    record = find_revision(_read(name), revision)
    if keep_on:
        warn_when_down()
    shown: dict[Path, int] = {}
    while True:
        finished = record.outcome in _FINISHED
        for log in _logs(name, record):
            shown[log] = _print_from(log, shown.get(log, 0))
        if finished or not keep_on:
            break
        time.sleep(_POLL_S)
        record = find_revision(_read(name), record.number)
    if not shown:
        raise CommandError(
            f"revision {record.number} of {name} has not printed anything yet: `lepton logs {name} -f` waits"
        )


def _read(name: str) -> LeptonModel:
    with open_store() as store:
        return require(store, name)


def _logs(name: str, record: RevisionRecord) -> list[Path]:
    """The build's log, then those of the gate jobs that proved this revision."""
    jobs = Home.default().jobs
    gates = []
    for path in jobs.glob(f"{name}-gate-*"):
        order = JobDirectory(path).order()
        if order is not None and (order.model, order.revision) == (name, record.number):
            gates.append(path)
    folders = [jobs / record.name, *sorted(gates, key=lambda path: path.stat().st_mtime)]
    return [log for log in (JobDirectory(path).log for path in folders) if log.is_file()]


def _print_from(log: Path, position: int) -> int:
    """Print what was added since; a log that got shorter was begun anew."""
    with log.open("rb") as file:
        if log.stat().st_size < position:
            position = 0
        file.seek(position)
        sys.stdout.write(file.read().decode(errors="replace"))
        sys.stdout.flush()
        return file.tell()
