"""Processes that outlive whoever started them: each is the leader of a session of its own, with a record on disk.

The control loop and `lepton up` use it. A process counts as ours only while pid and start time are those of the
record, so nobody else's process is ever adopted or stopped.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from lepton.files import as_lepton_error, write_atomically
from lepton.spec.fields import Section

_KILL_S = 5.0
_POLL_S = 0.02
_SAME_START_S = 0.05
"""psutil counts a start time in clock ticks since boot, so two readings of it may differ by rounding."""


class Record(Section):
    """What is written down of a process."""

    pid: int
    """Also the id of its session."""
    started: float
    """Seconds since the epoch."""
    ports: dict[str, int] = {}
    """What it listens on, by purpose."""


@dataclass(frozen=True)
class Supervised:
    """One process that we start, find again and stop, known by its name."""

    name: str
    run: Path
    """Folder of the records."""
    log: Path
    """What it prints is added there."""
    takes_all_along: bool = True
    """Whether its descendants in sessions of their own end with it."""

    @property
    def _file(self) -> Path:
        return self.run / f"{self.name}.json"

    def start(self, command: Sequence[str], env: Mapping[str, str], ports: Mapping[str, int] | None = None) -> Record:
        """Start it in its own session. What is left of an earlier one is killed first. Raises LeptonError."""
        self.kill()
        try:
            with self.log.open("ab") as log:
                process = subprocess.Popen(
                    command, env=dict(env), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
        except OSError as error:
            raise as_lepton_error(error, self.log) from error
        record = Record(pid=process.pid, started=psutil.Process(process.pid).create_time(), ports=dict(ports or {}))
        try:
            write_atomically(self._file, record.model_dump_json().encode())
        except BaseException:
            end(self._family(record))
            raise
        return record

    def record(self) -> Record | None:
        """The record of the latest start, whether it still runs or not."""
        try:
            return Record.model_validate_json(self._file.read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    def alive(self) -> Record | None:
        """The record if its process runs."""
        record = self.record()
        return record if record is not None and is_alive(record) else None

    def stop(self, grace_s: float) -> None:
        """Ask it to end, and kill what is left of its session after so many seconds."""
        record = self.alive()
        if record is not None:
            family = self._family(record)  # afterwards nobody could tell whose children they were
            os.kill(record.pid, signal.SIGTERM)
            _wait(lambda: not is_alive(record), grace_s)
            end(family)
        self.kill()

    def kill(self) -> None:
        """Kill all that is left of it: the leader, its descendants and its session."""
        record = self.record()
        if record is None:
            return
        end(self._family(record))
        self._file.unlink(missing_ok=True)

    def _family(self, record: Record) -> list[psutil.Process]:
        session = _session(record)
        if not self.takes_all_along:
            return session
        family = {process.pid: process for member in session for process in (member, *descendants(member))}
        return list(family.values())

    def log_tail(self, lines: int = 15) -> str:
        """The end of what it printed."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 64 * 1024))
                text = log.read().decode(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


def is_alive(record: Record) -> bool:
    """Whether the very process of the record runs."""
    _reap(record.pid)
    try:
        return _is_record(record) and psutil.Process(record.pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(processes: Iterable[psutil.Process]) -> None:
    """Kill these processes and wait until they are gone."""
    killed = list(processes)
    for process in killed:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    _wait(lambda: all(_is_gone(process) for process in killed), _KILL_S)


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """All that it started, and all that those started."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _session(record: Record) -> list[psutil.Process]:
    """The leader, if it is still there, and all of its session.

    The kernel gives no new process the number of a session that still has a member; so if the number names another
    process now, nothing of ours is left.
    """
    if psutil.pid_exists(record.pid) and not _is_record(record):
        return []
    return [process for process in psutil.process_iter() if _is_member(process, record)]


def _is_member(process: psutil.Process, record: Record) -> bool:
    try:
        return os.getsid(process.pid) == record.pid and process.create_time() >= record.started - _SAME_START_S
    except (psutil.NoSuchProcess, ProcessLookupError, PermissionError):
        return False


def _is_record(record: Record) -> bool:
    try:
        return abs(psutil.Process(record.pid).create_time() - record.started) < _SAME_START_S
    except psutil.NoSuchProcess:
        return False


def _is_gone(process: psutil.Process) -> bool:
    _reap(process.pid)
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _reap(pid: int) -> None:
    """Take note of the end of a child of ours, so that it doesn't stay as a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _wait(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
