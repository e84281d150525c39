"""Keeps the cache of one kind true: a list, then a watch from there on, and a list again when the watch is too old."""

import asyncio
import logging
import random
from collections.abc import Callable

from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.kinds import Kind
from lepton.plan.types import Key

log = logging.getLogger("lepton.operator")

_LONGEST_PAUSE_S = 30.0
_GONE = 410
_NOT_INSTALLED = 404


class Reflector:
    """One kind, in one namespace or (None) in all, with one label selector."""

    def __init__(
        self,
        client: Client,
        cache: Cache,
        kind: Kind,
        namespace: str | None,
        selector: str,
        changed: Callable[[Key], None],
    ) -> None:
        self.synced = asyncio.Event()
        """Set once the cache holds all that there was."""
        self._client = client
        self._cache = cache
        self._kind = kind
        self._namespace = namespace
        self._selector = selector
        self._changed = changed

    async def run(self) -> None:
        """Go on until cancelled; what fails is tried again, ever less often."""
        failures, version = 0, ""
        while True:
            try:
                version = version or await self._list()
                version = await self._watch(version)
                failures = 0
            except ApiError as error:
                if error.status == _GONE:
                    version = ""
                    continue
                failures += 1
                if error.status == _NOT_INSTALLED:
                    version = ""
                    self._lose()
                if error.status != _NOT_INSTALLED or failures == 1:
                    log.warning("%s: %s", self._kind.plural, error)
                await asyncio.sleep(_pause_s(failures))

    async def _list(self) -> str:
        objects, version = await self._client.list(self._kind, self._namespace, self._selector)
        for key in self._cache.replace(self._kind, objects):
            self._changed(key)
        self.synced.set()
        return version

    def _lose(self) -> None:
        """Nothing of this kind can exist, until it is installed."""
        for key in self._cache.lose(self._kind):
            self._changed(key)
        self.synced.set()

    async def _watch(self, version: str) -> str:
        """Follow one watch to its end. Returns the version from which the next goes on."""
        async for event, object_ in self._client.watch(self._kind, self._namespace, version, self._selector):
            version = object_["metadata"]["resourceVersion"]
            if event == "BOOKMARK":
                continue
            key = (
                self._cache.remove(self._kind, object_) if event == "DELETED" else self._cache.put(self._kind, object_)
            )
            if key is not None:
                self._changed(key)
        return version


def _pause_s(failures: int) -> float:
    return min(_LONGEST_PAUSE_S, 0.25 * 2.0 ** min(failures, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads, hides nothing
