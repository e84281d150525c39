"""Writes the objects of models: by server-side apply as one field manager, and only what differs. The backend's hand.

What the API server answered goes into the cache, so that the next pass sees it.
"""

from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import FIELD_MANAGER, Client, Taken
from lepton.backends.kubernetes.covers import covers
from lepton.backends.kubernetes.kinds import OF_A_MODEL, Kind, Object
from lepton.backends.kubernetes.names import MODEL
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
            self._cache.note(kind, written)

    async def require_free(self, kind: Kind, key: Key, uid: str) -> None:
        """Raise Taken where somebody else has an object of the model's own name: an apply would make it ours.

        `uid` is the model's: what belongs to it stays its own though somebody took its labels away.
        """
        if self._cache.get(kind, key.namespace, key.name) is None:
            found = await self._client.find(kind, key.namespace, key.name)
            if found is not None and not _is_of(found["metadata"], key, uid):
                raise Taken(kind, key.name)

    async def delete(self, kind: Kind, key: Key, name: str) -> None:
        """Delete an object and all that it owns; nothing happens where it is not, or is not the model's.

        Of kinds that are not watched whatever has the name goes: a job's own, such as its Role. What others hold with
        finalizers stays in the cache until they let it go.
        """
        object_ = self._cache.get(kind, key.namespace, name)
        if kind in OF_A_MODEL and (object_ is None or "deletionTimestamp" in object_["metadata"]):
            return
        left = await self._client.delete(kind, key.namespace, name)
        if left is not None and kind in OF_A_MODEL:
            self._cache.note(kind, left)
        elif object_ is not None:
            self._cache.remove(kind, object_)


def _is_of(metadata: Object, key: Key, uid: str) -> bool:
    """What nobody claims is the model's where we made it: somebody took away labels and owner."""
    owners, label = metadata.get("ownerReferences", ()), metadata.get("labels", {}).get(MODEL)
    if owners or label is not None:
        return label == key.name or any(owner["uid"] == uid for owner in owners)
    return any(one["manager"] == FIELD_MANAGER for one in metadata.get("managedFields", ()))
