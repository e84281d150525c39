"""How the users' traffic gets from one workload to the next, told pass by pass on a real API server."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from lepton.backends.kubernetes.kinds import SERVICE
from lepton.backends.kubernetes.names import WORKLOAD, workload_name
from lepton.plan.types import Key, Traffic
from lepton.spec.deploy import Deploy
from tests.cluster.control_plane import ControlPlane
from tests.cluster.harness import KubernetesHarness
from tests.cluster.world import RUNNING
from tests.contract.harness import digits, traffic

KEY = Key("default", "digits")


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
