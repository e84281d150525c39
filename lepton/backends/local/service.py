"""Bringing Lepton up and down on one machine. The `lepton` command calls it; nothing here stays in memory.

It touches no process but those on record. State stays when everything is down.
"""

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from lepton.backends.local.home import Home, Settings
from lepton.backends.local.ports import require_free
from lepton.backends.local.processes import Supervised, end
from lepton.backends.local.states import ServerStates, forget_states, read_states
from lepton.backends.local.store import Store
from lepton.backends.local.workers import workers
from lepton.errors import LeptonError
from lepton.files import as_lepton_error
from lepton.spec.reasons import Reason

_LOOP_STOP_S = 15.0
_SERVER_STOP_S = 8.0
_POLL_S = 0.05
_UP_S = 150.0
"""Longer than the servers' own limits, so that what is wrong is told by whoever knows it."""


def up(home: Home, settings: Settings | None = None, say: Callable[[str], None] = lambda _: None) -> None:
    """Start what does not run, and return as soon as everything takes work.

    `settings` are kept for the next time; None: as they were. `say` hears what is being waited for.
    Raises LeptonError: PORT_BUSY, SERVER_UNAVAILABLE, DISK_FULL or STORE_UNWRITABLE.
    """
    home.make()
    with _one_at_a_time(home):
        store = Store(home.database)
        try:
            before = store.settings()
            wanted = settings or before
            if wanted != before:
                _require_usable(before, wanted)
                store.save_settings(wanted)
        finally:
            store.close()
        loop = _loop(home)
        if wanted != before:
            loop.stop(_LOOP_STOP_S)
        if loop.alive() is None:
            _start(home, loop, wanted)
        _wait_until_ready(home, loop, say)


def down(home: Home) -> None:
    """Stop the control loop, then Ray and Triton. What they knew is on disk."""
    if not home.run.is_dir():
        return
    with _one_at_a_time(home):
        _loop(home).stop(_LOOP_STOP_S)
        servers = (
            Supervised("ray", home.run, home.logs / "ray.log"),
            Supervised("triton", home.run, home.logs / "triton.log"),
        )
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda server: server.stop(_SERVER_STOP_S), servers))
        end(process for found in workers(home.jobs).values() for process in found)
        forget_states(home)
        shutil.rmtree(home.ray_directory, ignore_errors=True)


def is_up(home: Home) -> bool:
    """Whether the control loop runs."""
    return _loop(home).alive() is not None


def server_states(home: Home) -> ServerStates | None:
    """What the control loop says of its servers; None while it is down or has not said anything yet."""
    record, states = _loop(home).alive(), read_states(home)
    return states if record is not None and states is not None and states.loop == record.pid else None


def _loop(home: Home) -> Supervised:
    return Supervised("loop", home.run, home.logs / "loop.log", takes_all_along=False)


def _start(home: Home, loop: Supervised, settings: Settings) -> None:
    require_free({"--metrics-port": settings.metrics_port})
    code = str(Path(__file__).parents[3])
    env = {
        **os.environ,
        "LEPTON_HOME": str(home.root),
        "PYTHONPATH": os.pathsep.join(filter(None, (code, os.environ.get("PYTHONPATH")))),
    }
    loop.start([sys.executable, "-m", "lepton.backends.local.loop"], env)


def _require_usable(before: Settings, wanted: Settings) -> None:
    """Make sure of the ports that change while those of before still serve. Raises LeptonError PORT_BUSY."""
    for option, port in wanted.ports.items():
        twice = [other for other, same in wanted.ports.items() if same == port and other != option]
        if twice:
            message = f"{option} and {twice[0]} are both {port}: choose another port for one of them"
            raise LeptonError(Reason.PORT_BUSY, message)
    ours = before.ports.values()
    require_free({option: port for option, port in wanted.ports.items() if port not in ours})


def _wait_until_ready(home: Home, loop: Supervised, say: Callable[[str], None]) -> None:
    deadline = time.monotonic() + _UP_S
    while True:
        states = server_states(home)
        if states is not None and states.ready:
            return
        if states is not None and states.reason is not None:
            raise LeptonError(states.reason, "\n".join(_wrong(states)))
        if loop.alive() is None:
            message = f"the control loop ended; the end of {loop.log}:\n{loop.log_tail()}"
            raise LeptonError(Reason.SERVER_UNAVAILABLE, message)
        if time.monotonic() > deadline:
            waits = "the control loop" if states is None else " and ".join(_missing(states))
            message = f"waited {_UP_S:.0f} s for {waits} in vain; see the logs in {home.logs}"
            raise LeptonError(Reason.SERVER_UNAVAILABLE, message)
        say("starting " + ("the control loop" if states is None else " and ".join(_missing(states))))
        time.sleep(_POLL_S)


def _missing(states: ServerStates) -> list[str]:
    return [name for name, state in (("Ray", states.ray), ("Triton", states.triton)) if state != "ready"]


def _wrong(states: ServerStates) -> list[str]:
    return [state for state in (states.ray, states.triton) if state not in ("starting", "ready")]


@contextmanager
def _one_at_a_time(home: Home) -> Iterator[None]:
    """Let a second `up` or `down` wait until the first has done its work."""
    try:
        lock = (home.run / "service.lock").open("w")
    except OSError as error:
        raise as_lepton_error(error, home.run) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
