"""The control loop of one machine: `python -m lepton.backends.local.loop`, a daemon that service.up() starts.

It keeps Ray and Triton up and runs a pass of lepton.reconcile over each model: when its spec changes, when one of its
jobs reports, when a server comes or goes, and when the last pass asked for it. One runs per home. When it dies, jobs
and endpoints go on, and the next one adopts them.
"""

import asyncio
import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from lepton.backends.backoff import pause_s
from lepton.backends.gauges import Gauges, Resource
from lepton.backends.local.backend import LocalBackend
from lepton.backends.local.home import Home
from lepton.backends.local.jobs import Jobs
from lepton.backends.local.metrics import Metrics
from lepton.backends.local.models import Models
from lepton.backends.local.queue import Queue
from lepton.backends.local.ray import Ray
from lepton.backends.local.servers import RayKeeper, TritonKeeper
from lepton.backends.local.states import NOT_DELETED, ServerStates, write_states
from lepton.backends.local.store import Conflict, Store
from lepton.backends.local.triton import Triton
from lepton.backends.local.workers import WORKER
from lepton.errors import LeptonError
from lepton.plan.conditions import unready
from lepton.plan.types import Key
from lepton.reconcile import reconcile
from lepton.report import Progress
from lepton.spec.reasons import Reason
from lepton.spec.resource import LeptonModel

log = logging.getLogger("lepton.loop")

_TICK_S = 0.1
_PASSES_AT_ONCE = 4
_LAST_WORDS_S = 10.0
_PATIENCE_S = 3.0
_LONGEST_BACKOFF_S = 60.0


