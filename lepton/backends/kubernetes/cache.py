"""What the API server holds, as its watches and our own writes told: every observation is read from here.

Filled by the operator's reflectors, and by the backend with what its writes returned, so that a pass sees what the one
before it wrote. The newer version of an object stays, whichever comes first.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from lepton.backends.kubernetes.kinds import LEPTON_MODEL, Kind, Object
from lepton.backends.kubernetes.names import MODEL
from lepton.plan.types import Key

Name = tuple[str, str]
"""Namespace and name."""


class Cache:
    """All LeptonModels, and all objects that carry the label of one."""

    def __init__(self) -> None:
        self._objects: dict[Kind, dict[Name, Object]] = defaultdict(dict)
        self._served: set[Kind] = set()
        self._of_model: dict[Key, dict[Kind, dict[str, Object]]] = defaultdict(lambda: defaultdict(dict))

    def put(self, kind: Kind, object_: Object) -> Key | None:
        """Take note of an object. Returns the model that it concerns; None where it is no news."""
        known = self._objects[kind].get(_name(object_))
        if known is not None and _version(known) >= _version(object_):
            return None
        if known is not None:
            self._forget(kind, known)
        object_["metadata"].pop("managedFields", None)
        self._objects[kind][_name(object_)] = object_
        key = _key(kind, object_)
        if key is not None and kind != LEPTON_MODEL:
            self._of_model[key][kind][object_["metadata"]["name"]] = object_
        return key

    def remove(self, kind: Kind, object_: Object) -> Key | None:
        """Take note that an object is gone. Returns the model that it concerned; None where it is no news."""
        known = self._objects[kind].get(_name(object_))
        if known is None or known["metadata"]["uid"] != object_["metadata"]["uid"]:
            return None
        self._forget(kind, known)
        return _key(kind, known)

    def replace(self, kind: Kind, objects: Iterable[Object]) -> set[Key]:
        """Take note of all objects of a kind that there are. Returns the models that this is news for."""
        self._served.add(kind)
        listed = {_name(object_): object_ for object_ in objects}
        gone = [known for name, known in self._objects[kind].items() if name not in listed]
        changed = [self.remove(kind, known) for known in gone]
        changed += [self.put(kind, object_) for object_ in listed.values()]
        return {key for key in changed if key is not None}

    def lose(self, kind: Kind) -> set[Key]:
        """Take note that the API server does not know a kind, so that there is none. Returns the models concerned."""
        changed = self.replace(kind, ())
        self._served.discard(kind)
        return changed

    def serves(self, kind: Kind) -> bool:
        """Whether the API server knows a kind that is watched."""
        return kind in self._served

    def model(self, key: Key) -> Object | None:
        """A LeptonModel."""
        return self._objects[LEPTON_MODEL].get((key.namespace, key.name))

    def models(self) -> list[Key]:
        """Every LeptonModel that there is."""
        return [Key(*name) for name in self._objects[LEPTON_MODEL]]

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """One object."""
        return self._objects[kind].get((namespace, name))

    def owned(self, key: Key, kind: Kind) -> Mapping[str, Object]:
        """The objects of a kind that carry the model's label, by name."""
        return self._of_model[key][kind] if key in self._of_model else {}

    def _forget(self, kind: Kind, object_: Object) -> None:
        del self._objects[kind][_name(object_)]
        key = _key(kind, object_)
        if key is not None and key in self._of_model:
            self._of_model[key][kind].pop(object_["metadata"]["name"], None)
            if not any(self._of_model[key].values()):
                del self._of_model[key]


def _name(object_: Object) -> Name:
    return object_["metadata"].get("namespace", ""), object_["metadata"]["name"]


def _version(object_: Object) -> int:
    """Versions of objects of one kind are numbers that grow (KEP-5504)."""
    return int(object_["metadata"]["resourceVersion"])


def _key(kind: Kind, object_: Object) -> Key | None:
    namespace, name = _name(object_)
    model = name if kind == LEPTON_MODEL else object_["metadata"].get("labels", {}).get(MODEL)
    return None if model is None else Key(namespace, model)
