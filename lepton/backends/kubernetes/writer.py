"""Writes the objects of models: by server-side apply as one field manager, and only what differs. The backend's hand.

What the API server answered goes into the cache, so that the next pass sees it.
"""

from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.covers import covers
from lepton.backends.kubernetes.kinds import OF_A_MODEL, Kind, Object
from lepton.plan.types import Key


class Writer:
    """Raises ApiError."""

    def __init__(self, client: Client, cache: Cache) -> None:
        self._client = client
        self._cache = cache

    async def apply(self, kind: Kind, object_: Object) -> None:
        """Make its fields as given; what others added besides stays."""
        metadata = object_["metadata"]
        live = self._cache.get(kind, metadata["namespace"], metadata["name"])
        if live is not None and covers(live, object_):
            return
        written = await self._client.apply(kind, object_)
        if kind in OF_A_MODEL:
            self._cache.put(kind, written)

    async def delete(self, kind: Kind, key: Key, name: str) -> None:
        """Delete an object and all that it owns; nothing happens where it is not."""
        await self._client.delete(kind, key.namespace, name)
        object_ = self._cache.get(kind, key.namespace, name)
        if object_ is not None:
            self._cache.remove(kind, object_)
