"""A deleted model goes once its artifacts are removed; what hinders that is told, and a person can let it go."""

from collections.abc import Iterator

import pytest

from lepton.backends.kubernetes.kinds import JOB, LEPTON_MODEL, POD, Kind, Object
from lepton.backends.kubernetes.names import JOB_LABEL, KEEP_ARTIFACTS, MODEL, cleanup_name
from lepton.plan.types import Key
from lepton.spec.status import RevisionRecord, Status
from tests.cluster.control_plane import ControlPlane
from tests.cluster.harness import KubernetesHarness
from tests.contract.harness import digits

KEY = Key("default", "digits")
NAMESPACES = Kind("v1", "Namespace", "namespaces")
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
    labels = {MODEL: KEY.name, JOB_LABEL: "digits-build-1"}
    spec = {"containers": [{"name": "ray", "image": "worker"}]}
    metadata = {"name": "digits-head", "namespace": KEY.namespace, "labels": labels}
    builder = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
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
