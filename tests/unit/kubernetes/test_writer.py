"""What the writer tells the cache of a deletion."""

import asyncio

import pytest

from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import FIELD_MANAGER, Taken
from lepton.backends.kubernetes.kinds import CONFIG_MAP, SERVICE, Kind, Object
from lepton.backends.kubernetes.names import MODEL
from lepton.backends.kubernetes.writer import Writer
from lepton.plan.types import Key

KEY = Key("zoo", "digits")


def config_map(version: str, **metadata: object) -> Object:
    common = {"name": "job", "namespace": "zoo", "uid": "u1", "resourceVersion": version, "labels": {MODEL: "digits"}}
    return {"data": {}, "metadata": {**common, **metadata}}


class Deleting:
    """An API server of which an object stays so far, or goes at once."""

    def __init__(self, left: Object | None) -> None:
        self.asked = 0
        self._left = left

    async def delete(self, kind: Kind, namespace: str, name: str) -> Object | None:
        self.asked += 1
        return self._left


def deleted_twice(left: Object | None) -> tuple[Cache, int]:
    cache, client = Cache(), Deleting(left)
    cache.put(CONFIG_MAP, config_map("1"))
    writer = Writer(client, cache)  # type: ignore[arg-type]  # a fake
    for _ in range(2):
        asyncio.run(writer.delete(CONFIG_MAP, KEY, "job"))
    return cache, client.asked


def test_what_is_deleted_is_gone_at_once() -> None:
    cache, asked = deleted_twice(None)
    assert (cache.get(CONFIG_MAP, "zoo", "job"), asked) == (None, 1)


def test_what_others_hold_is_there_until_they_let_it_go_and_is_not_deleted_again() -> None:
    held = config_map("2", finalizers=["others/held"], deletionTimestamp="2026-01-01T00:00:00Z")
    cache, asked = deleted_twice(held)
    found = cache.get(CONFIG_MAP, "zoo", "job")
    assert found is not None
    assert (found["metadata"]["finalizers"], asked) == (["others/held"], 1)


OURS = {"managedFields": [{"manager": FIELD_MANAGER, "operation": "Apply"}, {"manager": "somebody"}]}
OTHERS = {"managedFields": [{"manager": "somebody", "operation": "Apply"}]}
FOUND: dict[str, tuple[Object, bool]] = {
    "one that is labelled as the model's": ({"labels": {MODEL: "digits"}, **OTHERS}, True),
    "one that the model owns": ({"ownerReferences": [{"uid": "u1"}], **OTHERS}, True),
    "one of ours whose labels and owner somebody took away": (OURS, True),
    "one that Lepton made for another model": ({"labels": {MODEL: "other"}, **OURS}, False),
    "one of a model of this name that was deleted": ({"ownerReferences": [{"uid": "u0"}], **OURS}, False),
    "one that somebody else made": (OTHERS, False),
}


class Finding:
    """An API server that has an object of the model's name."""

    def __init__(self, metadata: Object) -> None:
        self._metadata = metadata

    async def find(self, kind: Kind, namespace: str, name: str) -> Object:
        return {"metadata": self._metadata}


@pytest.mark.parametrize("sentence", FOUND)
def test_a_name_is_free_for_the_models_own_object_alone(sentence: str) -> None:
    metadata, is_free = FOUND[sentence]
    writer = Writer(Finding(metadata), Cache())  # type: ignore[arg-type]  # a fake
    try:
        asyncio.run(writer.require_free(SERVICE, KEY, "u1"))
    except Taken:
        assert not is_free
    else:
        assert is_free
