"""Works off the queue: one pass after another, several models at a time, and again later where one failed."""

import asyncio
import logging
import random
import time

from lepton.backends.kubernetes.backend import KubernetesBackend
from lepton.backends.kubernetes.client import ApiError
from lepton.errors import LeptonError
from lepton.plan.types import Key
from lepton.reconcile import reconcile
from lepton.spec.reasons import Reason
from operators.lepton_operator.metrics import Metrics
from operators.lepton_operator.queue import Queue

log = logging.getLogger("lepton.operator")

_LONGEST_BACKOFF_S = 300.0


class Controller:
    """A number of workers on one queue."""

    def __init__(self, backend: KubernetesBackend, queue: Queue, metrics: Metrics) -> None:
        self._backend = backend
        self._queue = queue
        self._metrics = metrics
        self._failures: dict[Key, int] = {}

    async def work(self) -> None:
        """One worker: passes until cancelled."""
        while True:
            key = await self._queue.get()
            try:
                await self._pass(key)
            finally:
                self._queue.done(key)

    async def _pass(self, key: Key) -> None:
        began = time.monotonic()
        try:
            recheck = await reconcile(key, self._backend, time.time)
            self._failures.pop(key, None)
            outcome = "done"
        except (LeptonError, ApiError) as error:
            log.warning("%s: %s", _told(key), error)
            self._metrics.errors.labels(error.reason or "Unreachable").inc()
            outcome, recheck = "error", self._backoff(key)
            if isinstance(error, LeptonError):
                await self._confess(key, error.reason, error.message)
        except Exception as error:  # a defect must not end the operator, on which the other models depend
            log.exception("a defect in the pass over %s", _told(key))
            self._metrics.errors.labels(Reason.RECONCILE_ERROR).inc()
            outcome, recheck = "bug", self._backoff(key)
            what = f"{type(error).__name__}: {error}"
            await self._confess(key, Reason.RECONCILE_ERROR, f"a defect of Lepton's ({what}): see the operator's log")
        self._metrics.reconciles.labels(outcome).inc()
        self._metrics.reconcile_seconds.observe(time.monotonic() - began)
        if recheck is not None:
            self._queue.add(key, recheck)

    async def _confess(self, key: Key, reason: Reason, message: str) -> None:
        try:
            await self._backend.confess(key, reason, message)
        except ApiError as error:
            log.warning("%s: its status can't be written: %s", _told(key), error)

    def _backoff(self, key: Key) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        return min(_LONGEST_BACKOFF_S, 0.5 * 2.0 ** min(failures, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads, hides nothing


def _told(key: Key) -> str:
    return f"{key.namespace}/{key.name}"


async def work_off(controller: Controller, workers: int) -> None:
    """All workers, until cancelled."""
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(controller.work())
