"""Processes that outlive their starter, and never anybody else's."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from lepton.backends.local.processes import Record, Supervised
from lepton.backends.local.workers import WORKER, workers

_SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(100)"]
_FAMILY = """
import subprocess, sys, time
sleep = [sys.executable, "-c", "import time; time.sleep(100)"]
print(subprocess.Popen(sleep).pid, subprocess.Popen(sleep, start_new_session=True).pid, flush=True)
time.sleep(100)
"""


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    made = Supervised("sleeper", tmp_path, tmp_path / "sleeper.log")
    yield made
    made.kill()


def wait_until(holds: Callable[[], object]) -> None:
    while not holds():
        os.sched_yield()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_it_is_found_again_by_its_record_until_it_ends(supervised: Supervised, tmp_path: Path) -> None:
    assert supervised.alive() is None
    record = supervised.start(_SLEEP, os.environ, {"http": 1})
    again = Supervised("sleeper", tmp_path, tmp_path / "sleeper.log")
    assert again.alive() == record == Record(pid=record.pid, started=record.started, ports={"http": 1})
    assert os.getsid(record.pid) == record.pid != os.getsid(0)
    wait_until(lambda: again.log_tail() == "up")
    again.stop(grace_s=5)
    assert (again.alive(), supervised.alive(), gone(record.pid)) == (None, None, True)


def test_starting_it_again_ends_what_is_left_of_it(supervised: Supervised) -> None:
    first = supervised.start(_SLEEP, os.environ)
    second = supervised.start(_SLEEP, os.environ)
    assert (gone(first.pid), supervised.alive()) == (True, second)


def test_its_whole_family_ends_with_it_even_in_sessions_of_their_own(supervised: Supervised) -> None:
    supervised.start([sys.executable, "-c", _FAMILY], os.environ)
    wait_until(lambda: len(supervised.log_tail().split()) == 2)
    family = [int(pid) for pid in supervised.log_tail().split()]
    supervised.stop(grace_s=5)
    assert [gone(pid) for pid in family] == [True, True]


def test_its_session_ends_even_when_the_leader_died_before(supervised: Supervised) -> None:
    record = supervised.start([sys.executable, "-c", _FAMILY], os.environ)
    wait_until(lambda: len(supervised.log_tail().split()) == 2)
    member, stranger = (int(pid) for pid in supervised.log_tail().split())
    psutil.Process(record.pid).kill()
    wait_until(lambda: supervised.alive() is None)
    supervised.kill()
    assert (gone(member), gone(stranger)) == (True, False)
    psutil.Process(stranger).kill()


def test_a_process_that_only_has_the_same_number_is_left_alone(supervised: Supervised, tmp_path: Path) -> None:
    with subprocess.Popen(_SLEEP, stdout=subprocess.DEVNULL, start_new_session=True) as stranger:
        started = psutil.Process(stranger.pid).create_time()
        (tmp_path / "sleeper.json").write_text(Record(pid=stranger.pid, started=started - 100).model_dump_json())
        assert supervised.alive() is None
        supervised.stop(grace_s=1)
        assert stranger.poll() is None
        stranger.kill()


def test_a_half_written_record_is_no_record(supervised: Supervised, tmp_path: Path) -> None:
    (tmp_path / "sleeper.json").write_text('{"pid": 1')
    assert (supervised.record(), supervised.alive()) == (None, None)


def test_workers_are_found_by_the_folder_they_work_on_and_nobody_else_is(tmp_path: Path) -> None:
    code = "import time; time.sleep(100)"
    ours = [sys.executable, "-c", code, str(tmp_path / "jobs" / "a")]
    others = [[*ours[:-1], str(tmp_path / "elsewhere" / "a")], ["sleep", "100"]]
    with (
        subprocess.Popen(ours) as worker,
        subprocess.Popen(others[0]) as elsewhere,
        subprocess.Popen(others[1]) as sleep,
    ):
        wait_until(lambda: psutil.Process(worker.pid).cmdline() == ours)
        found = workers(tmp_path / "jobs", ("-c", code))
        assert {name: [one.pid for one in processes] for name, processes in found.items()} == {"a": [worker.pid]}
        assert workers(tmp_path / "jobs", WORKER) == {}
        for process in (worker, elsewhere, sleep):
            process.kill()
