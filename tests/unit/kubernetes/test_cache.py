"""What is known of the cluster, from watches and from our own writes, in whatever order they come."""

from typing import Any

from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.kinds import LEPTON_MODEL, POD
from lepton.backends.kubernetes.names import MODEL
from lepton.plan.types import Key

PETS = Key("zoo", "pets")


def model(version: int, uid: str = "u1") -> dict[str, Any]:
    metadata = {"name": "pets", "namespace": "zoo", "resourceVersion": str(version), "uid": uid}
    return {"metadata": {**metadata, "managedFields": [{"manager": "user"}]}}


def pod(name: str, version: int, of: str | None = "pets") -> dict[str, Any]:
    labels = {MODEL: of} if of else {}
    metadata = {"name": name, "namespace": "zoo", "resourceVersion": str(version), "uid": f"uid-{name}"}
    return {"metadata": {**metadata, "labels": labels}}


def test_an_older_version_is_no_news_whichever_comes_first() -> None:
    news: list[Key] = []
    cache = Cache(news.append)
    for version in (9, 8, 9, 10):
        cache.put(LEPTON_MODEL, model(version))
    assert news == [PETS, PETS]
    known = cache.model(PETS)
    assert known is not None
    assert known["metadata"]["resourceVersion"] == "10"


def test_what_nobody_reads_is_not_kept() -> None:
    cache = Cache()
    cache.put(LEPTON_MODEL, model(1))
    assert "managedFields" not in (cache.model(PETS) or {})["metadata"]


def test_objects_are_found_by_the_model_whose_label_they_carry() -> None:
    cache = Cache()
    for one in (pod("a", 1), pod("b", 2), pod("c", 3, of="birds"), pod("d", 4, of=None)):
        cache.put(POD, one)
    assert sorted(cache.owned(PETS, POD)) == ["a", "b"]
    assert sorted(cache.owned(Key("zoo", "birds"), POD)) == ["c"]
    assert cache.owned(Key("zoo", "fish"), POD) == {}


def test_an_object_whose_label_changed_is_another_models() -> None:
    news: list[Key] = []
    cache = Cache(news.append)
    cache.put(POD, pod("a", 1))
    cache.put(POD, pod("a", 2, of="birds"))
    assert news[0] == PETS
    assert set(news[1:]) == {PETS, Key("zoo", "birds")}
    assert (cache.owned(PETS, POD), list(cache.owned(Key("zoo", "birds"), POD))) == ({}, ["a"])


def test_the_end_of_an_earlier_object_of_that_name_is_no_news() -> None:
    news: list[Key] = []
    cache = Cache(news.append)
    cache.put(LEPTON_MODEL, model(5, uid="u2"))
    cache.remove(LEPTON_MODEL, model(4, uid="u1"))
    assert (news, cache.models()) == ([PETS], [PETS])
    cache.remove(LEPTON_MODEL, model(6, uid="u2"))
    assert (news, cache.models()) == ([PETS, PETS], [])


def test_a_list_is_all_there_is_and_tells_only_what_changed() -> None:
    news: list[Key] = []
    cache = Cache(news.append)
    for one in (pod("stays", 1), pod("goes", 2, of="birds"), pod("written-since", 9)):
        cache.put(POD, one)
    for changes in ({Key("zoo", "birds"), Key("zoo", "fish")}, set()):
        news.clear()
        for one in (pod("stays", 1), pod("comes", 5, of="fish")):
            cache.put(POD, one)
        cache.retain(POD, {"zoo/stays", "zoo/comes"}, 6)
        assert set(news) == changes
    assert sorted(cache.owned(PETS, POD)) == ["stays", "written-since"]
