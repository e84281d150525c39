"""What the API server holds, as its watches and our own writes told: every observation is read from here.

Filled by the operator's reflectors, and by the backend with what its writes returned, so that a pass sees what the one
before it wrote. The newer version of an object stays, whichever comes first, and `changed` hears of all that is news.
Objects are kept as compressed JSON of what is ever read of them, so that ten thousand models fit into some 40 MB.
"""

import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json

from lepton.backends.kubernetes.kinds import JOB, LEPTON_MODEL, POD, RAY_JOB, Kind, Object
from lepton.backends.kubernetes.names import MODEL
from lepton.plan.types import Key

_UNREAD = {RAY_JOB: ("rayClusterSpec",), JOB: ("template",), POD: ("initContainers", "containers", "volumes")}
"""Parts of a spec that nobody reads again: a run is never changed, and what makes a pod tells what is in it, but for
the resources that its containers ask for."""
_TOLD_BY_KUBECTL = "kubectl.kubernetes.io/last-applied-configuration"
_WINDOW_BITS = -13
"""Of the compression: raw, and looking back 8 KiB."""


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    kind: Kind
    path: str
    key: Key | None
    version: int
    packed: bytes


class Cache:
    """All LeptonModels, and all objects that carry the label of one."""

    def __init__(self, changed: Callable[[Key], None] = lambda _: None) -> None:
        self._changed = changed
        self._entries: dict[Kind, dict[str, _Entry]] = defaultdict(dict)
        self._of_model: dict[Key, list[_Entry]] = {}
        self._samples: dict[Kind, bytes] = {}
        """The first of each kind: others differ from it in little, and are compressed against it."""
        self._served: set[Kind] = set()
        self._looked_at: tuple[Key | None, dict[Kind, Mapping[str, Object]]] = None, {}
        """What `owned` gave of the last model, as long as it is true: a pass asks several times."""

    def put(self, kind: Kind, object_: Object) -> None:
        """Take note of an object. It is news where anything differs that is ever read.

        Each version of a LeptonModel is: a report upon the one before was refused, and must be tried again.
        """
        path, version = path_of(object_), int(object_["metadata"]["resourceVersion"])
        known = self._entries[kind].get(path)
        if known is not None and known.version >= version:
            return
        entry = _Entry(kind, path, self._shared(_key(kind, object_)), version, self._pack(kind, object_))
        if known is not None:
            self._forget(path, known)
        self._entries[kind][path] = entry
        self._looked_at = None, {}
        if entry.key is not None:
            self._of_model.setdefault(entry.key, []).append(entry)
        if known is None or known.packed != entry.packed or kind == LEPTON_MODEL:
            self._tell(known, entry)

    def remove(self, kind: Kind, object_: Object) -> None:
        """Take note that an object is gone."""
        path = path_of(object_)
        known = self._entries[kind].get(path)
        if known is not None and self._open(known)["metadata"]["uid"] == object_["metadata"]["uid"]:
            self._forget(path, known)
            self._tell(known)

    def retain(self, kind: Kind, listed: set[str], version: int) -> None:
        """Take note that at a version there was nothing else of a kind than what was listed (see path_of)."""
        self._served.add(kind)
        entries = self._entries[kind]
        for path, known in [(path, one) for path, one in entries.items() if path not in listed]:
            if known.version <= version:  # else we wrote it meanwhile
                self._forget(path, known)
                self._tell(known)

    def lose(self, kind: Kind) -> None:
        """Take note that the API server does not know a kind, so that there is none."""
        self._served.discard(kind)
        for path, known in list(self._entries[kind].items()):
            self._forget(path, known)
            self._tell(known)

    def serves(self, kind: Kind) -> bool:
        """Whether the API server knows a kind that is watched."""
        return kind in self._served

    def model(self, key: Key) -> Object | None:
        """A LeptonModel."""
        return self.get(LEPTON_MODEL, key.namespace, key.name)

    def models(self) -> list[Key]:
        """Every LeptonModel that there is."""
        return [one.key for one in self._entries[LEPTON_MODEL].values() if one.key is not None]

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """One object."""
        entry = self._entries[kind].get(f"{namespace}/{name}")
        return None if entry is None else self._open(entry)

    def owned(self, key: Key, kind: Kind) -> Mapping[str, Object]:
        """The objects of a kind that carry the model's label, by name."""
        if self._looked_at[0] != key:
            self._looked_at = key, {}
        known = self._looked_at[1]
        if kind not in known:
            found = (one for one in self._of_model.get(key, ()) if one.kind == kind)
            known[kind] = {one.path.partition("/")[2]: self._open(one) for one in found}
        return known[kind]

    def _shared(self, key: Key | None) -> Key | None:
        """The one of this model's others, so that there is one in memory."""
        others = None if key is None else self._of_model.get(key)
        return others[0].key if others else key

    def _tell(self, *entries: _Entry | None) -> None:
        for key in {entry.key for entry in entries if entry is not None and entry.key is not None}:
            self._changed(key)

    def _forget(self, path: str, known: _Entry) -> None:
        del self._entries[known.kind][path]
        self._looked_at = None, {}
        if known.key is not None:
            self._of_model[known.key].remove(known)
            if not self._of_model[known.key]:
                del self._of_model[known.key]

    def _pack(self, kind: Kind, object_: Object) -> bytes:
        text = to_json(_read(kind, object_))
        sample = self._samples.setdefault(kind, text)
        packer = zlib.compressobj(1, zlib.DEFLATED, _WINDOW_BITS, 5, zdict=sample)
        return packer.compress(text) + packer.flush()

    def _open(self, entry: _Entry) -> Object:
        object_ = _unpack(entry.packed, self._samples[entry.kind])
        metadata = {**object_["metadata"], "resourceVersion": str(entry.version)}
        return {**object_, "apiVersion": entry.kind.api_version, "kind": entry.kind.name, "metadata": metadata}


@lru_cache(maxsize=256)
def _unpack(packed: bytes, sample: bytes) -> Object:
    """What _read left of an object. A pass looks at it several times."""
    object_: Object = from_json(zlib.decompressobj(_WINDOW_BITS, zdict=sample).decompress(packed))
    return object_


def _read(kind: Kind, object_: Object) -> Object:
    """The object without what is never read, and what _Entry knows of it."""
    metadata = {
        name: value for name, value in object_["metadata"].items() if name not in ("managedFields", "resourceVersion")
    }
    annotations: dict[str, Any] = metadata.get("annotations", {})
    if _TOLD_BY_KUBECTL in annotations:
        metadata["annotations"] = {name: one for name, one in annotations.items() if name != _TOLD_BY_KUBECTL}
    kept = {name: value for name, value in object_.items() if name not in ("apiVersion", "kind")} | {
        "metadata": metadata
    }
    if kind in _UNREAD and "spec" in object_:
        kept["spec"] = {name: value for name, value in object_["spec"].items() if name not in _UNREAD[kind]}
    if kind == POD and "spec" in object_:
        kept["spec"]["containers"] = [{"resources": one.get("resources", {})} for one in object_["spec"]["containers"]]
    return kept


def path_of(object_: Object) -> str:
    """What tells an object from all others of its kind."""
    return f"{object_['metadata'].get('namespace', '')}/{object_['metadata']['name']}"


def _key(kind: Kind, object_: Object) -> Key | None:
    namespace, name = object_["metadata"].get("namespace", ""), object_["metadata"]["name"]
    model = name if kind == LEPTON_MODEL else object_["metadata"].get("labels", {}).get(MODEL)
    return None if model is None else Key(namespace, model)
