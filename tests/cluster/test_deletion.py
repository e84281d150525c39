"""A deleted model goes once its artifacts are removed; what hinders that is told, and a person can let it go."""

from collections.abc import Iterator

import pytest

from lepton.backends.kubernetes.kinds import JOB, LEPTON_MODEL, POD, Kind, Object
from lepton.backends.kubernetes.names import JOB_LABEL, KEEP_ARTIFACTS, MODEL, cleanup_name
from lepton.plan.types import Key, Ref
from lepton.spec.status import RevisionRecord, Status
from tests.cluster.control_plane import ControlPlane
from tests.cluster.harness import KubernetesHarness
from tests.contract.harness import digits, job

KEY = Key("default", "digits")
NAMESPACES = Kind("v1", "Namespace", "namespaces")
BUILD = "digits-build-1"
BUILT = Status(revisions=(RevisionRecord(number=1, name="build", cause="spec", created="2026-01-01T00:00:00Z"),))


@pytest.fixture
def harness(control_plane: ControlPlane) -> Iterator[KubernetesHarness]:
    with KubernetesHarness(control_plane.kubeconfig) as made:
        yield made


def built_and_deleted(harness: KubernetesHarness, key: Key = KEY) -> str:
    """A model that something was built for and that is to go; the name of its cleanup."""
    harness.put(key, digits())
    assert harness.report(key, BUILT, harness.seen(key).model.metadata.resource_version)
    harness.mark_deleted(key)
    return cleanup_name(key, harness.world.object(LEPTON_MODEL, key, key.name)["metadata"]["uid"])


def pod_of(harness: KubernetesHarness, cleanup: str) -> Object:
    """The pod that removes the artifacts, once the Job's controller has made it."""

    def pods() -> list[Object]:
        found = harness.world.cache.owned(KEY, POD).values()
        return [pod for pod in found if pod["metadata"]["labels"].get(JOB_LABEL) == cleanup]

    harness.until(lambda: bool(pods()))
    name = pods()[0]["metadata"]["name"]
    return harness.runner.run(harness.world.client.get(POD, KEY.namespace, name))


