"""What the API server holds, as its watches and our own writes told: every observation is read from here.

Filled by the operator's reflectors, and by the backend with what its writes returned, so that a pass sees what the one
before it wrote. The newer version of an object stays, whichever comes first, and `changed` hears of all that is news.
Objects are kept as compressed JSON of what is ever read of them, so that ten thousand models fit into some 40 MB.
"""

import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec import Raw
from msgspec.json import decode

from lepton.backends.kubernetes.kinds import LEPTON_MODEL, Kind, Object
from lepton.backends.kubernetes.names import MODEL
from lepton.backends.kubernetes.trim import Metadata, trim
from lepton.plan.types import Key

_WINDOW_BITS = -13
"""Of the compression: raw, and looking back 8 KiB."""
_PASSES = 16
"""Of so many models the objects stay unpacked: more passes than are ever under way at once."""


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
        self._lost: set[Kind] = set()
        self._reached: defaultdict[Kind, int] = defaultdict(int)
        """Up to which version all that happened to a kind has been told."""
        self._opened: dict[Key, dict[Kind, dict[str, Object]]] = {}
        """What `owned` gave of some models, as long as it is true: a pass asks often."""

    def put(self, kind: Kind, object_: Object | Raw) -> str:
        """Take note of an object, parsed or not; what tells it from all others of its kind.

        It is news where anything differs that is ever read. Each version of a LeptonModel is: a report upon the one
        before was refused, and must be tried again.
        """
        metadata, text = trim(kind, object_)
        path, version = _path(metadata), int(metadata.resource_version)
        known = self._entries[kind].get(path)
        if known is not None and known.version >= version:
            return path
        entry = _Entry(kind, path, self._shared(_key(kind, metadata)), version, self._pack(kind, text))
        if known is not None:
            self._forget(known)
        self._entries[kind][path] = entry
        if entry.key is not None:
            self._of_model.setdefault(entry.key, []).append(entry)
            self._opened.pop(entry.key, None)
        if known is None or known.packed != entry.packed or kind == LEPTON_MODEL:
            self._tell(known, entry)
        return path

    def note(self, kind: Kind, object_: Object) -> None:
        """Take note of what a write or a look-up returned, unless we were told since then that it is gone."""
        metadata = object_["metadata"]
        is_known = f"{metadata['namespace']}/{metadata['name']}" in self._entries[kind]
        if is_known or int(metadata["resourceVersion"]) > self._reached[kind]:
            self.put(kind, object_)

    def reach(self, kind: Kind, version: int) -> None:
        """Take note that all that happened to a kind up to a version has been told."""
        self._reached[kind] = version

    def remove(self, kind: Kind, object_: Object | Raw) -> None:
        """Take note that an object is gone."""
        metadata, _ = trim(kind, object_)
        known = self._entries[kind].get(_path(metadata))
        if known is not None and self._open(known)["metadata"]["uid"] == metadata.uid:
            self._forget(known)
            self._tell(known)

    def retain(self, kind: Kind, listed: set[str], version: int) -> None:
        """Take note that at a version there was nothing else of a kind than what was listed, as put named it.

        That there is such a kind again is news to every model: it may wait for that.
        """
        self._served.add(kind)
        if kind in self._lost:
            self._lost.discard(kind)
            for key in self.models():
                self._changed(key)
        self.reach(kind, version)
        entries = self._entries[kind]
        for known in [one for path, one in entries.items() if path not in listed]:
            if known.version <= version:  # else we wrote it meanwhile
                self._forget(known)
                self._tell(known)

    def lose(self, kind: Kind) -> None:
        """Take note that the API server does not know a kind, so that there is none."""
        self._served.discard(kind)
        self._lost.add(kind)
        for known in list(self._entries[kind].values()):
            self._forget(known)
            self._tell(known)

    def serves(self, kind: Kind) -> bool:
        """Whether the API server knows a kind that is watched."""
        return kind in self._served

    def hurry(self, key: Key) -> None:
        """Ask for a pass over a model for something that no object tells."""
        self._changed(key)

    def model(self, key: Key) -> Object | None:
        """A LeptonModel."""
        return self.get(LEPTON_MODEL, key.namespace, key.name)

    def models(self) -> list[Key]:
        """Every LeptonModel that there is."""
        return [one.key for one in self._entries[LEPTON_MODEL].values() if one.key is not None]

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """One object."""
        entry = self._entries[kind].get(f"{namespace}/{name}")
        if entry is None or entry.key is None:
            return None if entry is None else self._open(entry)
        return self.owned(entry.key, kind)[name]

    def owned(self, key: Key, kind: Kind) -> Mapping[str, Object]:
        """The objects of a kind that carry the model's label, by name."""
        opened = self._opened.get(key)
        if opened is None:
            if len(self._opened) == _PASSES:
                del self._opened[next(iter(self._opened))]
            opened = self._opened[key] = defaultdict(dict)
            for one in self._of_model.get(key, ()):
                opened[one.kind][one.path.partition("/")[2]] = self._open(one)
        return opened[kind]

    def _shared(self, key: Key | None) -> Key | None:
        """The one of this model's others, so that there is one in memory."""
        others = None if key is None else self._of_model.get(key)
        return others[0].key if others else key

    def _tell(self, *entries: _Entry | None) -> None:
        for key in {entry.key for entry in entries if entry is not None and entry.key is not None}:
            self._changed(key)

    def _forget(self, known: _Entry) -> None:
        del self._entries[known.kind][known.path]
        if known.key is not None:
            self._opened.pop(known.key, None)
            self._of_model[known.key].remove(known)
            if not self._of_model[known.key]:
                del self._of_model[known.key]

    def _pack(self, kind: Kind, text: bytes) -> bytes:
        sample = self._samples.setdefault(kind, text)
        packer = zlib.compressobj(1, zlib.DEFLATED, _WINDOW_BITS, 5, zdict=sample)
        return packer.compress(text) + packer.flush()

    def _open(self, entry: _Entry) -> Object:
        unpacker = zlib.decompressobj(_WINDOW_BITS, zdict=self._samples[entry.kind])
        object_: Object = decode(unpacker.decompress(entry.packed))
        object_["apiVersion"], object_["kind"] = entry.kind.api_version, entry.kind.name
        object_["metadata"]["resourceVersion"] = str(entry.version)
        return object_


def _path(metadata: Metadata) -> str:
    return f"{metadata.namespace}/{metadata.name}"


def _key(kind: Kind, metadata: Metadata) -> Key | None:
    model = metadata.name if kind == LEPTON_MODEL else metadata.labels.get(MODEL)
    return None if model is None else Key(metadata.namespace, model)
