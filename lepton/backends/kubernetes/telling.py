"""The backend as the operator has it: tells a person in Events what a report changes, and progress not too often."""

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable

from lepton.backends.kubernetes.backend import KubernetesBackend
from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.events import EVENT, event, is_progress, moment, transitions
from lepton.backends.kubernetes.kinds import Object
from lepton.backends.kubernetes.settings import Settings
from lepton.plan.types import Key, Observed
from lepton.spec.status import Status

log = logging.getLogger("lepton.operator")

Again = Callable[[Key, float], None]
"""Asks for a pass after so many seconds."""
PROGRESS_S = 10.0
"""How often progress is written at most; a change that matters is written at once."""
_EVENTS_WAITING = 1000
"""Then passes wait for those who write them."""


class TellingBackend(KubernetesBackend):
    """See lepton.reconcile.Backend."""

    def __init__(self, client: Client, cache: Cache, settings: Settings, again: Again) -> None:
        super().__init__(client, cache, settings)
        self._again = again
        self._progress_at: dict[Key, float] = {}
        """When progress may be written again."""
        self._events: asyncio.Queue[Object] = asyncio.Queue(_EVENTS_WAITING)
        self._repeated: defaultdict[Key, Counter[str]] = defaultdict(Counter)
        """How often Events of each model came again, by name."""

    async def observe(self, key: Key) -> Observed | None:
        """See Backend. What is gone is forgotten, whoever took it away."""
        seen = await super().observe(key)
        if seen is None:
            self._progress_at.pop(key, None)
            self._repeated.pop(key, None)
        return seen

    async def report(self, key: Key, status: Status, resource_version: int) -> bool:
        """See Backend. Progress that comes too early is left to a later pass."""
        model = self._cache.model(key)
        if model is None:
            return False
        before = Status.model_validate(model.get("status", {}))
        if is_progress(before, status):
            wait_s = self._progress_at.get(key, 0.0) - time.monotonic()
            if wait_s > 0:
                self._again(key, wait_s)
                return True
            self._progress_at[key] = time.monotonic() + PROGRESS_S
        if not await super().report(key, status, resource_version):
            return False
        for told in transitions(before, status):
            await self._events.put(event(model, told, time.time()))
        return True

    async def all_told(self) -> None:
        """Wait until every Event so far is written."""
        await self._events.join()

    async def tell(self) -> None:
        """Write the Events, until cancelled: no pass waits for one, and nothing depends on one."""
        while True:
            await self._tell(await self._events.get())
            self._events.task_done()

    async def _tell(self, what: Object) -> None:
        name, namespace = what["metadata"]["name"], what["metadata"]["namespace"]
        key = Key(namespace, what["regarding"]["name"])
        try:
            await self._client.create(EVENT, what)
        except ApiError as error:
            if error.status != 409:
                log.warning("%s/%s: an Event can't be written: %s", namespace, name, error)
                return
            repeated = self._repeated[key] if self._cache.model(key) is not None else Counter()
            repeated[name] += 1
            series = {"count": repeated[name] + 1, "lastObservedTime": moment(time.time())}
            try:
                await self._client.merge(EVENT, namespace, name, {"series": series})
            except ApiError as refusal:
                log.warning("%s/%s: an Event can't be written: %s", namespace, name, refusal)
