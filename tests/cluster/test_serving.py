"""How the users' traffic gets from one workload to the next, told pass by pass on a real API server."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from lepton.backends.kubernetes.kinds import RAY_JOB, SERVICE, Object
from lepton.backends.kubernetes.names import WORKLOAD, workload_name
from lepton.plan.types import Key, Ref, Traffic
from lepton.spec.deploy import Deploy
from tests.cluster.control_plane import ControlPlane
from tests.cluster.harness import KubernetesHarness
from tests.cluster.world import RUNNING
from tests.contract.harness import digits, job, traffic

KEY = Key("default", "digits")
BUILD = "digits-build-1"


TAKEN = "there is a Service digits already, which is not this model's"
THEIRS: Object = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "digits", "namespace": "default"},
    "spec": {"selector": {"app": "theirs"}, "ports": [{"port": 80}]},
}


@pytest.fixture
def harness(control_plane: ControlPlane) -> Iterator[KubernetesHarness]:
    with KubernetesHarness(control_plane.kubeconfig) as made:
        yield made


def workload(wanted: Traffic) -> str:
    return workload_name(KEY, "served", wanted.digest, "triton")


def led_to(harness: KubernetesHarness) -> str:
    return str(harness.world.object(SERVICE, KEY, "digits")["spec"]["selector"][WORKLOAD])


def test_the_traffic_moves_once_as_many_servers_answer_as_are_asked_for(harness: KubernetesHarness) -> None:
    harness.put(KEY, digits())
    first = traffic(KEY, harness.artifact(KEY, 1))
    harness.apply(KEY, first)
    harness.let_switch(KEY)
    second = replace(traffic(KEY, harness.artifact(KEY, 2), 2), deploy=Deploy(replicas=2))
    harness.apply(KEY, second)
    harness.until(lambda: len(harness.world.pods(KEY, workload(second))) == 2)
    for ready, pod in enumerate(harness.world.pods(KEY, workload(second)), 1):
        assert led_to(harness) == workload(first)
        harness.runner.run(harness.world.set_pod(pod, RUNNING))
        harness.until(lambda ready=ready: harness.world.ready_pods(KEY, workload(second)) == ready)
        harness.apply(KEY, second)
    assert led_to(harness) == workload(second)


def test_a_name_that_somebody_else_has_is_told_and_theirs_neither_taken_over_nor_deleted(
    harness: KubernetesHarness,
) -> None:
    client, run = harness.world.client, harness.runner.run
    before = run(client.apply(SERVICE, THEIRS, manager="user"))
    try:
        harness.put(KEY, digits())
        harness.apply(KEY, traffic(KEY, harness.artifact(KEY, 1)))
        seen = run(harness.backend.observe(KEY))
        assert seen is not None
        assert seen.traffic is not None
        assert seen.traffic.failure is not None
        assert TAKEN in seen.traffic.failure.message
        run(harness.backend.delete(KEY, Ref("Traffic", "digits")))
        assert run(client.get(SERVICE, "default", "digits")) == before
    finally:
        run(client.delete(SERVICE, "default", "digits"))
    harness.apply(KEY, traffic(KEY, harness.artifact(KEY, 1)))
    assert led_to(harness) == workload(traffic(KEY, harness.artifact(KEY, 1)))


def test_nothing_is_built_that_could_not_be_served_under_its_name(harness: KubernetesHarness) -> None:
    client, run = harness.world.client, harness.runner.run
    run(client.apply(SERVICE, THEIRS, manager="user"))
    try:
        harness.put(KEY, digits())
        harness.apply(KEY, job(KEY, BUILD))
        trouble = harness.seen(KEY).jobs[BUILD].trouble
        assert trouble is not None
        assert TAKEN in trouble.message
        assert harness.world.cache.owned(KEY, RAY_JOB) == {}
    finally:
        run(client.delete(SERVICE, "default", "digits"))
    harness.apply(KEY, job(KEY, BUILD))
    assert harness.seen(KEY).jobs[BUILD].trouble is None
    assert len(harness.world.cache.owned(KEY, RAY_JOB)) == 1