def pod(name: str, job: str, **spec: str) -> Object:
    """Of a job of the model."""
    metadata = {"name": name, "namespace": KEY.namespace, "labels": {MODEL: KEY.name, JOB_LABEL: job}}
    full = {"containers": [{"name": "ray", "image": "worker"}], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": full}


def is_gone(harness: KubernetesHarness, key: Key = KEY) -> bool:
    harness.forget(key)
    return harness.world.cache.model(key) is None


def test_a_model_goes_once_its_artifacts_are_removed(harness: KubernetesHarness) -> None:
    cleanup = built_and_deleted(harness)
    assert not is_gone(harness)
    pod = pod_of(harness, cleanup)
    (container,) = pod["spec"]["containers"]
    places = ["s3://models/default/digits", "/lepton/work/default/digits"]
    assert container["command"] == ["python", "-m", "services.worker.remove", *places]
    assert not is_gone(harness)
    harness.runner.run(harness.world.play_cleanup(KEY))
    harness.until(lambda: is_complete(harness, cleanup))
    assert is_gone(harness)
    harness.until(lambda: not harness.world.cache.owned(KEY, JOB))


def is_complete(harness: KubernetesHarness, cleanup: str) -> bool:
    conditions = harness.world.object(JOB, KEY, cleanup)["status"].get("conditions", ())
    return any(one["type"] == "Complete" for one in conditions)


def test_nothing_is_removed_while_a_job_of_the_model_could_still_write(harness: KubernetesHarness) -> None:
    built_and_deleted(harness)
    builder = pod("digits-head", "digits-build-1")
    harness.world.cache.put(POD, harness.runner.run(harness.world.client.apply(POD, builder)))
    assert not is_gone(harness)
    assert harness.world.cache.owned(KEY, JOB) == {}
    harness.runner.run(harness.world.client.delete(POD, KEY.namespace, "digits-head"))
    harness.until(lambda: not harness.world.cache.owned(KEY, POD))
    assert not is_gone(harness)
    assert len(harness.world.cache.owned(KEY, JOB)) == 1


def test_what_hinders_it_is_told_and_an_annotation_lets_the_model_go(harness: KubernetesHarness) -> None:
    cleanup = built_and_deleted(harness)
    assert not is_gone(harness)
    pod = pod_of(harness, cleanup)
    missing = '0/1 nodes are available: persistentvolumeclaim "lepton" not found.'
    waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": missing}
    harness.runner.run(harness.world.set_pod(pod, {"phase": "Pending", "conditions": [waits]}))
    assert not is_gone(harness)
    (told,) = harness.seen(KEY).model.status.conditions
    assert (told.type, told.status, told.reason) == ("Ready", "False", "ReferenceNotFound")
    assert told.message == (
        f"the model's artifacts can't be removed: pod {pod['metadata']['name']} waits for the PersistentVolumeClaim "
        "lepton, which is not there: create it; "
        "to delete the model all the same and leave its artifacts, annotate it with leptonml.dev/keep-artifacts=true"
    )
    changes = {"metadata": {"annotations": {KEEP_ARTIFACTS: "true"}}}
    merged = harness.runner.run(harness.world.client.merge(LEPTON_MODEL, KEY.namespace, KEY.name, changes))
    harness.world.cache.put(LEPTON_MODEL, merged)
    assert is_gone(harness)


def test_what_waits_for_a_silent_node_is_told(harness: KubernetesHarness) -> None:
    built_and_deleted(harness)
    builder = harness.runner.run(harness.world.client.apply(POD, pod("digits-head", "digits-build-1", nodeName="n7")))
    overruled = [{"type": "Ready", "status": "False"}, {"type": "ContainersReady", "status": "True"}]
    harness.runner.run(harness.world.set_pod(builder, {"phase": "Running", "conditions": overruled}))
    assert not is_gone(harness)
    (told,) = harness.seen(KEY).model.status.conditions
    assert (told.type, told.status, told.reason) == ("Ready", "False", "NodeNotReady")
    assert told.message == (
        "the model's artifacts can't be removed: pod digits-head is on node n7, which is silent: see `kubectl describe "
        "node n7`; all goes on once it is back, or, where it is gone for good, after `kubectl delete node n7`; "
        "to delete the model all the same and leave its artifacts, annotate it with leptonml.dev/keep-artifacts=true"
    )
    harness.runner.run(
        harness.world.client.merge(POD, KEY.namespace, "digits-head", {"metadata": {"labels": {MODEL: None}}})
    )


def test_the_artifact_of_a_build_that_is_forgotten_is_removed(harness: KubernetesHarness) -> None:
    forget_a_build(harness)
    (removal,) = harness.world.cache.owned(KEY, JOB).values()
    (container,) = harness.runner.run(harness.world.client.get(JOB, KEY.namespace, removal["metadata"]["name"]))[
        "spec"
    ]["template"]["spec"]["containers"]
    assert container["command"] == ["python", "-m", "services.worker.remove", "s3://models/1"]
    assert harness.seen(KEY).owned == frozenset()
    harness.until(lambda: bool(harness.world.cache.owned(KEY, POD)))
    harness.runner.run(harness.world.play_cleanup(KEY))
    harness.until(lambda: not harness.world.cache.owned(KEY, JOB))


def test_it_stays_where_artifacts_are_to_be_kept(harness: KubernetesHarness) -> None:
    harness.put(KEY, digits())
    changes = {"metadata": {"annotations": {KEEP_ARTIFACTS: "true"}}}
    merged = harness.runner.run(harness.world.client.merge(LEPTON_MODEL, KEY.namespace, KEY.name, changes))
    harness.world.cache.put(LEPTON_MODEL, merged)
    forget_a_build(harness)
    assert (harness.world.cache.owned(KEY, JOB), harness.seen(KEY).owned) == ({}, frozenset())


def test_a_build_that_is_wanted_again_begins_once_nothing_removes_what_it_makes(harness: KubernetesHarness) -> None:
    forget_a_build(harness)
    harness.until(lambda: bool(harness.world.cache.owned(KEY, POD)))
    harness.apply(KEY, job(KEY, BUILD))
    assert (harness.world.cache.owned(KEY, JOB), harness.seen(KEY).owned) == ({}, frozenset())
    harness.until(lambda: not harness.world.cache.owned(KEY, POD))
    harness.apply(KEY, job(KEY, BUILD))
    assert harness.seen(KEY).owned == {Ref("Job", BUILD)}


def forget_a_build(harness: KubernetesHarness) -> None:
    """One that was finished."""
    harness.put(KEY, digits())
    harness.apply(KEY, job(KEY, BUILD))
    harness.finish_job(KEY, BUILD, harness.artifact(KEY, 1))
    harness.delete(KEY, Ref("Job", BUILD))


def test_a_namespace_that_goes_takes_its_models_along(harness: KubernetesHarness) -> None:
    key = Key("doomed", "digits")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": key.namespace}}
    harness.runner.run(harness.world.client.apply(NAMESPACES, namespace))
    harness.put(key, digits())
    assert harness.report(key, BUILT, harness.seen(key).model.metadata.resource_version)
    harness.runner.run(harness.world.client.delete(NAMESPACES, "", key.namespace))
    model = harness.world.object
    harness.until(lambda: "deletionTimestamp" in model(LEPTON_MODEL, key, key.name)["metadata"])
    assert is_gone(harness, key)
