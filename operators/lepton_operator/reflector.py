"""Keeps the cache of one kind true: a list, then a watch from there on, and a list again when the watch is too old."""

import asyncio
import logging

from lepton.backends.backoff import pause_s
from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.kinds import Kind
from lepton.backends.kubernetes.trim import version_of

log = logging.getLogger("lepton.operator")

_LONGEST_PAUSE_S = 30.0
_GONE = 410
_NOT_INSTALLED = 404


class Reflector:
    """One kind, in one namespace or (None) in all, with one label selector."""

    def __init__(self, client: Client, cache: Cache, kind: Kind, namespace: str | None, selector: str) -> None:
        self.synced = asyncio.Event()
        """Set once the cache holds all that there was."""
        self._client = client
        self._cache = cache
        self._kind = kind
        self._namespace = namespace
        self._selector = selector
        self._version = ""
        """From which the next watch goes on; empty where all must be listed first."""
        self._failures = 0
        """How many tries failed since a watch last told anything, or came to its end."""

    async def run(self) -> None:
        """Go on until cancelled; what fails is tried again, ever less often."""
        while True:
            try:
                if not self._version or not self._cache.serves(self._kind):  # a write may have found the kind missing
                    await self._list()
                await self._watch()
                self._failures = 0
            except ApiError as error:
                self._failures += 1
                if error.status == _GONE:
                    self._version = ""
                if error.status == _NOT_INSTALLED:
                    self._cache.lose(self._kind)
                    self.synced.set()
                if error.status != _GONE and (error.status != _NOT_INSTALLED or self._failures == 1):
                    log.warning("%s: %s", self._kind.plural, error)
                await asyncio.sleep(pause_s(self._failures, 0.25, _LONGEST_PAUSE_S))

    async def _list(self) -> None:
        version, listed = "", set[str]()
        async for objects, version in self._client.pages(self._kind, self._namespace, self._selector):  # noqa: B007 - the last one counts
            listed |= {self._cache.put(self._kind, object_) for object_ in objects}
        self._cache.retain(self._kind, listed, int(version))
        self._version = version
        self.synced.set()

    async def _watch(self) -> None:
        """Follow one watch to its end, whatever that is."""
        async for event, object_ in self._client.watch(self._kind, self._namespace, self._version, self._selector):
            if event == "DELETED":
                self._cache.remove(self._kind, object_)
            elif event != "BOOKMARK":
                self._cache.put(self._kind, object_)
            self._failures = 0
            self._version = version_of(object_)
            self._cache.reach(self._kind, int(self._version))
