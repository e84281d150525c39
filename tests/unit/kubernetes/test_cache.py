"""What is known of the cluster, from watches and from our own writes, in whatever order they come."""

from typing import Any

from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.kinds import DEPLOYMENT, LEPTON_MODEL, POD, RAY_JOB
from lepton.backends.kubernetes.names import MODEL
from lepton.plan.types import Key

PETS, BIRDS, FISH = (Key("zoo", name) for name in ("pets", "birds", "fish"))


def model(version: int, uid: str = "u1") -> dict[str, Any]:
    metadata = {"name": "pets", "namespace": "zoo", "resourceVersion": str(version), "uid": uid}
    return {"metadata": {**metadata, "managedFields": [{"manager": "user"}]}}


def pod(name: str, version: int, of: str | None = "pets", phase: str = "Running") -> dict[str, Any]:
    labels = {MODEL: of} if of else {}
    metadata = {"name": name, "namespace": "zoo", "resourceVersion": str(version), "uid": f"uid-{name}"}
    return {"metadata": {**metadata, "labels": labels}, "status": {"phase": phase}}


def told() -> tuple[Cache, list[Key]]:
    """A cache, and what it told to have changed."""
    changed: list[Key] = []
    return Cache(changed.append), changed


def test_an_older_version_is_no_news_whichever_comes_first() -> None:
    cache, changed = told()
    for version in (9, 8, 9, 10):
        cache.put(LEPTON_MODEL, model(version))
    assert changed == [PETS, PETS]
    known = cache.model(PETS)
    assert known is not None
    assert known["metadata"]["resourceVersion"] == "10"


def test_what_comes_out_is_what_went_in_but_for_what_nobody_reads() -> None:
    cache, _ = told()
    labels = {"name": "run", "namespace": "zoo", "uid": "u1", "labels": {MODEL: "pets"}}
    kubectl = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "digest": "sha256:1"}
    noise = {"managedFields": [{"manager": "lepton"}], "annotations": kubectl, "resourceVersion": "7"}
    spec = {"suspend": False, "rayClusterSpec": {"rayVersion": "2"}}
    whole = {"apiVersion": "ray.io/v1", "kind": "RayJob", "status": {"jobStatus": "RUNNING"}}
    cache.put(RAY_JOB, {**whole, "metadata": {**labels, **noise}, "spec": spec})
    kept = {**labels, "annotations": {"digest": "sha256:1"}, "resourceVersion": "7"}
    assert cache.get(RAY_JOB, "zoo", "run") == {**whole, "metadata": kept, "spec": {"suspend": False}}


def test_a_version_that_says_nothing_new_is_known_and_no_news_but_a_models_always_is() -> None:
    cache, changed = told()
    cache.put(POD, pod("a", 1))
    cache.put(POD, pod("a", 2))
    known = cache.get(POD, "zoo", "a")
    assert known is not None
    assert (known["metadata"]["resourceVersion"], changed) == ("2", [PETS])
    cache.put(POD, pod("a", 3, phase="Failed"))
    cache.put(LEPTON_MODEL, model(4))
    cache.put(LEPTON_MODEL, model(5))
    assert len(changed) == 4


def test_objects_are_found_by_the_model_whose_label_they_carry() -> None:
    cache, _ = told()
    for one in (pod("a", 1), pod("b", 2), pod("c", 3, of="birds"), pod("d", 4, of=None)):
        cache.put(POD, one)
    cache.put(DEPLOYMENT, pod("e", 5))
    assert sorted(cache.owned(PETS, POD)) == ["a", "b"]
    assert sorted(cache.owned(BIRDS, POD)) == ["c"]
    assert cache.owned(FISH, POD) == {}
    cache.put(POD, pod("f", 6))
    assert sorted(cache.owned(PETS, POD)) == ["a", "b", "f"]


def test_an_object_whose_label_changed_is_another_models_and_both_are_told() -> None:
    cache, changed = told()
    cache.put(POD, pod("a", 1))
    cache.put(POD, pod("a", 2, of="birds"))
    assert (cache.owned(PETS, POD), list(cache.owned(BIRDS, POD))) == ({}, ["a"])
    assert (changed[0], set(changed[1:])) == (PETS, {PETS, BIRDS})


def test_the_end_of_an_earlier_object_of_that_name_is_no_news() -> None:
    cache, changed = told()
    cache.put(LEPTON_MODEL, model(5, uid="u2"))
    cache.remove(LEPTON_MODEL, model(4, uid="u1"))
    assert (cache.model(PETS) is None, len(changed)) == (False, 1)
    cache.remove(LEPTON_MODEL, model(6, uid="u2"))
    assert (cache.model(PETS) is None, len(changed)) == (True, 2)


def test_what_is_not_listed_is_gone_but_what_was_written_after_the_list_is_not() -> None:
    cache, changed = told()
    for one in (pod("stays", 1), pod("goes", 2, of="birds"), pod("made", 9, of="fish")):
        cache.put(POD, one)
    changed.clear()
    cache.retain(POD, {"zoo/stays"}, version=8)
    assert changed == [BIRDS]
    assert (list(cache.owned(PETS, POD)), list(cache.owned(FISH, POD))) == (["stays"], ["made"])


def test_what_was_gone_before_the_answer_to_a_write_of_it_came_stays_gone() -> None:
    """The answer to a write and the watch come by different ways."""
    cache, _ = told()
    cache.put(POD, pod("a", 1))
    cache.remove(POD, pod("a", 3))
    cache.reach(POD, 3)
    cache.note(POD, pod("a", 2))
    assert cache.get(POD, "zoo", "a") is None
    cache.note(POD, pod("a", 4))
    assert cache.get(POD, "zoo", "a") is not None


def test_the_answer_to_a_write_is_seen_before_a_watch_tells_of_it() -> None:
    cache, changed = told()
    cache.retain(POD, set(), 7)
    cache.note(POD, pod("a", 8))
    assert (cache.get(POD, "zoo", "a") is not None, changed) == (True, [PETS])


def test_that_a_kind_is_there_again_is_news_to_every_model_and_that_it_is_there_at_first_is_none() -> None:
    cache, changed = told()
    cache.put(LEPTON_MODEL, model(1))
    changed.clear()
    cache.retain(RAY_JOB, set(), 2)
    assert changed == []
    cache.lose(RAY_JOB)
    cache.retain(RAY_JOB, set(), 3)
    cache.retain(RAY_JOB, set(), 4)
    assert changed == [PETS]
