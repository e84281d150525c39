"""Works off the queue: one pass after another, several models at a time, and again later where one failed."""

import asyncio
import logging
import time

from lepton.backends.backoff import pause_s
from lepton.backends.kubernetes.backend import KubernetesBackend
from lepton.backends.kubernetes.client import ApiError
from lepton.errors import LeptonError
from lepton.plan.fold import earliest
from lepton.plan.types import Key
from lepton.reconcile import reconcile
from lepton.spec.reasons import Reason
from operators.lepton_operator.cpu import Metered
from operators.lepton_operator.metrics import Metrics
from operators.lepton_operator.queue import Queue

log = logging.getLogger("lepton.operator")

_LONGEST_BACKOFF_S = 60.0


class Controller:
    """A number of workers on one queue."""

    def __init__(self, backend: KubernetesBackend, queue: Queue, metrics: Metrics) -> None:
        self._backend = backend
        self._queue = queue
        self._metrics = metrics
        self._failures: dict[Key, tuple[int, float]] = {}
        """How many tries failed one after the other, and when the next is due."""

    async def work_off(self, workers: int, grace_s: float) -> None:
        """Passes until cancelled; those under way then have so many seconds to end. Raises what a worker can't help."""
        at_work = [asyncio.create_task(self._work()) for _ in range(workers)]
        try:
            done, _ = await asyncio.wait(at_work, return_when=asyncio.FIRST_COMPLETED)
            for worker in done:
                worker.result()
        finally:
            self._queue.close()
            await asyncio.wait(at_work, timeout=grace_s)
            for worker in at_work:
                worker.cancel()

    async def _work(self) -> None:
        """One worker."""
        while (key := await self._queue.get()) is not None:
            try:
                metered = Metered(self._pass(key))
                await metered
                self._metrics.reconcile_cpu_seconds.observe(metered.cpu_s)
            finally:
                self._queue.done(key)
            await asyncio.sleep(0)  # passes over settled models wait for nothing: the lease must have its turn too

    async def _pass(self, key: Key) -> None:
        began = time.monotonic()
        try:
            outcome, again_s = "done", await reconcile(key, self._backend, time.time)
        except (LeptonError, ApiError) as error:
            outcome, again_s = "error", None
            log.warning("%s: %s", _told(key), error)
            self._metrics.errors.labels(error.reason or "Unreachable").inc()
            if isinstance(error, LeptonError):
                await self._confess(key, error.reason, error.message)
        except Exception as error:  # a defect must not end the operator, on which the other models depend
            outcome, again_s = "bug", None
            log.exception("a defect in the pass over %s", _told(key))
            self._metrics.errors.labels(Reason.RECONCILE_ERROR).inc()
            what = f"{type(error).__name__}: {error}"
            await self._confess(key, Reason.RECONCILE_ERROR, f"a defect of Lepton's ({what}): see the operator's log")
        self._metrics.reconciles.labels(outcome).inc()
        self._metrics.reconcile_seconds.observe(time.monotonic() - began)
        self._come_again(key, outcome, again_s)

    def _come_again(self, key: Key, outcome: str, again_s: float | None) -> None:
        """What failed must not be hurried by the news that its own confession is."""
        refused = self._backend.is_refused(key)
        if outcome != "done":
            self._queue.put_off(key, self._backoff(key))
        elif (again_s := earliest(again_s, self._backoff(key) if refused else None)) is not None:
            self._queue.add(key, again_s)
        if outcome == "done" and not refused:
            self._failures.pop(key, None)

    async def _confess(self, key: Key, reason: Reason, message: str) -> None:
        try:
            await self._backend.confess(key, reason, message)
        except ApiError as error:
            log.warning("%s: its status can't be written: %s", _told(key), error)
        except Exception:  # as above: the pass may have failed of the very status that is written here
            log.exception("a defect in the status of %s", _told(key))

    def _backoff(self, key: Key) -> float:
        """Seconds until the next try. A pass that news caused before that is none: it must not put the next one off."""
        failures, due = self._failures.get(key, (0, 0.0))
        now = time.monotonic()
        if now >= due:
            failures, due = failures + 1, now + pause_s(failures + 1, 0.5, _LONGEST_BACKOFF_S)
            self._failures[key] = failures, due
        return due - now


def _told(key: Key) -> str:
    return f"{key.namespace}/{key.name}"