class Loop:
    """Watches the store, the jobs and the servers, and runs the passes."""

    def __init__(self, home: Home) -> None:
        self.store = Store(home.database)
        self.metrics = Metrics()
        self._home = home
        settings = self.store.settings()
        ray, triton = Ray(home), Triton(home, settings)
        self._jobs, models = Jobs(home, ray, WORKER), Models(home, triton)
        self.backend = LocalBackend(home, self.store, self._jobs, models, triton, self.metrics)
        self.ray = RayKeeper(ray, self.metrics, self._servers_changed)
        self.triton = TritonKeeper(triton, models, self.metrics, self._servers_changed)
        self._queue = Queue()
        self._versions: dict[Key, int] = {}
        self._store_version = -1
        self._fingerprints: dict[str, tuple[int, ...]] = {}
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._failures: dict[Key, int] = {}
        self._models: dict[Key, LeptonModel] = {}
        self.metrics.registry.register(Gauges(self._told_models))

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; passes under way are then given a moment to end."""
        self.metrics.serve(self.store.settings().metrics_port)
        self._servers_changed()
        keepers = [asyncio.create_task(self.ray.keep()), asyncio.create_task(self.triton.keep())]
        while not stop.is_set():
            try:
                self._look()
            except LeptonError as error:
                log.warning("%s", error.message)
            self._begin_passes()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _TICK_S)
        for task in keepers:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=_LAST_WORDS_S)
        self.store.close()

    def _look(self) -> None:
        """Find out whose pass is due because something changed."""
        version = self.store.version()
        if version != self._store_version:
            versions = self.store.versions()
            for key, resource_version in versions.items():
                if self._versions.get(key) != resource_version:
                    self._queue.add(key)
            self._versions, self._store_version = versions, version
        for name, key in list(self.backend.unfinished.items()):
            fingerprint = self._jobs.fingerprint(name)
            if self._fingerprints.get(name) != fingerprint:
                self._fingerprints[name] = fingerprint
                self._queue.add(key)
        for name in self._fingerprints.keys() - self.backend.unfinished.keys():
            del self._fingerprints[name]

    def _begin_passes(self) -> None:
        free = _PASSES_AT_ONCE - len(self._running)
        for key in self._queue.due(free, busy=self._running.keys()):
            self._running[key] = asyncio.create_task(self._pass(key))
        self.metrics.queue_depth.set(self._queue.waiting())
        self.metrics.jobs_running.set(len(self.backend.unfinished))

    async def _pass(self, key: Key) -> None:
        began = time.monotonic()
        try:
            recheck = await reconcile(key, self.backend, time.time)
            outcome = "again" if recheck == 0.0 else "done"
            self._failures.pop(key, None)
        except LeptonError as error:
            log.warning("%s: %s", key.name, error.message)
            self.metrics.errors.labels(error.reason).inc()
            outcome, recheck = "error", self._backoff(key)
            self._tell_undeleted(key, error)
        except Exception as error:  # a defect must not end the loop, on which the other models depend
            log.exception("a defect in the pass over %s", key.name)
            self.metrics.errors.labels(Reason.RECONCILE_ERROR).inc()
            outcome, recheck = "bug", self._backoff(key)
            self._confess(key, error)
        finally:
            del self._running[key]
        self.metrics.reconciles.labels(outcome).inc()
        self.metrics.reconcile_seconds.observe(time.monotonic() - began)
        self._note_model(key)
        if key in self.backend.moved:
            self.backend.moved.discard(key)
            recheck = 0.0
        if recheck is not None:
            self._queue.add(key, recheck)

    def _backoff(self, key: Key) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        return pause_s(failures, 0.5, _LONGEST_BACKOFF_S)

    def _confess(self, key: Key, error: Exception) -> None:
        """Show in the status that the loop has a defect; the next pass that succeeds takes it back."""
        what = f"{type(error).__name__}: {error}"
        message = f"a defect of Lepton's ({what}); the traceback is in {self._home.logs}/loop.log"
        with suppress(LeptonError, Conflict):
            model = self.store.get(key)
            if model is not None:
                self._write_unready(key, model, Reason.RECONCILE_ERROR, message)

    def _tell_undeleted(self, key: Key, error: LeptonError) -> None:
        """Show in the status why a model that is being deleted is still there, as no plan will."""
        with suppress(LeptonError, Conflict):
            model = self.store.get(key)
            if model is not None and model.metadata.deletion_timestamp is not None:
                self._write_unready(key, model, error.reason, f"{NOT_DELETED}{error.message}")

    def _write_unready(self, key: Key, model: LeptonModel, reason: Reason, message: str) -> None:
        """Give the model the condition Ready False, unless it stands there."""
        status = unready(model.status, reason, message, time.time())
        if status != model.status:
            self.store.write_status(key, status, model.metadata.resource_version)

    def _note_model(self, key: Key) -> None:
        with suppress(LeptonError):
            model = self.store.get(key)
            if model is None:
                self._models.pop(key, None)
            else:
                self._models[key] = model

    def _told_models(self) -> Iterator[tuple[Resource, Progress | None]]:
        """For a scrape, which comes in a thread of its own."""
        progress = {key: self._jobs.progress(name) for name, key in list(self.backend.unfinished.items())}
        for key, model in list(self._models.items()):
            yield model.model_dump(mode="json", by_alias=True, exclude_none=True), progress.get(key)

    def _servers_changed(self) -> None:
        self.backend.trouble = self.triton.trouble
        trouble = self.ray.trouble or self.triton.trouble
        states = ServerStates(
            loop=os.getpid(),
            ray=self.ray.state,
            triton=self.triton.state,
            reason=trouble.reason if trouble is not None else None,
        )
        with suppress(LeptonError):
            write_states(self._home, states)
        for key in self._versions:
            self._queue.add(key)


async def _serve(home: Home) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Loop(home).run(stop)


def _take(lock: IO[str]) -> bool:
    """Take the lock; a loop that was killed a moment ago may still hold it for a moment."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_TICK_S)
        else:
            return True


def main() -> int:
    """Run the loop of the home that the environment names, unless one runs already."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    home = Home.default().make()
    with (home.run / "loop.lock").open("w") as lock:
        if not _take(lock):
            log.error("another control loop works on %s", home.root)
            return 1
        try:
            asyncio.run(_serve(home))
        except LeptonError as error:
            log.error("%s: %s", error.reason, error.message)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
